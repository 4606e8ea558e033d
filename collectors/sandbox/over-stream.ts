// An interpreter that shares nothing with this host but a stream of bytes: in a container, on a vendor's
// machine. Contexts travel over the stream, output comes in frames, the interrupt is a frame.
import type { Duplex } from 'node:stream'
import type { Death } from '../../src/sandbox.ts'
import type { Level, StartRequest } from './level.ts'
import { cellFilter, systemCallNumber } from './seccomp.ts'
import type { Architecture } from './seccomp.ts'
import type { Transport } from './transport.ts'

/** What a place must be able to do, and what it may. */
export interface Connection {
  /** Python's stdin and stdout; without stderr. */
  stream: Duplex
  /** Settles, once, when the interpreter is gone; never rejects. */
  exited: Promise<Death>
  /** Ends the interpreter, and with it whatever it runs in; called once or more. */
  kill: () => void
  interrupt?: () => void
  freeze?: () => void
  thaw?: () => void
  /** Called once, before the first cell. */
  limitMemory?: (bytes: number) => void
}

/** What is run there, with Python 3.9 or newer. */
export interface RemoteCommand {
  /** The arguments of `python3`. */
  arguments: string[]
  /** The whole environment. */
  environment: Record<string, string>
}

export function remoteCommand({ pythonArguments }: StartRequest): RemoteCommand {
  return {
    arguments: [...pythonArguments, 'stdio'],
    environment: { LANG: 'C.UTF-8', MALLOC_ARENA_MAX: '2', PYTHONHASHSEED: '0' },
  }
}

export function overStream(connection: Connection): Transport {
  return {
    stream: connection.stream,
    processId: null,
    exited: connection.exited,
    contexts: 'inline',
    snapshot: null,
    interrupt: connection.interrupt ?? null,
    freeze: () => connection.freeze?.(),
    thaw: () => connection.thaw?.(),
    kill: connection.kill,
    limitMemory: (bytes) => connection.limitMemory?.(bytes),
  }
}

/**
 * What the runner does to itself there: resource limits, and the filter for cells where the machine is
 * Linux of a known architecture. `processId`: the interpreter's, as it sees itself.
 */
export function confinementInside(
  architecture: Architecture | null,
  limits: Record<string, number>,
  processId = 1,
): ReturnType<Level['confinement']> {
  if (architecture === null) return { plan: { limits, seccompNumber: 0 }, filter: Buffer.alloc(0) }
  return {
    plan: {
      limits,
      // Its files are for cells to read, none to write; gVisor's kernel, for one, has no Landlock.
      landlock: { read: ['/'], write: ['/dev/null'], optional: true },
      seccompNumber: systemCallNumber('seccomp', architecture),
    },
    filter: cellFilter(architecture, processId),
  }
}

/**
 * A level of one's own, for a vendor's machines: a session for each `connect`, over any duplex stream of
 * bytes. It is taken when it is given to `openSandbox` as `remote`, and its name is `remote`.
 */
export function remoteLevel(vendor: {
  /** Why it cannot work, as far as can be told without a connection; null: try it. */
  obstacle: () => Promise<string | null>
  /** Starts the command on a machine of its own. Errors raised: a SandboxError. */
  connect: (command: RemoteCommand) => Promise<Connection>
  /** That of the machines; null: no filter inside, the machine is the boundary. */
  architecture: Architecture | null
  /** The interpreter's process id there, where it is not the first process. Needs `architecture`. */
  processId?: number
}): Level {
  return {
    isolation: 'remote',
    hostPython: false,
    obstacle: vendor.obstacle,
    start: async (request) => overStream(await vendor.connect(remoteCommand(request))),
    confinement: ({ limits }) => confinementInside(vendor.architecture, limits, vendor.processId),
  }
}

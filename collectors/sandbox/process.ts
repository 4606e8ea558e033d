// An interpreter as a process of this machine. Invariant: signals go to the interpreter itself, never to
// a launcher around it, whose end would be the interpreter's end.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { Duplex, Readable, Writable } from 'node:stream'
import { SandboxError } from '../../src/errors.ts'
import type { ContextFile, Death } from '../../src/sandbox.ts'
import { closeAll, openContextFiles } from './context-files.ts'
import { keepTail, readDeath } from './death.ts'
import type { Identity } from './identity.ts'
import type { Launch } from './level.ts'
import { createSnapshot, halfBytes, readSnapshot } from './snapshot.ts'
import type { Printed, Transport } from './transport.ts'

const channelDescriptor = 3
const firstContextDescriptor = 4
/** After the interpreter was killed, its launcher gets this long to end by itself. */
const launcherGraceMs = 500

export interface ProcessRequest {
  identity: Identity
  contexts: readonly ContextFile[]
  /** `nextDescriptor`: the first that is free for a launcher's own use. */
  launch(nextDescriptor: number): Launch
}

/**
 * Starts the process with the contexts and the snapshot as inherited descriptors. Throws a SandboxError
 * when a context cannot be opened or the program not started.
 */
export async function startProcess(request: ProcessRequest): Promise<Transport> {
  const { identity } = request
  const snapshot = await createSnapshot()
  let files: FileHandle[] = []
  let child: ChildProcess
  let launch: Launch
  try {
    files = await openContextFiles(request.contexts)
    launch = request.launch(firstContextDescriptor + files.length + 1)
    const pipes = launch.inputs.length + (launch.statusDescriptor === null ? 0 : 1)
    child = spawn(launch.command, launch.arguments, {
      stdio: [
        ...(['ignore', 'ignore', 'pipe', 'pipe'] as const),
        ...files.map((file) => file.fd),
        snapshot.fd,
        ...Array.from({ length: pipes }, () => 'pipe' as const),
      ],
      env: launch.environment,
      cwd: '/',
      // A group of its own: Ctrl-C at the host's terminal is the host's affair.
      detached: true,
      ...(identity.uid === null ? {} : { uid: identity.uid, gid: identity.uid }),
    })
    if (!child.stdio?.[channelDescriptor]) {
      const [error] = (await once(child, 'error')) as [Error]
      throw new SandboxError('start', `the interpreter could not be started: ${error.message}`)
    }
  } catch (error) {
    await snapshot.close()
    throw error
  } finally {
    await closeAll(files)
  }
  for (const { descriptor, data } of launch.inputs) {
    const pipe = child.stdio[descriptor] as Writable
    pipe.on('error', () => {})
    pipe.end(data)
  }
  const status = launch.statusDescriptor === null ? null : (child.stdio[launch.statusDescriptor] as Readable)
  const { transport, known } = attend(child, status, snapshot, files.length)
  // The interpreter may speak before its launcher's word is read; nobody could signal it then.
  await Promise.race([known, transport.exited])
  return transport
}

function attend(
  child: ChildProcess,
  status: Readable | null,
  snapshot: FileHandle,
  contexts: number,
): { transport: Transport; known: Promise<void> } {
  let processId = status === null ? (child.pid ?? null) : null
  let ended = false
  let kept: Printed | null = null
  const errors = keepTail(child.stderr)

  function signal(name: NodeJS.Signals): void {
    if (ended) return
    try {
      if (processId !== null) process.kill(processId, name)
    } catch {
      // It has just ended.
    }
  }

  const exited = new Promise<Death>((resolve) => {
    function end(death: Death): void {
      if (ended) return
      ended = true
      kept = readSnapshot(snapshot.fd)
      void snapshot.close()
      for (const stream of child.stdio) stream?.destroy()
      resolve(death)
    }
    child.on('error', (error) => end({ reason: 'exit', detail: error.message }))
    child.on('exit', (code, name) => end(readDeath(code, name, errors())))
  })
  const known = new Promise<void>((resolve) => {
    if (status === null) resolve()
    else
      readProcessId(status, (told) => {
        processId = told
        resolve()
      })
  }).then(() => (processId === null ? undefined : spare(processId)))

  const transport: Transport = {
    stream: child.stdio[channelDescriptor] as Duplex,
    get processId() {
      return processId
    },
    exited,
    contexts: Array.from({ length: contexts }, (_, index) => ({
      descriptor: firstContextDescriptor + index,
    })),
    snapshot: {
      descriptor: firstContextDescriptor + contexts,
      halfBytes,
      read: () => kept ?? readSnapshot(snapshot.fd),
    },
    interrupt: () => signal('SIGINT'),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    kill() {
      signal('SIGKILL')
      if (processId === null || processId === child.pid) child.kill('SIGKILL')
      else setTimeout(() => child.kill('SIGKILL'), launcherGraceMs).unref()
    },
  }
  return { transport, known }
}

/** When the machine runs out of memory, interpreters go first. */
function spare(processId: number): void {
  void writeFile(`/proc/${processId}/oom_score_adj`, '1000').catch(() => {})
}

/** bubblewrap writes JSON objects; the first has the process id, before anything runs in there. */
function readProcessId(status: Readable, onTold: (processId: number) => void): void {
  let text = ''
  status.on('error', () => {})
  status.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(0, 4096)
    const [, told] = /"child-pid": *(\d+)/.exec(text) ?? []
    if (told !== undefined) onTold(Number(told))
  })
}

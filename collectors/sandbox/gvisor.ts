// Level `gvisor`: the interpreter runs on gVisor's own kernel (`runsc`), rootless and without a network,
// in a root that holds nothing but the interpreter. Slower to start; taken only when it is asked for.
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { SandboxError } from '../../src/errors.ts'
import type { ContextFile, Death } from '../../src/sandbox.ts'
import { closeAll, openContextFiles } from './context-files.ts'
import { keepTail, readDeath } from './death.ts'
import { requireInterpreter } from './level.ts'
import type { Level } from './level.ts'
import { interpreterEnvironment, requiredArchitecture, seccompObstacle } from './linux.ts'
import { findPrograms } from './programs.ts'
import type { Interpreter } from './python.ts'
import { cellFilter, systemCallNumber } from './seccomp.ts'
import type { Transport } from './transport.ts'
import { watchOver } from './watchdog.ts'

/** As the interpreter sees itself. */
const innerProcessId = 1
const innerUser = 65534
let program = '/usr/bin/runsc'

export const gvisor: Level = {
  isolation: 'gvisor',
  hostPython: true,

  async obstacle() {
    const obstacle = seccompObstacle()
    if (obstacle !== null) return obstacle
    const [found] = await findPrograms('runsc')
    if (found === undefined) return 'gVisor (runsc) is not installed'
    program = found
    return null
  },

  async start({ interpreter, contexts, pythonArguments }) {
    // Only to say plainly that one is missing: gVisor opens them by their paths.
    await closeAll(await openContextFiles(contexts))
    const directory = await mkdtemp(path.join(tmpdir(), 'descent-gvisor-'))
    try {
      const bundle = path.join(directory, 'bundle')
      await mkdir(path.join(bundle, 'rootfs'), { recursive: true })
      const found = requireInterpreter(interpreter)
      const config = bundleConfig(found, [...pythonArguments, 'stdio'], contexts)
      await writeFile(path.join(bundle, 'config.json'), JSON.stringify(config))
      return run(directory, bundle, contexts.length)
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      const why = error instanceof Error ? error.message : String(error)
      throw new SandboxError('start', `gVisor could not be started: ${why}`, { cause: error })
    }
  },

  confinement({ limits }) {
    const architecture = requiredArchitecture()
    // gVisor has no limit for message queues; the filter has no call for them.
    const { MSGQUEUE: _, ...known } = limits
    return {
      plan: { limits: known, seccompNumber: systemCallNumber('seccomp', architecture) },
      filter: cellFilter(architecture, innerProcessId),
    }
  },
}

function run(directory: string, bundle: string, contexts: number): Transport {
  // gVisor's control socket is called after it, whatever the state directory.
  const name = `descent-${randomUUID()}`
  const common = ['--rootless', '--network=none', '--platform=ptrace', '--ignore-cgroups']
  const flags = [...common, `--root=${path.join(directory, 'state')}`]
  const child = spawn(program, [...flags, 'run', `--bundle=${bundle}`, name], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {},
    cwd: '/',
    detached: true,
  })
  const letGo = child.pid === undefined ? null : watchOver(child.pid)
  const errors = keepTail(child.stderr)
  let ended = false
  /** Pausing and resuming are commands, and take effect in the order in which they were given. */
  let commands = Promise.resolve()

  function command(...words: string[]): void {
    const before = commands
    async function obey(): Promise<void> {
      await before
      if (!ended) await promisify(execFile)(program, [...flags, ...words], { env: {} }).catch(() => {})
    }
    commands = obey()
  }

  const exited = new Promise<Death>((resolve) => {
    async function end(death: Death): Promise<void> {
      if (ended) return
      ended = true
      for (const stream of child.stdio) stream?.destroy()
      await promisify(execFile)(program, [...flags, 'delete', '--force', name], { env: {} }).catch(() => {})
      await rm(directory, { recursive: true, force: true })
      letGo?.()
      resolve(death)
    }
    child.on('error', (error) => void end({ reason: 'exit', detail: error.message }))
    child.on('exit', (code, signal) => void end(readDeath(code, signal, errors())))
  })
  child.stdin.on('error', () => {})
  return {
    stream: Duplex.from({ readable: child.stdout, writable: child.stdin }),
    processId: null,
    exited,
    contexts: Array.from({ length: contexts }, (_, index) => ({ path: contextPath(index) })),
    snapshot: null,
    interrupt: null,
    freeze: () => command('pause', name),
    thaw: () => command('resume', name),
    // What runs in there ends with the process that runs it.
    kill: () => void child.kill('SIGKILL'),
  }
}

function contextPath(index: number): string {
  return `/contexts/${index}`
}

/** An OCI runtime bundle (opencontainers/runtime-spec 1.0, config.md). */
function bundleConfig(interpreter: Interpreter, args: string[], contexts: readonly ContextFile[]): object {
  const libraries = interpreter.libraries.flatMap((library) =>
    library.names.map((file) => [library.path, file] as const),
  )
  const files = [interpreter.executable, ...interpreter.standard, ...interpreter.packages].map(
    (file) => [file, file] as const,
  )
  const inputs = contexts.map((context, index) => [context.path, contextPath(index)] as const)
  const environment = Object.entries(interpreterEnvironment(interpreter))
  return {
    ociVersion: '1.0.0',
    hostname: 'repl',
    root: { path: 'rootfs', readonly: true },
    process: {
      user: { uid: innerUser, gid: innerUser },
      args: [interpreter.executable, ...args],
      env: environment.map(([key, value]) => `${key}=${value}`),
      cwd: '/',
      noNewPrivileges: true,
      capabilities: {},
    },
    mounts: [
      // In the place of what gVisor would mount there: its own proc, and memory without a limit.
      ...['/proc', '/sys', '/tmp'].map((destination) => ({
        source: 'none',
        destination,
        type: 'tmpfs',
        options: ['ro'],
      })),
      ...[...files, ...libraries, ...inputs].map(([source, destination]) => ({
        source,
        destination,
        type: 'bind',
        options: ['ro', 'rbind'],
      })),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
    },
  }
}

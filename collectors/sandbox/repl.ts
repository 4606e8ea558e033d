// One interpreter process: started, set up, interrupted, frozen, killed. Invariant: signals go to the
// interpreter itself, never to a launcher around it, whose end would be the interpreter's end.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Duplex, Readable, Writable } from 'node:stream'
import { SandboxError } from '../../src/errors.ts'
import { packageRoot } from '../../src/package.ts'
import type { ContextFile, Death } from '../../src/sandbox.ts'
import { openChannel } from './channel.ts'
import type { Channel, Frame } from './channel.ts'
import { closeAll, openContextFiles } from './context-files.ts'
import { keepTail, readDeath } from './death.ts'
import { takeIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import type { Level } from './level.ts'
import type { Interpreter } from './python.ts'

const channelDescriptor = 3
const firstContextDescriptor = 4
const startTimeoutMs = 30_000
/** After the interpreter was killed, its launcher gets this long to end by itself. */
const launcherGraceMs = 500
const runnerModules = ['wire', 'interrupts', 'output', 'answer', 'namespace', 'confine', 'errors', 'main']

export interface ReplListener {
  onFrame(frame: Frame): void
  onExit(death: Death): void
}

export interface Repl {
  readonly level: Level
  readonly interpreter: Interpreter
  readonly identity: Identity
  /** The interpreter's process id, as the host sees it. */
  readonly processId: number
  readonly channel: Channel
  readonly contexts: readonly ContextFile[]
  /** The descriptor of the first context. */
  readonly firstContext: number
  /** Settles when no process is left. */
  readonly exited: Promise<Death>
  /** Why it is gone, or null while it lives. */
  death(): Death | null
  /** Who hears of it from now on; `onExit` at once when it has ended already. */
  listen(listener: ReplListener): void
  interrupt(): void
  freeze(): void
  thaw(): void
  kill(why?: Death): void
}

/**
 * Starts an interpreter that holds the contexts open and waits for its setup (`setUp` in setup.ts).
 * Throws a SandboxError when a context cannot be opened or the interpreter does not start.
 */
export async function startRepl(
  level: Level,
  interpreter: Interpreter,
  contexts: readonly ContextFile[],
): Promise<Repl> {
  const [program, boot] = await readRunner()
  const files = await openContextFiles(contexts)
  const identity = takeIdentity()
  const nextDescriptor = firstContextDescriptor + files.length
  const pythonArguments = ['-s', '-S', '-B', '-X', 'utf8', '-c', program]
  const launch = level.launch({ interpreter, pythonArguments, nextDescriptor })
  const pipes = launch.inputs.length + (launch.statusDescriptor === null ? 0 : 1)
  let child: ChildProcess
  try {
    child = spawn(launch.command, launch.arguments, {
      stdio: [
        ...(['ignore', 'ignore', 'pipe', 'pipe'] as const),
        ...files.map((file) => file.fd),
        ...Array.from({ length: pipes }, () => 'pipe' as const),
      ],
      env: launch.environment,
      cwd: '/',
      // A group of its own: Ctrl-C at the host's terminal is the host's affair.
      detached: true,
      ...(identity.uid === null ? {} : { uid: identity.uid, gid: identity.uid }),
    })
  } finally {
    await closeAll(files)
  }
  if (!child.stdio?.[channelDescriptor]) {
    const [error] = (await once(child, 'error')) as [Error]
    identity.release()
    throw new SandboxError(
      'start',
      `the interpreter could not be started (${level.isolation}): ${error.message}`,
    )
  }
  for (const { descriptor, data } of launch.inputs) {
    const pipe = child.stdio[descriptor] as Writable
    pipe.on('error', () => {})
    pipe.end(data)
  }
  const status = launch.statusDescriptor === null ? null : (child.stdio[launch.statusDescriptor] as Readable)
  return await attend(child, { level, interpreter, identity, contexts, status, boot })
}

interface Attendance {
  level: Level
  interpreter: Interpreter
  identity: Identity
  contexts: readonly ContextFile[]
  /** Where a launcher tells the interpreter's process id. */
  status: Readable | null
  boot: Buffer
}

async function attend(child: ChildProcess, attendance: Attendance): Promise<Repl> {
  const { level, identity } = attendance
  let processId = attendance.status === null ? (child.pid ?? null) : null
  let death: Death | null = null
  let wanted: Death | null = null
  let listener: ReplListener = { onFrame() {}, onExit() {} }
  const errors = keepTail(child.stderr)

  function signal(name: NodeJS.Signals): void {
    if (death !== null) return
    try {
      if (processId !== null) process.kill(processId, name)
    } catch {
      // It has just ended.
    }
  }

  function kill(why?: Death): void {
    wanted ??= why ?? null
    if (death !== null) return
    signal('SIGKILL')
    if (processId === null || processId === child.pid) child.kill('SIGKILL')
    else setTimeout(() => child.kill('SIGKILL'), launcherGraceMs).unref()
  }

  const exited = new Promise<Death>((resolve) => {
    function end(found: Death): void {
      if (death !== null) return
      death = wanted ?? found
      identity.release()
      channel.close()
      for (const stream of child.stdio) stream?.destroy()
      listener.onExit(death)
      resolve(death)
    }
    child.on('error', (error) => end({ reason: 'exit', detail: error.message }))
    child.on('exit', (code, name) => end(readDeath(code, name, errors())))
  })
  const channel = openChannel(child.stdio[channelDescriptor] as Duplex, {
    onFrame: (frame) => listener.onFrame(frame),
    onViolation: (what) => kill({ reason: 'protocol', detail: `the REPL sent ${what}` }),
  })

  const up = new Promise<void>((resolve) => {
    listener = { onFrame: (frame) => ('up' in frame ? resolve() : undefined), onExit() {} }
  })
  channel.send({}, [], attendance.boot)
  if (attendance.status !== null) readProcessId(attendance.status, (told) => (processId = told))
  const failure = await within(startTimeoutMs, up, exited)
  if (failure !== null || processId === null) {
    kill()
    throw new SandboxError(
      'start',
      `the interpreter did not start (${level.isolation}): ${failure ?? 'no process id'}`,
    )
  }
  void writeFile(`/proc/${processId}/oom_score_adj`, '1000').catch(() => {})
  return {
    level,
    interpreter: attendance.interpreter,
    identity,
    processId,
    channel,
    exited,
    contexts: attendance.contexts,
    firstContext: firstContextDescriptor,
    death: () => death,
    listen(next) {
      listener = next
      if (death !== null) next.onExit(death)
    },
    interrupt: () => signal('SIGINT'),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    kill,
  }
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

/** Null when `wish` came true in time; otherwise what came first instead. */
export async function within(
  milliseconds: number,
  wish: Promise<unknown>,
  exited: Promise<Death>,
): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`nothing happened within ${milliseconds / 1000} s`), milliseconds)
  })
  try {
    return await Promise.race([wish.then(() => null), exited.then((found) => found.detail), late])
  } finally {
    clearTimeout(timer)
  }
}

let runner: Promise<[program: string, boot: Buffer]> | undefined

/** The boot program, and the modules of the runner as it expects them. */
function readRunner(): Promise<[program: string, boot: Buffer]> {
  async function read(): Promise<[string, Buffer]> {
    const directory = path.join(packageRoot, 'collectors/sandbox/runner')
    const boot = await readFile(path.join(directory, 'boot.py'), 'utf8')
    const parts: string[] = []
    for (const name of runnerModules)
      parts.push(name, await readFile(path.join(directory, `${name}.py`), 'utf8'))
    return [boot, Buffer.from(parts.join('\0'))]
  }
  runner ??= read()
  return runner
}

// One interpreter: started, spoken to, ended, wherever it runs (transport.ts).
import { SandboxError } from '../../src/errors.ts'
import type { ContextFile, Death } from '../../src/sandbox.ts'
import { createAlarm } from './alarm.ts'
import type { Alarm } from './alarm.ts'
import { openChannel } from './channel.ts'
import type { Channel, Frame } from './channel.ts'
import { takeIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import type { Level } from './level.ts'
import type { Interpreter } from './python.ts'
import { readBoot, readRunnerModules } from './runner-modules.ts'
import type { Printed, Transport } from './transport.ts'

const startTimeoutMs = 30_000

export interface ReplListener {
  onFrame(frame: Frame): void
  onExit(death: Death): void
}

export interface Repl {
  readonly level: Level
  readonly interpreter: Interpreter | null
  readonly identity: Identity
  readonly transport: Transport
  readonly channel: Channel
  readonly contexts: readonly ContextFile[]
  /** Of the cell that runs. */
  readonly alarms: { compute: Alarm; wall: Alarm }
  /** Settles when no process is left. */
  readonly exited: Promise<Death>
  /** Why it is gone, or null while it lives. */
  death(): Death | null
  /** Who hears of it from now on; `onExit` at once when it has ended already. */
  listen(listener: ReplListener): void
  /** What the cell has printed, as far as the host knows; also when the interpreter is gone. */
  printed(): Printed
  interrupt(): void
  /** Stops it, soon: not when it is thawed before other events of the host are served. */
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
  interpreter: Interpreter | null,
  contexts: readonly ContextFile[],
): Promise<Repl> {
  const program = await readBoot()
  const identity = takeIdentity()
  let transport: Transport
  try {
    const pythonArguments = ['-s', '-S', '-B', '-X', 'utf8', '-c', program]
    transport = await level.start({ interpreter, identity, contexts, pythonArguments })
  } catch (error) {
    identity.release()
    throw error
  }
  const modules = transport.code ?? Buffer.from((await readRunnerModules()).flat().join('\0'))
  return await attend(transport, { level, interpreter, identity, contexts, modules })
}

interface Attendance {
  level: Level
  interpreter: Interpreter | null
  identity: Identity
  contexts: readonly ContextFile[]
  modules: Buffer
}

async function attend(transport: Transport, attendance: Attendance): Promise<Repl> {
  const { level, identity, interpreter, contexts } = attendance
  let death: Death | null = null
  let wanted: Death | null = null
  let listener: ReplListener = { onFrame() {}, onExit() {} }
  let told: Printed = nothing()
  let frozen = false
  let freezing: NodeJS.Immediate | undefined
  const alarms = { compute: createAlarm(), wall: createAlarm() }

  function kill(why?: Death): void {
    wanted ??= why ?? null
    if (death === null) transport.kill()
  }

  const exited = transport.exited.then((found) => {
    death = wanted ?? found
    clearImmediate(freezing)
    alarms.compute.close()
    alarms.wall.close()
    identity.release()
    channel.close()
    listener.onExit(death)
    return death
  })
  const channel = openChannel(transport.stream, {
    onFrame(frame) {
      if ('printed' in frame) told = added(told, frame)
      else listener.onFrame(frame)
    },
    onViolation: (what) => kill({ reason: 'protocol', detail: `the REPL sent ${what}` }),
  })

  const up = new Promise<void>((resolve) => {
    listener = { onFrame: (frame) => ('up' in frame ? resolve() : undefined), onExit() {} }
  })
  channel.send({ compiled: transport.code !== undefined }, [], attendance.modules)
  const failure = await within(startTimeoutMs, up, exited)
  if (failure !== null) {
    kill()
    throw new SandboxError('start', `the interpreter did not start (${level.isolation}): ${failure}`)
  }
  return {
    level,
    interpreter,
    identity,
    transport,
    channel,
    exited,
    contexts,
    alarms,
    death: () => death,
    listen(next) {
      listener = next
      told = nothing()
      if (death !== null) next.onExit(death)
    },
    printed: () => transport.snapshot?.read() ?? told,
    interrupt() {
      if (transport.interrupt !== null) transport.interrupt()
      else channel.send({ interrupt: true })
    },
    freeze() {
      freezing ??= setImmediate(() => {
        freezing = undefined
        frozen = true
        if (death === null) transport.freeze()
      })
    },
    thaw() {
      clearImmediate(freezing)
      freezing = undefined
      if (frozen && death === null) transport.thaw()
      frozen = false
    },
    kill,
  }
}

/** Of what a cell tells in frames, no more than this is kept. */
const mostToldCharacters = 1 << 20

function nothing(): Printed {
  return { stdout: { text: '', characters: 0 }, stderr: { text: '', characters: 0 } }
}

function added(told: Printed, frame: Extract<Frame, { printed: string }>): Printed {
  const before = told[frame.printed]
  const room = mostToldCharacters - before.text.length
  const text = room > 0 ? before.text + frame.texts.join('').slice(0, room) : before.text
  return { ...told, [frame.printed]: { text, characters: Math.max(frame.count, text.length) } }
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

// Runs one cell in a live interpreter: the clock, the interrupt at the limit, the kill after it. Every
// way in which a cell can end is a result. Between cells the interpreter is frozen, so that threads it
// left behind neither compute nor call, and a cell that forges its own end stops only itself.
import { randomUUID } from 'node:crypto'
import { sandboxLimits } from '../../src/sandbox.ts'
import type { CellResult, Death, HostFunction, SandboxLimit } from '../../src/sandbox.ts'
import { openCalls } from './calls.ts'
import type { DoneFrame, Frame } from './channel.ts'
import { startClock } from './clock.ts'
import { interruptMessage } from './limits.ts'
import type { SessionLimits } from './limits.ts'
import type { Repl } from './repl.ts'
import { toVariables } from './setup.ts'
import type { Printed } from './transport.ts'

const interruptEveryMs = 200
/** From the first interrupt to the kill. */
const graceMs = 1000

export interface CellOptions {
  functions: readonly string[]
  limits: SessionLimits
  onCall: HostFunction
  /** Calls that the session has made before; the cell adds its own. */
  made: { calls: number }
  signal?: AbortSignal
}

/** Never throws; a cell whose interpreter died has `death` and no variables. */
export async function runCell(repl: Repl, code: string, options: CellOptions): Promise<CellResult> {
  const identity = randomUUID()
  const { limits } = options
  const reached = new Set<SandboxLimit>()
  let stopping: { why: string; interrupts: NodeJS.Timeout; kill: NodeJS.Timeout } | null = null
  const clock = startClock(repl.alarms.compute, limits.cellSeconds * 1000, repl.transport.processId, () => {
    reached.add('compute_time')
    stop('timeout', `a cell may compute for ${limits.cellSeconds} s`)
  })
  repl.alarms.wall.set(limits.wallSeconds * 1000, () => {
    reached.add('wall_time')
    stop('wall_time', `a cell may take ${limits.wallSeconds} s in all, the host's answers included`)
  })
  const calls = openCalls({
    channel: repl.channel,
    functions: options.functions,
    limits,
    made: options.made,
    onCall: options.onCall,
    onWaiting: () => clock.pause(),
    onComputing: () => clock.resume(),
    onLimit: (limit) => reached.add(limit),
    onFlood: (what) => repl.kill({ reason: 'protocol', detail: `the cell flooded the host: ${what}` }),
  })

  function stop(reason: Death['reason'], why: string): void {
    if (stopping !== null) return
    const detail = `${why}, and this one did not end when interrupted`
    stopping = {
      why,
      interrupts: setInterval(() => repl.interrupt(), interruptEveryMs),
      kill: setTimeout(() => repl.kill({ reason, detail }), graceMs),
    }
    calls.abort()
    repl.interrupt()
  }

  function cancel(): void {
    stop('cancelled', 'the cell was cancelled')
  }

  const ended = new Promise<DoneFrame | Death>((resolve) => {
    function finish(end: DoneFrame | Death): void {
      calls.finish()
      resolve(end)
    }
    function onFrame(frame: Frame): void {
      if ('call' in frame) calls.receive(frame)
      if (!('done' in frame) || frame.done !== identity) return
      repl.freeze()
      finish(frame)
    }
    repl.listen({ onFrame, onExit: finish })
  })
  options.signal?.addEventListener('abort', cancel, { once: true })
  repl.thaw()
  repl.channel.send({ order: 'execute', id: identity }, [code])
  const end = await ended
  const times = clock.stop()
  repl.alarms.wall.lift()
  options.signal?.removeEventListener('abort', cancel)
  const why = clearStopping(stopping)
  const result = 'done' in end ? readDone(end, why) : deadCell(end, repl.printed())
  if ('done' in end) for (const limit of end.limits) reached.add(limit)
  else if (end.reason === 'memory') reached.add('memory')
  if (
    result.stdoutCharacters > limits.outputCharacters ||
    result.stderrCharacters > limits.outputCharacters
  ) {
    reached.add('output')
  }
  return { ...result, ...times, limits: sandboxLimits.filter((limit) => reached.has(limit)) }
}

/** Why the cell was stopped, or null. */
function clearStopping(
  stopping: { why: string; interrupts: NodeJS.Timeout; kill: NodeJS.Timeout } | null,
): string | null {
  if (stopping === null) return null
  clearInterval(stopping.interrupts)
  clearTimeout(stopping.kill)
  return stopping.why
}

type CellEnd = Omit<CellResult, 'computeMs' | 'durationMs' | 'limits'>

/** The texts are stdout, stderr, then type, message and traceback of an error, then an answer. */
function readDone(frame: DoneFrame, stoppedFor: string | null): CellEnd {
  const [stdout = '', stderr = '', ...rest] = frame.texts
  const [type = '', message = '', traceback = ''] = frame.error ? rest.splice(0, 3) : []
  const [final = ''] = rest
  // The interpreter cannot know which limit the host interrupts it for.
  const said = (text: string): string =>
    stoppedFor === null ? text : text.replaceAll(interruptMessage, `stopped by the host: ${stoppedFor}`)
  return {
    stdout,
    stderr,
    stdoutCharacters: frame.counts[0],
    stderrCharacters: frame.counts[1],
    error: frame.error ? { type, message: said(message), traceback: said(traceback) } : null,
    variables: toVariables(frame.variables),
    finalAnswer: frame.final ? final : null,
    death: null,
  }
}

/** What is recorded of a cell whose interpreter is gone. */
export function deadCell(death: Death, printed?: Printed): CellEnd {
  return {
    stdout: printed?.stdout.text ?? '',
    stderr: printed?.stderr.text ?? '',
    stdoutCharacters: printed?.stdout.characters ?? 0,
    stderrCharacters: printed?.stderr.characters ?? 0,
    error: { type: 'Killed', message: death.detail, traceback: '' },
    variables: [],
    finalAnswer: null,
    death,
  }
}

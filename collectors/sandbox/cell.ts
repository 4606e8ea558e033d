// Runs one cell in a live interpreter: the clock, the interrupt at the limit, the kill after it. Every
// way in which a cell can end is a result. Between cells the interpreter is frozen, so that threads it
// left behind neither compute nor call, and a cell that forges its own end stops only itself.
import { randomUUID } from 'node:crypto'
import type { CellResult, Death, HostFunction, SandboxLimits } from '../../src/sandbox.ts'
import { openCalls } from './calls.ts'
import type { DoneFrame, Frame } from './channel.ts'
import { startClock } from './clock.ts'
import type { Repl } from './repl.ts'
import { toVariables } from './setup.ts'

const interruptEveryMs = 200
/** From the first interrupt to the kill. */
const graceMs = 1000

export interface CellOptions {
  functions: readonly string[]
  limits: SandboxLimits
  onCall: HostFunction
  signal?: AbortSignal
}

/** Never throws; a cell whose interpreter died has `death` and no variables. */
export async function runCell(repl: Repl, code: string, options: CellOptions): Promise<CellResult> {
  const identity = randomUUID()
  const { cellSeconds } = options.limits
  const tooLong = `the cell computed for more than ${cellSeconds} s and did not end when interrupted`
  const clock = startClock(cellSeconds * 1000, repl.processId, () =>
    stop({ reason: 'timeout', detail: tooLong }),
  )
  let stopping: { interrupts: NodeJS.Timeout; kill: NodeJS.Timeout } | null = null
  const calls = openCalls({
    channel: repl.channel,
    functions: options.functions,
    limits: options.limits,
    onCall: options.onCall,
    onWaiting: () => clock.pause(),
    onComputing: () => clock.resume(),
    onFlood: (what) => repl.kill({ reason: 'protocol', detail: `the cell flooded the host: ${what}` }),
  })

  function stop(death: Death): void {
    if (stopping !== null) return
    stopping = {
      interrupts: setInterval(() => repl.interrupt(), interruptEveryMs),
      kill: setTimeout(() => repl.kill(death), graceMs),
    }
    calls.abort()
    repl.interrupt()
  }

  function cancel(): void {
    stop({ reason: 'cancelled', detail: 'the cell was cancelled and did not end when interrupted' })
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
  options.signal?.removeEventListener('abort', cancel)
  clearStopping(stopping)
  return 'done' in end ? { ...readDone(end), ...times } : { ...deadCell(end), ...times }
}

function clearStopping(stopping: { interrupts: NodeJS.Timeout; kill: NodeJS.Timeout } | null): void {
  if (stopping === null) return
  clearInterval(stopping.interrupts)
  clearTimeout(stopping.kill)
}

type CellEnd = Omit<CellResult, 'computeMs' | 'durationMs'>

/** The texts are stdout, stderr, then type, message and traceback of an error, then an answer. */
function readDone(frame: DoneFrame): CellEnd {
  const [stdout = '', stderr = '', ...rest] = frame.texts
  const [type = '', message = '', traceback = ''] = frame.error ? rest.splice(0, 3) : []
  const [final = ''] = rest
  return {
    stdout,
    stderr,
    stdoutCharacters: frame.counts[0],
    stderrCharacters: frame.counts[1],
    error: frame.error ? { type, message, traceback } : null,
    variables: toVariables(frame.variables),
    finalAnswer: frame.final ? final : null,
    death: null,
  }
}

/** What is recorded of a cell whose interpreter is gone: what it had printed is gone as well. */
export function deadCell(death: Death): CellEnd {
  return {
    stdout: '',
    stderr: '',
    stdoutCharacters: 0,
    stderrCharacters: 0,
    error: { type: 'Killed', message: death.detail, traceback: '' },
    variables: [],
    finalAnswer: null,
    death,
  }
}

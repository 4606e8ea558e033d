// The host calls of one cell: what is refused, what is open, what becomes of it when the cell ends.
// Invariant: an answer reaches only the cell that asked; once the cell is over, its calls are aborted
// and whatever the host still answers is dropped.
import type { HostCall, HostFunction, SandboxLimit } from '../../src/sandbox.ts'
import type { Json } from '../../src/json.ts'
import { jsonSchema } from '../../src/json.ts'
import type { CallFrame, Channel } from './channel.ts'
import type { SessionLimits } from './limits.ts'

const mostRefusals = 1000
/** Bytes of the arguments of all calls that are open at once. */
const mostOpenBytes = 256 << 20
/** Bytes of an argument that is not text: nested structures are slow to parse. */
const mostEncodedBytes = 1 << 20

export interface CellCalls {
  receive(frame: CallFrame): void
  /** Refuses whatever comes from now on and aborts what is open; the cell is still running. */
  abort(): void
  /** The cell is over: as `abort`, and the threads that still wait get an error. */
  finish(): void
}

export interface CallOptions {
  channel: Channel
  functions: readonly string[]
  limits: SessionLimits
  /** Calls of the whole session; counted up here. */
  made: { calls: number }
  onCall: HostFunction
  /** The first call opens, the last one is answered: the compute clock stops and goes on. */
  onWaiting(): void
  onComputing(): void
  /** A call is refused because of it. */
  onLimit(limit: SandboxLimit): void
  /** The cell goes on calling after many refusals, or does not take its answers. */
  onFlood(what: string): void
}

export function openCalls(options: CallOptions): CellCalls {
  const { channel, limits } = options
  let controller: AbortController | null = null
  const open = new Map<number, number>()
  let openBytes = 0
  let received = 0
  let refused = 0
  let over = false
  let aborted = false

  function refuse(number: number, why: string): void {
    refused += 1
    if (refused > mostRefusals) return options.onFlood(`more than ${mostRefusals} calls that were refused`)
    answer(number, 'error', [why])
  }

  function answer(number: number, kind: string, texts: string[]): void {
    if (!channel.send({ answer: number, kind }, texts)) options.onFlood('answers that are not read')
  }

  async function serve(number: number, call: HostCall): Promise<void> {
    let kind: string
    let texts: string[]
    try {
      controller ??= new AbortController()
      const value = await options.onCall(call, controller.signal)
      ;({ kind, texts } = encodeAnswer(value))
    } catch (error) {
      kind = 'error'
      texts = [error instanceof Error ? error.message : String(error)]
    }
    if (over || !open.has(number)) return
    openBytes -= open.get(number) ?? 0
    open.delete(number)
    if (open.size === 0) options.onComputing()
    answer(number, kind, texts)
  }

  function finish(): void {
    if (over) return
    over = true
    if (open.size > 0) controller?.abort(new Error('the cell is over'))
    for (const number of open.keys()) answer(number, 'error', ['the cell that made this call is over'])
    open.clear()
  }

  return {
    receive(frame) {
      const number = frame.call
      if (over) return refuse(number, 'no cell is running')
      if (aborted) return refuse(number, 'the cell is being stopped')
      if (open.has(number)) return options.onFlood('two open calls with one number')
      if (!options.functions.includes(frame.function)) return refuse(number, 'there is no such function')
      if (open.size >= limits.openCalls) {
        options.onLimit('calls_open')
        return refuse(number, `too many calls at once: a cell may have ${limits.openCalls} open`)
      }
      if (received >= limits.callsPerCell) {
        options.onLimit('calls_cell')
        return refuse(number, `too many calls: a cell may make ${limits.callsPerCell}`)
      }
      if (options.made.calls >= limits.callsPerSession) {
        options.onLimit('calls_session')
        return refuse(number, `too many calls: a session may make ${limits.callsPerSession}`)
      }
      if (openBytes + frame.bytes > mostOpenBytes) {
        options.onLimit('frame_size')
        return refuse(number, 'too much text in open calls')
      }
      const args = decodeArguments(frame)
      if (args === null) return refuse(number, 'the arguments are not valid')
      open.set(number, frame.bytes)
      openBytes += frame.bytes
      if (open.size === 1) options.onWaiting()
      const order = received
      received += 1
      options.made.calls += 1
      void serve(number, { order, name: frame.function, args })
    },
    abort() {
      aborted = true
      controller?.abort(new Error('the cell is being stopped'))
    },
    finish,
  }
}

/** `[prompt, model]` or `[prompts, model]`; null when they are not what the runner sends. */
function decodeArguments(frame: CallFrame): Json[] | null {
  const prompts: Json[] = [...frame.texts]
  let encodedBytes = 0
  for (const index of frame.encoded) {
    const text = frame.texts[index]
    encodedBytes += text?.length ?? 0
    if (text === undefined || encodedBytes > mostEncodedBytes) return null
    try {
      prompts[index] = jsonSchema.parse(JSON.parse(text))
    } catch {
      return null
    }
  }
  if (frame.batched) return [prompts, frame.model]
  const [prompt] = prompts
  return prompts.length === 1 && prompt !== undefined ? [prompt, frame.model] : null
}

function encodeAnswer(value: Json): { kind: string; texts: string[] } {
  if (typeof value === 'string') return { kind: 'text', texts: [value] }
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return { kind: 'texts', texts: value }
  }
  return { kind: 'json', texts: [JSON.stringify(value ?? null)] }
}

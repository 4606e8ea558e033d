// One invocation out of its logged iterations: turns, cells and sub-calls, children below them. What the log
// does not hold (usage and latency of policy calls, finish reasons, reasoning) stays null.
import { newId } from '../../src/ids.ts'
import type { Call, Cell, Invocation, Turn } from '../../src/trajectory.ts'
import type { LoggedBlock, LoggedCall, LoggedPrompt, LoggedTurn, LoggedUsage } from './lines.ts'

type Messages = Call['messages']

/** What the calls of a log have in common. */
export interface LogModels {
  rootModel: string
  /** The provider of a model by its name. */
  providerOf(model: string): string
}

export interface InvocationBuilder {
  /** Turns are added in their order; what they share of their prompts is kept once. */
  add(turn: LoggedTurn): void
  /** The invocation first, then the children that its cells started. */
  end(): Invocation[]
  readonly answer: string | null
  /** Whether the answer is the one last answer that is asked for when the turns are used up. */
  readonly forced: boolean
  readonly startedAt: string | null
  readonly endedAt: string | null
}

export function createInvocation(
  models: LogModels,
  place: { depth: number; parentCellId: string | null },
): InvocationBuilder {
  const id = newId()
  const turns: Turn[] = []
  const children: Invocation[] = []
  let sent: Messages = []
  /** Where the reply of the turn before stands in a history that was logged as it was in the end. */
  let repliedAt = -1
  let startedAt: string | null = null
  let endedAt: string | null = null
  let answer: string | null = null
  let forced = false

  function add(turn: LoggedTurn): void {
    const began = beginOf(turn, endedAt)
    startedAt ??= began
    endedAt = instantOf(turn.timestamp)
    const logged = readMessages(turn.prompt)
    // A child is logged with references to one growing history: each turn shows all of it.
    const reply = logged.findIndex(
      ({ role, content }, index) => index > repliedAt && role === 'assistant' && content === turn.response,
    )
    const prompt = reply < 0 ? logged : logged.slice(0, reply)
    repliedAt = prompt.length
    sent = shareMessages(sent, prompt)
    answer = turn.final_answer ?? null
    forced = answer !== null && turn.code_blocks.length === 0 && typeof turn.iteration_time !== 'number'
    turns.push({
      id: newId(),
      index: turns.length,
      forced,
      compaction: false,
      extendsPrevious: null,
      call: {
        ...emptyCall(models, models.rootModel, began, place.depth),
        messages: sent,
        response: textOf(turn.response),
      },
      cells: turn.code_blocks.map((block, index) => cellOf(block, index, cellStart(turn, index) ?? began)),
    })
  }

  function cellOf({ code, result }: LoggedBlock, index: number, began: string): Cell {
    const cellId = newId()
    const { stdout, stderr } = result
    return {
      id: cellId,
      index,
      code,
      stdout,
      stderr,
      stdoutCharacters: stdout.length,
      stderrCharacters: stderr.length,
      error: errorOf(stderr),
      death: null,
      durationMs: (result.execution_time ?? 0) * 1000,
      computeMs: 0,
      variables: [],
      finalAnswer: result.final_answer ?? null,
      calls: result.rlm_calls.map((call, order) => callOf(call, order, cellId, began)),
    }
  }

  function callOf(call: LoggedCall, order: number, cellId: string, began: string): Call {
    const latencyMs = typeof call.execution_time === 'number' ? call.execution_time * 1000 : null
    const common = {
      ...emptyCall(models, call.root_model, began, place.depth),
      kind: 'llm' as const,
      order,
      latencyMs,
      messages: readMessages(call.prompt),
      response: textOf(call.error ? null : (call.response ?? null)),
      error: call.error ? { boundary: 'model', code: 'logged', message: call.error } : null,
    }
    if (!call.metadata) return { ...common, usage: usageOf(call.usage_summary) }
    const child = createInvocation(
      { ...models, rootModel: call.root_model },
      { depth: place.depth + 1, parentCellId: cellId },
    )
    for (const turn of call.metadata.iterations) child.add(turn)
    const [root, ...below] = child.end()
    if (!root) return { ...common, usage: usageOf(call.usage_summary) }
    children.push({ ...root, answer: call.response ?? root.answer }, ...below)
    // The child makes the requests.
    return { ...common, kind: 'rlm', attempts: 0, invocationId: root.id }
  }

  return {
    add,
    end() {
      if (turns.length === 0) return []
      const stopReason = answer === null ? null : forced ? 'max_turns' : 'answered'
      const { depth, parentCellId } = place
      return [{ id, depth, parentCellId, stopReason, answer, turns }, ...children]
    },
    get answer() {
      return answer
    },
    get forced() {
      return forced
    },
    get startedAt() {
      return startedAt
    },
    get endedAt() {
      return endedAt
    },
  }
}

function emptyCall(models: LogModels, model: string, startedAt: string, depth: number): Call {
  return {
    id: newId(),
    kind: 'policy',
    model,
    provider: models.providerOf(model),
    scripted: false,
    messages: [],
    response: textOf(null),
    usage: null,
    attempts: 1,
    error: null,
    latencyMs: null,
    startedAt,
    order: 0,
    batchId: null,
    batchIndex: null,
    depth,
    requestId: null,
    sampling: {},
    invocationId: null,
    tokenSource: 'none',
  }
}

function textOf(text: string | null): Call['response'] {
  return { text, reasoning: null, finishReason: null }
}

export function readMessages(prompt: LoggedPrompt): Messages {
  if (typeof prompt === 'string') return [{ role: 'user', content: prompt }]
  if (!Array.isArray(prompt)) return [{ role: 'user', content: JSON.stringify(prompt) }]
  return prompt.map(({ role, content = '' }) => ({
    role,
    content: typeof content === 'string' ? content : JSON.stringify(content),
  }))
}

/** The same messages, those that `before` has too taken from there: a log repeats them with each turn. */
function shareMessages(before: Messages, messages: Messages): Messages {
  return messages.map((message, index) => {
    const known = before[index]
    return known?.role === message.role && known.content === message.content ? known : message
  })
}

/** Totals of one logged usage; null where it counts no call. */
export function usageOf(usage: LoggedUsage | null | undefined): Call['usage'] {
  const models = Object.values(usage?.model_usage_summaries ?? {})
  if (models.length === 0) return null
  const sum = (values: (number | null | undefined)[]) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0)
  const costs = models.map(({ total_cost: cost }) => cost).filter((cost) => typeof cost === 'number')
  return {
    inputTokens: sum(models.map((model) => model.total_input_tokens)),
    outputTokens: sum(models.map((model) => model.total_output_tokens)),
    cachedTokens: 0,
    reasoningTokens: 0,
    costUsd: costs.length === 0 ? null : sum(costs),
  }
}

/** The REPL of the reference ends stderr with a line `Type: message` when a cell has failed. */
function errorOf(stderr: string): Cell['error'] {
  const found =
    /(?:^|\n)([A-Za-z_]\w*(?:Error|Exception|Interrupt|Exit|StopIteration)): ?([^\n]*(?:\n(?!\w+(?:Error|Exception): )[^\n]*)*)$/.exec(
      stderr.trimEnd(),
    )
  return found && { type: found[1] ?? '', message: found[2] ?? '', traceback: found[0].trim() }
}

/** A logged time as an instant; it has no zone, so it is read in that of this process. */
function instantOf(timestamp: string): string {
  return new Date(timestamp).toISOString()
}

/** An iteration is logged when it ends; one whose time is not known begins when the one before has ended. */
function beginOf({ timestamp, iteration_time: seconds }: LoggedTurn, before: string | null): string {
  if (typeof seconds === 'number') return back(timestamp, seconds)
  return before ?? instantOf(timestamp)
}

/** Cells run one after the other at the end of their iteration. */
function cellStart({ timestamp, code_blocks: blocks }: LoggedTurn, index: number): string | null {
  const times = blocks.slice(index).map(({ result }) => result.execution_time)
  if (!times.every((time) => typeof time === 'number')) return null
  return back(
    timestamp,
    times.reduce((sum, time) => sum + time, 0),
  )
}

function back(timestamp: string, seconds: number): string {
  return new Date(Date.parse(timestamp) - seconds * 1000).toISOString()
}

// One completion of a log: the task as far as the log tells it, and its trajectory.
import { newId } from '../../src/ids.ts'
import type { Json } from '../../src/json.ts'
import { contextFacts } from '../../src/tasks/context.ts'
import { contextSchema, type TaskContext } from '../../src/tasks/task.ts'
import { schemaVersion, type Invocation, type Trajectory } from '../../src/trajectory.ts'
import { createInvocation, readMessages, usageOf } from './invocation.ts'
import type { LoggedCall, LoggedMetadata, LoggedTurn } from './lines.ts'

export const protocolId = 'rlms-log'

export interface Completion {
  metadata: LoggedMetadata
  task: { prompt: string; context: TaskContext; known: boolean }
  trajectory: Trajectory
}

export interface CompletionBuilder {
  add(turn: LoggedTurn): void
  /** Whether a turn has given the answer: what follows is another completion. */
  readonly ended: boolean
  end(): Completion
}

export function createCompletion(metadata: LoggedMetadata, protocolHash: string): CompletionBuilder {
  const { root_model: rootModel, backend, other_backends: others } = metadata
  const providerOf = (model: string) => (model === rootModel ? backend : (others?.[0] ?? backend))
  const root = createInvocation({ rootModel, providerOf }, { depth: 0, parentCellId: null })
  const usage = { inputTokens: 0, outputTokens: 0, calls: 0, costUsd: null as number | null }
  let opening: { prompt: string; facts: { type: string; characters: number } | null } | null = null
  let context: TaskContext | null = null

  /** `counted`: plain sub-calls are in the total of the child that made them. */
  function book(turn: LoggedTurn, counted: boolean): void {
    for (const call of turn.code_blocks.flatMap(({ result }) => result.rlm_calls)) {
      const own = usageOf(call.usage_summary)
      if (own && (call.metadata || !counted)) {
        usage.inputTokens += own.inputTokens
        usage.outputTokens += own.outputTokens
        if (own.costUsd !== null) usage.costUsd = (usage.costUsd ?? 0) + own.costUsd
      }
      const iterations = call.metadata?.iterations ?? []
      // A child's `llm_query` goes through its own client, an `rlm_query` that became a plain call does not.
      const inTotal = totalCalls(call) > iterations.length
      for (const below of iterations) book(below, inTotal)
    }
  }

  return {
    add(turn) {
      opening ??= readOpening(turn)
      context ??= loggedContext(turn, opening.facts)
      book(turn, false)
      root.add(turn)
    },
    get ended() {
      return root.answer !== null
    },
    end() {
      const invocations = root.end()
      const { answer, forced, startedAt, endedAt } = root
      usage.calls = requests(invocations)
      const prompt = opening?.prompt ?? ''
      const trajectory: Trajectory = {
        ...empty,
        id: newId(),
        stopReason: answer === null ? 'cancelled' : forced ? 'max_turns' : 'answered',
        answer,
        error: answer === null ? cutShort : null,
        usage,
        startedAt,
        endedAt,
        protocol: { id: protocolId, hash: protocolHash },
        invocations,
      }
      const task = {
        prompt,
        context: context ?? ({ kind: 'text', text: '' } as const),
        known: prompt !== '' || context !== null,
      }
      return { metadata, task, trajectory }
    },
  }
}

/** The reference logs neither the iteration that reaches a limit nor why a completion has ended. */
const cutShort = {
  boundary: 'protocol',
  code: 'log_ended',
  message: 'the log ends here: without an answer, and without a reason',
}

const empty = {
  runId: '',
  taskId: '',
  rollout: 0,
  status: 'done' as const,
  scores: [],
  reward: null,
  scripted: false,
  schemaVersion,
  sandbox: null,
  seed: 0,
  attempt: 1,
  divergence: null,
  origin: null,
  lostCalls: [],
}

function totalCalls({ usage_summary: summary }: LoggedCall): number {
  const models = Object.values(summary?.model_usage_summaries ?? {})
  return models.reduce((sum, { total_calls: calls }) => sum + (calls ?? 0), 0)
}

/** Requests to models: policy calls and plain sub-calls. */
function requests(invocations: Invocation[]): number {
  const turns = invocations.flatMap((invocation) => invocation.turns)
  const calls = turns.flatMap((turn) => turn.cells.flatMap((cell) => cell.calls))
  return turns.length + calls.filter(({ attempts }) => attempts > 0).length
}

/** The message that tells the question (when there is one), and type and size of the context. */
function readOpening({ prompt }: LoggedTurn) {
  for (const { role, content } of readMessages(prompt)) {
    if (role === 'system') continue
    const found =
      /^(?:Answer the following: ([\s\S]*?)\n\n)?Your context is a (str|list|dict) of (\d+) total characters/.exec(
        content,
      )
    if (found) {
      const facts = { type: found[2] ?? '', characters: Number(found[3]) }
      return { prompt: found[1] ?? '', facts }
    }
  }
  return { prompt: '', facts: null }
}

/** Every cell is logged with the variables of the REPL; the context is one of them. */
function loggedContext(
  { code_blocks: blocks }: LoggedTurn,
  facts: { type: string; characters: number } | null,
): TaskContext | null {
  for (const { result } of blocks) {
    const found = contextSchema.safeParse(result.locals?.['context_0'] ?? result.locals?.['context'])
    if (!found.success) continue
    const { type, characters } = contextFacts(found.data)
    // What a cell has put in its place is not the task's.
    if (facts && (facts.type !== type || facts.characters !== characters)) continue
    if (typeof found.data === 'string') return { kind: 'text', text: found.data }
    return { kind: 'json', value: found.data as Json }
  }
  return null
}

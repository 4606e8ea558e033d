// The host side of `llm_query`, `llm_query_batched`, `rlm_query` and `rlm_query_batched`. As in the
// reference, a failed sub-call comes back to the model's code as a string that begins with "Error:",
// one failed slot of a batch fails that slot only, and what the model asked for is recorded either way.
// A rollout that is taken up gets the recorded answers before any new call is made.
import type { ErrorRecord } from '../src/errors.ts'
import { deriveId } from '../src/ids.ts'
import type { Json } from '../src/json.ts'
import type { Model, Sampling } from '../src/models/model.ts'
import type { HostCall, HostFunction } from '../src/sandbox.ts'
import type { Budget } from './budget.ts'
import type { Limit } from './limit.ts'
import type { CallPlace, Recorder } from './recorder.ts'
import type { Replay } from './replay.ts'

export interface SubCallContext {
  recorder: Recorder
  budget: Budget
  /** Plain calls of the tree that may be open at once. */
  openCalls: Limit
  subModel: Model
  /** Further models that a cell may name with `model=`. */
  namedModels: ReadonlyMap<string, Model>
  sampling: Sampling
  wantTokens: boolean
  seed: number
  /** What an earlier attempt has recorded: its answers are taken in place of new calls. */
  replay: Replay | null
}

/** Runs a child invocation and gives its answer; null when the tree's depth allows none. */
export type SpawnChild = ((place: CallPlace, prompt: string, signal: AbortSignal) => Promise<string>) | null

/** What the model's code gets for a call that failed; the reference's words. */
export function failureText(
  call: { kind: string; batchIndex?: number | null; childInvocationId?: string | null },
  error: Pick<ErrorRecord, 'message'> | null | undefined,
): string {
  const message = error?.message ?? 'the call failed'
  if (call.childInvocationId) return `Error: Child RLM completion failed - ${message}`
  if (call.kind === 'rlm') return `Error: RLM query failed - ${message}`
  return typeof call.batchIndex === 'number'
    ? `Error: llm() call failed - ${message}`
    : `Error: LM query failed - ${message}`
}

/** The host functions of one cell. Calls of the cell are numbered in the order in which they arrive. */
export function hostFunctions(
  context: SubCallContext,
  cell: { id: string; invocationId: string; depth: number },
  spawnChild: SpawnChild,
  childSlots: Limit,
): HostFunction {
  let order = 0

  function nextPlace(kind: 'llm' | 'rlm', batch: CallPlace['batch']): CallPlace {
    const position = order
    order += 1
    let id = deriveId(cell.id, 'call', position)
    // Where the record has a call that was not asked for again, the new one takes another id.
    while (context.replay?.hasCall(id)) id = deriveId(id, 'again')
    return {
      id,
      invocationId: cell.invocationId,
      cellId: cell.id,
      kind,
      order: position,
      batch,
      depth: cell.depth,
    }
  }

  async function plain(at: CallPlace, prompt: string, model: Model, signal: AbortSignal): Promise<string> {
    return await context.openCalls(async () => {
      const request = {
        messages: [{ role: 'user' as const, content: prompt }],
        sampling: context.sampling,
        prompt,
        wantTokens: context.wantTokens,
        seed: context.seed * 31 + at.order,
        budget: context.budget,
      }
      const refusal = context.budget.refusal()
      const outcome = refusal
        ? await context.recorder.refuse(at, model, request, refusal)
        : await context.recorder.call(at, model, request, signal)
      if (outcome.ok) return outcome.response.text
      return failureText({ kind: at.kind, batchIndex: at.batch?.index ?? null }, outcome.error)
    })
  }

  /** One prompt, answered from the record, by a child, or by a plain call. */
  function ask(
    kind: 'llm' | 'rlm',
    prompt: string,
    batch: CallPlace['batch'],
    model: Model | null,
    signal: AbortSignal,
  ): Promise<string> {
    const recorded = context.replay?.takeSubCall(cell.id, kind, prompt)
    if (recorded) {
      order += 1
      return Promise.resolve(recorded.response ?? failureText(recorded, recorded.error))
    }
    const at = nextPlace(kind, batch)
    if (kind === 'rlm' && spawnChild && model === null)
      return childSlots(() => spawnChild(at, prompt, signal))
    return plain(at, prompt, model ?? context.subModel, signal)
  }

  return async (call: HostCall, signal: AbortSignal): Promise<Json> => {
    const [first = null, modelName = null] = call.args
    const model = modelFor(context, modelName)
    const kind = kinds[call.name]
    if (!kind) throw new TypeError(`there is no host function ${call.name}`)
    if (!call.name.endsWith('_batched')) return await ask(kind, promptText(first), null, model, signal)
    if (!Array.isArray(first)) throw new TypeError(`${call.name} takes a list of prompts`)
    const batchId = deriveId(cell.id, 'batch', order)
    return await Promise.all(
      first.map(promptText).map((prompt, index) => ask(kind, prompt, { id: batchId, index }, model, signal)),
    )
  }
}

const kinds: Partial<Record<string, 'llm' | 'rlm'>> = {
  llm_query: 'llm',
  llm_query_batched: 'llm',
  rlm_query: 'rlm',
  rlm_query_batched: 'rlm',
}

function promptText(prompt: Json): string {
  if (typeof prompt === 'string') return prompt
  const what = prompt === null ? 'None' : Array.isArray(prompt) ? 'a list' : `a ${typeof prompt}`
  throw new TypeError(`a prompt must be a string, not ${what}`)
}

/** Null: the run's own choice for this kind of call. */
function modelFor(context: SubCallContext, name: Json): Model | null {
  if (name === null) return null
  const model = typeof name === 'string' ? context.namedModels.get(name) : undefined
  if (model) return model
  const known = [...context.namedModels.keys()].join(', ')
  throw new TypeError(`there is no model ${JSON.stringify(name)} in this run; its models are: ${known}`)
}

// The host side of `llm_query`, `llm_query_batched`, `rlm_query` and `rlm_query_batched`. As in the
// reference, a failed sub-call comes back to the model's code as a string that begins with "Error:",
// one failed slot of a batch fails that slot only, and what the model asked for is recorded either way.
import type { Limit } from './limit.ts'
import type { Json } from '../src/json.ts'
import { newId } from '../src/ids.ts'
import type { Model, Sampling } from '../src/models/model.ts'
import type { HostCall, HostFunction } from '../src/sandbox.ts'
import type { Budget } from './budget.ts'
import type { CallPlace, Recorder } from './recorder.ts'

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
}

/** Runs a child invocation and gives its answer; null when the tree's depth allows none. */
export type SpawnChild = ((place: CallPlace, prompt: string, signal: AbortSignal) => Promise<string>) | null

/** The host functions of one cell. Calls of the cell are numbered in the order in which they arrive. */
export function hostFunctions(
  context: SubCallContext,
  cell: { id: string; invocationId: string; depth: number },
  spawnChild: SpawnChild,
  childSlots: Limit,
): HostFunction {
  let order = 0

  async function plain(
    at: CallPlace,
    prompt: string,
    model: Model,
    signal: AbortSignal,
    failure: string,
  ): Promise<string> {
    return await context.openCalls(async () => {
      const refusal = context.budget.refusal()
      if (refusal) return `Error: ${failure} - ${refusal}`
      const request = {
        messages: [{ role: 'user' as const, content: prompt }],
        sampling: context.sampling,
        prompt,
        wantTokens: context.wantTokens,
        seed: context.seed * 31 + at.order,
      }
      const outcome = await context.recorder.call(at, model, request, signal)
      return outcome.ok ? outcome.response.text : `Error: ${failure} - ${outcome.error.message}`
    })
  }

  function nextPlace(kind: 'llm' | 'rlm', batch: CallPlace['batch']): CallPlace {
    const position = order
    order += 1
    return {
      id: newId(),
      invocationId: cell.invocationId,
      cellId: cell.id,
      kind,
      order: position,
      batch,
      depth: cell.depth,
    }
  }

  async function one(kind: 'llm' | 'rlm', prompt: Json, modelName: Json, signal: AbortSignal): Promise<Json> {
    const text = promptText(prompt)
    const at = nextPlace(kind, null)
    if (kind === 'rlm' && spawnChild && modelName === null)
      return await childSlots(() => spawnChild(at, text, signal))
    return await plain(at, text, modelFor(context, modelName), signal, 'LM query failed')
  }

  async function many(
    kind: 'llm' | 'rlm',
    prompts: Json,
    modelName: Json,
    signal: AbortSignal,
  ): Promise<Json> {
    if (!Array.isArray(prompts)) throw new TypeError(`${kind}_query_batched takes a list of prompts`)
    const texts = prompts.map(promptText)
    const model = modelFor(context, modelName)
    const batchId = newId()
    const places = texts.map((_, index) => nextPlace(kind, { id: batchId, index }))
    return await Promise.all(
      texts.map(async (text, index) => {
        const at = places[index] as CallPlace
        if (kind === 'rlm' && spawnChild && modelName === null)
          return await childSlots(() => spawnChild(at, text, signal))
        return await plain(at, text, model, signal, 'llm() call failed')
      }),
    )
  }

  return async (call: HostCall, signal: AbortSignal): Promise<Json> => {
    const [first = null, modelName = null] = call.args
    switch (call.name) {
      case 'llm_query':
        return await one('llm', first, modelName, signal)
      case 'rlm_query':
        return await one('rlm', first, modelName, signal)
      case 'llm_query_batched':
        return await many('llm', first, modelName, signal)
      case 'rlm_query_batched':
        return await many('rlm', first, modelName, signal)
      default:
        throw new TypeError(`there is no host function ${call.name}`)
    }
  }
}

function promptText(prompt: Json): string {
  if (typeof prompt === 'string') return prompt
  throw new TypeError(
    `a prompt must be a string, not ${prompt === null ? 'None' : Array.isArray(prompt) ? 'a list' : `a ${typeof prompt}`}`,
  )
}

function modelFor(context: SubCallContext, name: Json): Model {
  if (name === null) return context.subModel
  const model = typeof name === 'string' ? context.namedModels.get(name) : undefined
  if (model) return model
  const known = [...context.namedModels.keys()].join(', ')
  throw new TypeError(`there is no model ${JSON.stringify(name)} in this run; its models are: ${known}`)
}

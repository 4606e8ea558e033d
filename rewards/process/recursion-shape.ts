// `recursion_shape`: did the rollout recurse sensibly? One minus the mean of three faults, each in [0, 1]:
// - tinyBatches: the share of the sub-calls that were made in batches of `batch` and more whose prompts are
//   under `tinyCharacters` on average, as when every line of the context becomes a call of its own;
// - wholeContext: 1 when a sub-call was given `wholeShare` of the context or more (contexts under
//   `smallContext` characters may be given whole);
// - unusedAnswers: the share of the answered sub-calls whose answer went nowhere: no variable that holds it
//   is read again, and its text stands in no later output, code, prompt or answer of that invocation.
// Without sub-calls the value is 1: it says how they were made, not whether there should be any.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import type { RewardTask } from '../../src/reward.ts'
import type { Call, Cell, Invocation, Trajectory } from '../../src/trajectory.ts'
import { cellsOf, promptCharacters, subCalls } from './tree.ts'

const optionsSchema = z.strictObject({
  batch: z.number().int().min(2).default(50),
  tinyCharacters: z.number().int().positive().default(300),
  wholeShare: z.number().gt(0).max(1).default(0.9),
  smallContext: z.number().int().min(0).default(8000),
})
type Options = z.output<typeof optionsSchema>

function tinyBatches(calls: Call[], options: Options): number {
  const batched = calls.filter(({ batchId }) => batchId !== null)
  const tiny = [...Map.groupBy(batched, ({ batchId }) => batchId).values()].filter((batch) => {
    const mean = batch.reduce((sum, call) => sum + promptCharacters(call), 0) / batch.length
    return batch.length >= options.batch && mean < options.tinyCharacters
  })
  return tiny.reduce((sum, batch) => sum + batch.length, 0) / calls.length
}

function wholeContext(calls: Call[], task: RewardTask, options: Options): number {
  const characters = task.contextCharacters ?? 0
  if (characters < options.smallContext || characters === 0) return 0
  return calls.some((call) => promptCharacters(call) >= options.wholeShare * characters) ? 1 : 0
}

function unusedAnswers({ invocations }: Trajectory): { unused: number; answered: number } {
  let [unused, answered] = [0, 0]
  for (const invocation of invocations) {
    const cells = cellsOf(invocation)
    for (const [index, cell] of cells.entries()) {
      const replies = cell.calls.filter(({ error, response }) => error === null && response.text)
      answered += replies.length
      if (replies.length === 0 || readsVariable(cells, index)) continue
      unused += replies.filter((call) => !appearsLater(call, invocation, cells, index)).length
    }
  }
  return { unused, answered }
}

/** Whether a name that a query's result was stored under stands anywhere after that. */
function readsVariable(cells: Cell[], index: number): boolean {
  const code = cells[index]?.code ?? ''
  // Inside a call, a comprehension or a return, the value is read where it is made.
  if (/[([{,:]\s*(?:llm|rlm)_query|return\s+(?:llm|rlm)_query/.test(code)) return true
  for (const found of code.matchAll(
    /^[ \t]*([A-Za-z_]\w*)(?:\[[^\]\n]*\])?\s*[+]?=[^=\n]*(?:llm|rlm)_query/gm,
  )) {
    const after =
      code.slice(found.index + found[0].length) +
      cells
        .slice(index + 1)
        .map((cell) => cell.code)
        .join('\n')
    if (new RegExp(String.raw`\b${found[1] ?? ''}\b`).test(after)) return true
  }
  return false
}

function appearsLater(call: Call, invocation: Invocation, cells: Cell[], index: number): boolean {
  const text = (call.response.text ?? '').trim().slice(0, 40)
  const later = cells.slice(index + 1)
  const places = [
    cells[index]?.stdout ?? '',
    ...later.flatMap(({ code, stdout }) => [code, stdout]),
    ...later.flatMap(({ calls }) => calls.flatMap(({ messages }) => messages.map(({ content }) => content))),
    invocation.answer ?? '',
  ]
  return places.some((place) => place.includes(text))
}

export const recursionShape = defineReward({
  name: 'recursion_shape',
  version: '1',
  description: 'No mega-batches of tiny prompts, no whole context in one call, no sub-calls for nothing.',
  options: optionsSchema,
  score: ({ task, trajectory, options }) => {
    const calls = subCalls(trajectory)
    if (calls.length === 0) return { value: 1, details: { subCalls: 0 } }
    const { unused, answered } = unusedAnswers(trajectory)
    const faults = {
      tinyBatches: tinyBatches(calls, options),
      wholeContext: wholeContext(calls, task, options),
      unusedAnswers: answered === 0 ? 0 : unused / answered,
    }
    const mean = (faults.tinyBatches + faults.wholeContext + faults.unusedAnswers) / 3
    return { value: 1 - mean, details: { subCalls: calls.length, ...faults } }
  },
})

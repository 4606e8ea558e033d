// RULER (`ruler`): the share of the references that occur in the answer without regard to case (`all`:
// needles, variable tracking, common and frequent words), or whether any does (`part`: question answering).
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { roundPython, strip } from '../python/text.ts'

/** White space off the ends, control characters as line breaks. */
export function cleanPrediction(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters that RULER takes out
  return strip(strip(text).replaceAll(/[\x00-\x1f]/g, '\n'))
}

function share(prediction: string, references: readonly string[]): number {
  const given = prediction.toLowerCase()
  return references.filter((text) => given.includes(text.toLowerCase())).length / references.length
}

/** Of many samples, in percent with two decimals, as RULER reports it. */
export function stringMatchAll(predictions: readonly string[], references: readonly string[][]): number {
  const sum = predictions.reduce((total, text, index) => total + share(text, references[index] ?? []), 0)
  return roundPython((sum / predictions.length) * 100, 2)
}

/** As `stringMatchAll`, but one reference of a sample is enough. */
export function stringMatchPart(predictions: readonly string[], references: readonly string[][]): number {
  const hits = predictions.filter((text, index) => share(text, references[index] ?? []) > 0).length
  return roundPython((hits / predictions.length) * 100, 2)
}

export const ruler = defineReward({
  name: 'ruler',
  version: '1',
  description: "RULER's string match: the share of the references found (`all`), or any (`part`).",
  sees: 'answer',
  options: z.strictObject({
    match: z.enum(['all', 'part']).optional().meta({
      description: 'Default: `part` when metadata.task begins with `qa`, else `all`.',
    }),
  }),
  score: (context) => {
    const { task, trajectory, options } = context
    const references = alternatives(goldOf(context), task.id)
    if (trajectory.answer === null) return notAnswered
    const name = task.metadata['task'] ?? task.metadata['subset']
    const match = options.match ?? (typeof name === 'string' && name.startsWith('qa') ? 'part' : 'all')
    const found = share(cleanPrediction(trajectory.answer), references)
    return { value: match === 'all' ? found : Number(found > 0), details: { match, found } }
  },
})

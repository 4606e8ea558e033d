// What a dataset does not hold and what it may not be taken for, as far as the export knows it.
import type { ManifestFacts } from '../manifest.ts'
import { whole } from './numbers.ts'

export function limitSection(facts: ManifestFacts): string {
  const { configs, cleaning, settings } = facts
  const alone = configs.length === 1
  const rules = (cleaning?.rules ?? []).map(({ name }) => name)
  const lines = configs.flatMap(({ name, recipe }) =>
    (recipe.limits ?? []).map((limit) => (alone ? limit : `\`${name}\`: ${limit}`)),
  )
  lines.push(selectionText(facts))
  const rewards = configs.some(({ statistics }) => statistics.tallies.reward.counts.length > 0)
  if (rewards) {
    lines.push(
      'A reward is what the named functions said of the final answer: a right answer found in a wrong way counts as right.',
    )
  }
  lines.push(
    'Rows of one trajectory share their beginnings, and trajectories of one task share the task: they are no independent samples.',
  )
  if (!configs.some(({ contexts }) => contexts.length > 0)) {
    lines.push('The contexts of the tasks are not here: only the REPL saw them.')
  }
  lines.push('Of what a cell printed, the rows hold what the model was shown of it.')
  const looked = ['secrets', 'emails'].filter((name) => rules.includes(name))
  lines.push(
    looked.length > 0
      ? `Looked through for ${looked.join(' and ')} by their forms; names, addresses and telephone numbers of people have none.`
      : 'Not looked through for keys, passwords or personal data.',
  )
  if (!rules.includes('near-duplicates')) lines.push('Not looked through for near-duplicates.')
  if (settings.evalFraction > 0) {
    lines.push('The split keeps documents or tasks apart, not facts: another document may say the same.')
  }
  return `## Limits\n\n${lines.map((line) => `- ${line}`).join('\n')}\n`
}

/** How many of the trajectories are here: what was chosen is no sample of what the models do. */
function selectionText({ configs }: ManifestFacts): string {
  const [first] = configs
  const from = first?.funnel[0]?.trajectories ?? 0
  const left = first?.funnel.at(-1)?.trajectories ?? 0
  if (left >= from) return 'All trajectories of the runs are here.'
  return `${whole(left)} of ${whole(from)} trajectories of the runs are here, chosen as the funnel says: their rewards are not those of the models.`
}

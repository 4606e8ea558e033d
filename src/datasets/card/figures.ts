// The measures of a config in figures and plots. A plot is a file beside the card.
import { type Measure, measures, type Statistics } from '../statistics.ts'
import { summarize, type Summary } from '../tally.ts'
import { binsOf } from './bins.ts'
import { table } from './markdown.ts'
import { short, whole } from './numbers.ts'
import { plotSvg } from './plot.ts'

interface Meaning {
  title: string
  /** Below the plot. */
  unit: string
  format: (value: number) => string
}

const dollars = (value: number) => `$${short(value)}`
const meanings: Record<Measure, Meaning> = {
  reward: { title: 'Rewards', unit: 'reward', format: short },
  turns: { title: 'Turns', unit: 'turns of the whole tree', format: short },
  tokens: {
    title: 'Tokens',
    unit: 'tokens sent and received, over the whole tree',
    format: short,
  },
  depth: { title: 'Depth', unit: 'depth of the deepest invocation', format: short },
  cost: { title: 'Cost', unit: 'dollars, over the whole tree', format: dollars },
}

/** One for each measure that some trajectory has a value of; `prefix` is for several configs. */
export function plotsOf({ tallies }: Statistics, prefix: string): { path: string; text: string }[] {
  return measures.flatMap((name) => {
    const bins = binsOf(tallies[name], { even: name === 'reward' })
    const summary = summarize(tallies[name])
    if (!bins || !summary) return []
    const { title, unit, format } = meanings[name]
    const note = `${whole(summary.known)} trajectories, median ${format(summary.quantiles.median)}`
    return [{ path: pathOf(name, prefix), text: plotSvg({ title, unit, note, bins, format }) }]
  })
}

function pathOf(name: Measure, prefix: string): string {
  return `card/${prefix}${name}.svg`
}

/** A table, and the plots. */
export function figuresText({ tallies, stopReasons }: Statistics, prefix: string): string {
  const found = measures.flatMap((name) => {
    const summary = summarize(tallies[name])
    return summary ? [{ name, summary }] : []
  })
  const missing = measures.filter((name) => !found.some((one) => one.name === name))
  const images = found.map(
    ({ name }) => `![${meanings[name].title} of the trajectories](${pathOf(name, prefix)})`,
  )
  const stops = Object.entries(stopReasons).map(([reason, count]) => `${reason} ${count}`)
  return [
    'Of the trajectories that gave rows, as they were collected: turns, tokens, depth and cost are of the whole tree, sub-calls included.',
    table(
      ['', 'known', 'unknown', 'least', '10%', 'median', '90%', 'most', 'mean', 'sum'],
      found.map(({ name, summary }) => [name, ...figuresOf(name, summary)]),
    ),
    ...(missing.length > 0 ? [missing.map(missingText).join(' ')] : []),
    images.join('\n'),
    `Stop reasons: ${stops.join(', ')}.`,
  ].join('\n\n')
}

function missingText(name: Measure): string {
  if (name === 'reward') return 'No trajectory here has a reward.'
  return `No trajectory here has a known ${name}.`
}

function figuresOf(
  name: Measure,
  { known, unknown, minimum, maximum, mean, sum, quantiles }: Summary,
): string[] {
  const { format } = meanings[name]
  const { low, median, high } = quantiles
  return [
    whole(known),
    whole(unknown),
    ...[minimum, low, median, high, maximum].map(format),
    name === 'cost' ? format(mean) : String(Number(mean.toPrecision(4))),
    name === 'reward' || name === 'depth' ? '' : format(sum),
  ]
}

// One histogram as an SVG file: no script, nothing from outside, the same bytes for the same numbers. It
// has a ground of its own, so it can be read on a light page and on a dark one, and follows the reader's
// preference where the browser tells it.
import type { Bins } from './bins.ts'
import { short, whole } from './numbers.ts'

export interface Plot {
  /** What is counted, above the bars: "Turns of a trajectory". */
  title: string
  /** Below the axis: the unit. */
  unit: string
  /** Right of the title: how many, and the middle. */
  note: string
  bins: Bins
  /** Of a value on the axis; `short` unless given. */
  format?: (value: number) => string
}

const width = 460
const height = 240
const left = 52
const right = 22
const top = 40
const bottom = 48
const characterWidth = 6.3
const widestBar = 64

export function plotSvg({ title, unit, note, bins, format = short }: Plot): string {
  const { bars, kind } = bins
  const most = Math.max(...bars.map(({ count }) => count))
  const steps = countSteps(most)
  const ceiling = steps.at(-1) ?? most
  const inner = { width: width - left - right, height: height - top - bottom }
  const slot = inner.width / bars.length
  const y = (count: number) => top + inner.height * (1 - count / ceiling)
  const gap = Math.max(slot > 24 ? slot * 0.15 : Math.min(1.5, slot * 0.15), (slot - widestBar) / 2)
  const shapes = bars.map(({ from, to, count }, index) => {
    const x = left + slot * index + gap
    const range = kind === 'values' ? format(from) : `${format(from)} to ${format(to)}`
    return `<rect class="bar" x="${at(x)}" y="${at(y(count))}" width="${at(slot - 2 * gap)}" height="${at(inner.height * (count / ceiling))}" rx="1.5"><title>${escape(range)}: ${whole(count)}</title></rect>`
  })
  const lines = steps.map(
    (count) =>
      `<line class="${count === 0 ? 'axis' : 'grid'}" x1="${left}" x2="${width - right}" y1="${at(y(count))}" y2="${at(y(count))}"/>` +
      `<text class="tick" x="${left - 8}" y="${at(y(count) + 4)}" text-anchor="end">${short(count)}</text>`,
  )
  const labels = axisLabels(bins, format, slot).map(
    ({ x, text }) =>
      `<text class="tick" x="${at(left + x)}" y="${height - bottom + 17}" text-anchor="middle">${escape(text)}</text>`,
  )
  const told = bars
    .filter(({ count }) => count > 0)
    .map(
      ({ from, to, count }) => `${from === to ? format(from) : `${format(from)} to ${format(to)}`}: ${count}`,
    )
    .join(', ')
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title told">
<title id="title">${escape(`${title}: ${note}`)}</title>
<desc id="told">${escape(told)}</desc>
<style>
.ground{fill:#fff}.bar{fill:#2a6fb0}.grid{stroke:#d8dee6}.axis{stroke:#8a94a3}
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2733}.title{font-weight:600;font-size:13px}.tick,.quiet{fill:#56606e}
@media (prefers-color-scheme: dark){.ground{fill:#14181f}.bar{fill:#6aa9e4}.grid{stroke:#2c333e}.axis{stroke:#75808f}text{fill:#e7ebf0}.tick,.quiet{fill:#a5afbc}}
</style>
<rect class="ground" width="${width}" height="${height}" rx="6"/>
<text class="title" x="12" y="23">${escape(title)}</text>
<text class="quiet" x="${width - right}" y="23" text-anchor="end">${escape(note)}</text>
${lines.join('\n')}
${shapes.join('\n')}
${labels.join('\n')}
<text class="quiet" x="${at(left + inner.width / 2)}" y="${height - 10}" text-anchor="middle">${escape(unit)}</text>
<text class="quiet" transform="translate(13 ${at(top + inner.height / 2)}) rotate(-90)" text-anchor="middle">trajectories</text>
</svg>
`
}

/** From 0 up to a round number at or above `most`; whole numbers, as there are no half trajectories. */
function countSteps(most: number): number[] {
  const rough = most / 4
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)))
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? 1)
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step)
}

/** Below each bar of one value, else below edges; so many that they do not run into each other. */
function axisLabels(
  { bars, kind }: Bins,
  format: (value: number) => string,
  slot: number,
): { x: number; text: string }[] {
  const places =
    kind === 'values'
      ? bars.map(({ from }, index) => ({ x: slot * (index + 0.5), text: format(from) }))
      : [...bars.map(({ from }) => from), bars.at(-1)?.to ?? 0].map((edge, index) => ({
          x: slot * index,
          text: format(edge),
        }))
  const widest = Math.max(...places.map(({ text }) => text.length)) * characterWidth + 8
  const every = Math.max(1, Math.ceil(widest / slot))
  return places.filter((_, index) => index % every === 0)
}

function at(value: number): string {
  return String(Number(value.toFixed(2)))
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

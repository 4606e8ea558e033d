// How rewards are spread, as bars of plain SVG.

import { formatReward } from '../format.ts'

const bins = 20

export interface Bin {
  from: number
  to: number
  count: number
}

/** Equal bins over the values' range, or over 0 to 1 where all lie in it. */
export function binRewards(values: number[]): Bin[] {
  const low = Math.min(0, ...values)
  const high = Math.max(1, ...values)
  const width = (high - low) / bins
  const counts = Array.from({ length: bins }, (_, i) => ({
    from: low + i * width,
    to: low + (i + 1) * width,
    count: 0,
  }))
  for (const value of values) {
    const bin = counts[Math.min(bins - 1, Math.floor((value - low) / width))]
    if (bin) bin.count++
  }
  return counts
}

const height = 72
const step = 14

export function Histogram({ values }: { values: number[] }) {
  const counts = binRewards(values)
  const top = Math.max(1, ...counts.map((bin) => bin.count))
  const first = counts[0]?.from ?? 0
  const last = counts.at(-1)?.to ?? 1
  const label = `Rewards of ${values.length} trajectories, from ${formatReward(first)} to ${formatReward(last)}`
  return (
    <figure class="histogram">
      <svg
        viewBox={`0 0 ${bins * step} ${height + 1}`}
        role="img"
        aria-label={label}
        preserveAspectRatio="none"
      >
        {counts.map((bin, index) => {
          const size = bin.count === 0 ? 0 : Math.max(2, (height * bin.count) / top)
          const middle = (bin.from + bin.to) / 2
          return (
            <rect
              class={middle < 0.5 ? 'low' : 'high'}
              x={index * step + 1}
              y={height - size}
              width={step - 2}
              height={size}
            >
              <title>{`${bin.from.toFixed(2)} to ${bin.to.toFixed(2)}: ${bin.count}`}</title>
            </rect>
          )
        })}
        <line x1="0" x2={bins * step} y1={height + 0.5} y2={height + 0.5} class="axis" />
      </svg>
      <figcaption>
        <span>{formatReward(first)}</span>
        <span>{formatReward(last)}</span>
      </figcaption>
    </figure>
  )
}

// How values are spread, as bars of plain SVG, and how reward went over time, as a line.
import type { Bin, RunStatistics } from '../../../src/store/contract.ts'
import { formatCount } from '../format.ts'

const height = 72
const step = 14

interface HistogramProps {
  bins: Bin[]
  what: string
  format: (value: number) => string
  /** Low values are bad: bars below the middle of 0 and 1 are red. */
  graded?: boolean
  onSelect?: (bin: Bin, last: boolean) => void
}

export function Histogram({ bins, what, format, graded = false, onSelect }: HistogramProps) {
  const top = Math.max(1, ...bins.map((bin) => bin.count))
  const total = bins.reduce((sum, bin) => sum + bin.count, 0)
  const [first, last] = [bins[0]?.from ?? 0, bins.at(-1)?.to ?? 1]
  const label = `${what} of ${formatCount(total)} trajectories, from ${format(first)} to ${format(last)}`
  return (
    <figure class={onSelect ? 'histogram selectable' : 'histogram'}>
      <svg
        viewBox={`0 0 ${bins.length * step} ${height + 1}`}
        role="img"
        aria-label={label}
        preserveAspectRatio="none"
      >
        {bins.map((bin, index) => {
          const size = bin.count === 0 ? 0 : Math.max(2, (height * bin.count) / top)
          const tone = graded ? ((bin.from + bin.to) / 2 < 0.5 ? 'low' : 'high') : 'plain'
          return (
            <g onClick={() => bin.count > 0 && onSelect?.(bin, index === bins.length - 1)}>
              <rect class="room" x={index * step} y="0" width={step} height={height} />
              <rect class={tone} x={index * step + 1} y={height - size} width={step - 2} height={size} />
              <title>{`${format(bin.from)} to ${format(bin.to)}: ${formatCount(bin.count)}`}</title>
            </g>
          )
        })}
        <line x1="0" x2={bins.length * step} y1={height + 0.5} y2={height + 0.5} class="axis" />
      </svg>
      <figcaption>
        <span>{format(first)}</span>
        <span>{format(last)}</span>
      </figcaption>
    </figure>
  )
}

/** Mean reward of equal parts of the trajectories, in the order in which they ended. */
export function OverTime({ moments }: { moments: RunStatistics['overTime'] }) {
  if (moments.length < 2) return null
  const values = moments.map((moment) => moment.reward)
  const width = 280
  const label = `Mean reward over time, from ${values[0]?.toFixed(2)} to ${values.at(-1)?.toFixed(2)}`
  return (
    <figure class="histogram over-time">
      <svg viewBox={`0 -2 ${width} ${height + 4}`} role="img" aria-label={label} preserveAspectRatio="none">
        <line x1="0" x2={width} y1={height} y2={height} class="axis" />
        <line x1="0" x2={width} y1="0" y2="0" class="axis" />
        <polyline points={pointsOf(values, width, height)} class="line" vector-effect="non-scaling-stroke" />
      </svg>
      <figcaption>
        <span>first ended</span>
        <span>last ended</span>
      </figcaption>
    </figure>
  )
}

/** The same line, as small as a word. */
export function Sparkline({ values }: { values: number[] }) {
  if (values.length < 2) return null
  const [width, high] = [84, 18]
  const label = `Mean reward from ${values[0]?.toFixed(2)} to ${values.at(-1)?.toFixed(2)}`
  return (
    <svg class="sparkline" width={width} height={high} viewBox={`0 -1 ${width} ${high + 2}`} role="img">
      <title>{label}</title>
      <line x1="0" x2={width} y1={high} y2={high} class="axis" />
      <polyline points={pointsOf(values, width, high)} class="line" />
    </svg>
  )
}

/** From 0 to 1, and further where a value is. */
function pointsOf(values: number[], width: number, high: number): string {
  const [least, most] = [Math.min(0, ...values), Math.max(1, ...values)]
  const x = (index: number) => (index / (values.length - 1)) * width
  const y = (value: number) => high - ((value - least) / (most - least)) * high
  return values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
}

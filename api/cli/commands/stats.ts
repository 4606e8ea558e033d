// `descent stats RUN...`: what runs amount to, beside each other; two runs are also compared task by task.
import { pairedTest, type PairedTest } from '../../../rewards/statistics/resample.ts'
import {
  runStatistics,
  sampleOf,
  taskMeans,
  type RunStatistics,
  type Sample,
} from '../../../rewards/statistics/run.ts'
import { UsageError } from '../../../src/errors.ts'
import type { Store, StoredRun } from '../../../src/store/contract.ts'
import { csvLine } from '../csv.ts'
import { formatCount, formatMoney, formatScore, formatTable } from '../format.ts'
import { decimal, wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'
import { figuresOf } from './score-compare.ts'

export interface StatsOptions extends StoreOption {
  reward?: string
  passFrom: string
  seed: string
  json?: boolean
  csv?: boolean
}

interface RunReport extends RunStatistics {
  runId: string
  name: string
  taskset: string
  model: string
  protocol: string
  scripted: boolean
}

export async function stats(references: string[], options: StatsOptions): Promise<void> {
  if (options.json && options.csv) throw new UsageError('stats: choose --json or --csv, not both')
  const settings = {
    passFrom: decimal(options.passFrom, '--pass-from'),
    seed: wholeNumber(options.seed, '--seed'),
  }
  await usingStore(options, async (store) => {
    const runs: { run: StoredRun; samples: Sample[] }[] = []
    for (const reference of references) {
      const run = await store.findRun(reference)
      runs.push({ run, samples: await samplesOf(store, run.id, options.reward) })
    }
    const reports = runs.map(({ run, samples }) => ({
      ...describe(run),
      ...runStatistics(samples, settings),
    }))
    const [first, second] = runs
    const paired =
      first && second && runs.length === 2 ? compare(first.samples, second.samples, settings.seed) : null
    if (options.json) printJson({ runs: reports, paired })
    else if (options.csv) process.stdout.write(csv(reports))
    else show(reports, paired)
  })
}

async function samplesOf(store: Store, runId: string, reward: string | undefined): Promise<Sample[]> {
  const samples: Sample[] = []
  for await (const figures of figuresOf(store, runId)) {
    if (figures.status === 'done') samples.push(sampleOf(figures, reward))
  }
  return samples
}

function describe(run: StoredRun) {
  const { tasks } = run.config
  const named =
    typeof tasks === 'object' && tasks !== null && !Array.isArray(tasks) ? tasks['taskset'] : tasks
  const taskset = typeof named === 'string' ? named : ''
  const { id: runId, name, model, protocol, scripted } = run
  return { runId, name, taskset, model, protocol, scripted }
}

function compare(a: Sample[], b: Sample[], seed: number): PairedTest | null {
  const [first, second] = [taskMeans(a), taskMeans(b)]
  const pairs = [...first].flatMap(([taskId, value]) => {
    const other = second.get(taskId)
    return other === undefined ? [] : [{ a: value, b: other }]
  })
  return pairedTest(pairs, { seed })
}

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([key, count]) => `${key}: ${count}`)
    .join(', ')

function show(reports: RunReport[], paired: PairedTest | null): void {
  const interval = ({ interval: found }: RunReport) =>
    found ? `${formatScore(found.low)} to ${formatScore(found.high)}` : '–'
  const byK = (table: Record<string, number>) =>
    Object.entries(table)
      .map(([k, value]) => `${k}: ${formatScore(value)}`)
      .join('  ')
  const four = (list: (number | null)[], format: (value: number) => string) =>
    list.map((value) => (value === null ? '–' : format(value))).join(' / ')
  const lines: [string, (report: RunReport) => string][] = [
    ['run', ({ runId }) => runId.slice(-8)],
    ['name', ({ name }) => name],
    ['taskset', ({ taskset }) => taskset],
    ['model', ({ model, scripted }) => (scripted ? `${model} (scripted)` : model)],
    ['protocol', ({ protocol }) => protocol],
    ['tasks × rollouts', ({ tasks, rollouts }) => `${tasks} tasks, ${rollouts} rollouts`],
    ['scored, unscored', ({ scored, unscored }) => `${scored}, ${unscored}`],
    ['mean reward', (report) => formatScore(report.mean)],
    ['  95 % interval', interval],
    ['pass@k', ({ passAt }) => byK(passAt)],
    ['pass^k', ({ passHat }) => byK(passHat)],
    ['half of k', ({ majorityOf }) => byK(majorityOf)],
    ['tasks at 0, between, 1', ({ bands }) => `${bands.none}, ${bands.some}, ${bands.all}`],
    ['dollars 25/50/75/95 %', ({ cost }) => four([cost.p25, cost.p50, cost.p75, cost.p95], formatMoney)],
    [
      'seconds 25/50/75/95 %',
      ({ seconds: s }) => four([s.p25, s.p50, s.p75, s.p95], (value) => value.toFixed(1)),
    ],
    [
      'tokens 25/50/75/95 %',
      ({ tokens: t }) => four([t.p25, t.p50, t.p75, t.p95], (value) => formatCount(Math.round(value))),
    ],
    ['turns', ({ turns }) => listed(turns)],
    ['calls', ({ calls }) => listed(calls)],
    ['depth', ({ depth }) => listed(depth)],
    ['stopped by', ({ stopReasons }) => listed(stopReasons)],
  ]
  const rows = lines.map(([title, of]) => [title, ...reports.map(of)])
  const [head = [], ...rest] = rows
  process.stdout.write(`${formatTable(head, rest)}\n`)
  if (paired) {
    const range = paired.interval
      ? ` (95 %: ${formatScore(paired.interval.low)} to ${formatScore(paired.interval.high)})`
      : ''
    say(
      `on ${paired.pairs} tasks of both: ${formatScore(paired.meanA)} → ${formatScore(paired.meanB)}, difference ${paired.difference.toFixed(3)}${range}, p = ${paired.pValue.toPrecision(3)} (paired permutation test${paired.exact ? ', exact' : ''})`,
    )
  }
}

/** One line a run, every figure in a column of its own. */
function csv(reports: RunReport[]): string {
  const flat = reports.map((report) => new Map(flatten(report)))
  const columns = [...new Set(flat.flatMap((row) => [...row.keys()]))]
  const lines = flat.map((row) => csvLine(columns.map((column) => row.get(column))))
  return [csvLine(columns), ...lines].join('')
}

function flatten(value: object, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]): [string, unknown][] =>
    inner !== null && typeof inner === 'object'
      ? flatten(inner as object, `${prefix}${key}.`)
      : [[`${prefix}${key}`, inner]],
  )
}

// `descent stats RUN...`: what runs amount to, beside each other, and apart by a field of the tasks or runs; two
// runs are also compared task by task.
import { pairedTest, type PairedTest } from '../../../rewards/statistics/resample.ts'
import { statisticsByField, type FieldStatistics } from '../../../rewards/statistics/by-field.ts'
import {
  rewardFigures,
  runStatistics,
  sampleOf,
  taskMeans,
  type RewardFigures,
  type RunStatistics,
  type Sample,
  type StatisticsOptions,
} from '../../../rewards/statistics/run.ts'
import { UsageError } from '../../../src/errors.ts'
import type { Json } from '../../../src/json.ts'
import type { Figures, Store, StoredRun } from '../../../src/store/contract.ts'
import { csvLine } from '../csv.ts'
import { formatCount, formatMoney, formatScore, formatTable } from '../format.ts'
import { decimal, wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'
import { figuresOf } from './score-compare.ts'

export interface StatsOptions extends StoreOption {
  reward?: string
  passFrom: string
  seed: string
  by?: string[]
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
  /** What each reward gave. */
  rewards: Record<string, RewardFigures>
}

/** Statistics of a part of one run, or of several runs together. */
interface Part extends FieldStatistics {
  runId: string | null
}

interface Collected {
  run: StoredRun
  samples: Sample[]
  rewards: Record<string, RewardFigures>
}

/** Fields of runs: all that are given are taken together. Any other field is one of a task's metadata. */
const runFields = ['run', 'taskset', 'model', 'protocol'] as const

export async function stats(references: string[], options: StatsOptions): Promise<void> {
  if (options.json && options.csv) throw new UsageError('stats: choose --json or --csv, not both')
  const settings = {
    passFrom: decimal(options.passFrom, '--pass-from'),
    seed: wholeNumber(options.seed, '--seed'),
  }
  await usingStore(options, async (store) => {
    const runs: Collected[] = []
    for (const reference of references) {
      const run = await store.findRun(reference)
      runs.push({ run, ...(await samplesOf(store, run.id, options.reward)) })
    }
    const reports = runs.map(({ run, samples, rewards }) => ({
      ...describe(run),
      ...runStatistics(samples, settings),
      rewards,
    }))
    const parts: Part[] = []
    for (const field of options.by ?? []) parts.push(...(await partsBy(store, runs, field, settings)))
    const [first, second] = runs
    const paired =
      first && second && runs.length === 2 ? compare(first.samples, second.samples, settings.seed) : null
    if (options.json) printJson({ runs: reports, paired, ...(options.by ? { by: parts } : {}) })
    else if (options.csv) process.stdout.write(csv(options.by ? parts : reports))
    else {
      show(reports, paired)
      showParts(parts, runs.length > 1)
    }
  })
}

async function samplesOf(store: Store, runId: string, reward: string | undefined) {
  const samples: Sample[] = []
  const scores: Pick<Figures, 'scores'>[] = []
  for await (const figures of figuresOf(store, runId)) {
    if (figures.status !== 'done') continue
    samples.push(sampleOf(figures, reward))
    scores.push({ scores: figures.scores.map((score) => ({ ...score, details: null })) })
  }
  return { samples, rewards: rewardFigures(scores) }
}

/** Errors raised: UsageError when no task has the field; it names those that there are. */
async function partsBy(
  store: Store,
  runs: Collected[],
  field: string,
  settings: StatisticsOptions,
): Promise<Part[]> {
  const ofRun = runFields.find((known) => known === field)
  if (ofRun) {
    const names = new Map(runs.flatMap(({ run, samples }) => samples.map((one) => [one, nameOf(run, ofRun)])))
    const all = runs.flatMap(({ samples }) => samples)
    const parts = statisticsByField(all, field, (sample) => names.get(sample), settings)
    return parts.map((part) => ({ runId: null, ...part }))
  }
  const parts: Part[] = []
  const known = new Set<string>()
  for (const { run, samples } of runs) {
    const values = new Map<string, Json | undefined>()
    for (const taskId of new Set(samples.map((sample) => sample.taskId))) {
      const task = await store.readTask(run.id, taskId)
      for (const name of Object.keys(task.metadata)) known.add(name)
      values.set(taskId, field === 'contextCharacters' ? task.contextCharacters : task.metadata[field])
    }
    const found = statisticsByField(samples, field, ({ taskId }) => values.get(taskId), settings)
    parts.push(...found.map((part) => ({ runId: run.id, ...part })))
  }
  if (field !== 'contextCharacters' && !known.has(field)) {
    const names = [...runFields, 'contextCharacters', ...[...known].toSorted()].join(', ')
    throw new UsageError(`--by: no task has the metadata field ${JSON.stringify(field)}; there are ${names}`)
  }
  return parts
}

function nameOf(run: StoredRun, field: (typeof runFields)[number]): string {
  return field === 'run' ? run.id : describe(run)[field]
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
    ['at least k of n', ({ kOfN }) => (kOfN.n === 0 ? '–' : `${byK(kOfN.atLeast)}  (n = ${kOfN.n})`)],
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
    [
      'each reward',
      ({ rewards }) =>
        Object.entries(rewards)
          .map(
            ([name, { mean, errors }]) =>
              `${name}: ${formatScore(mean)}${errors > 0 ? ` (${errors} errors)` : ''}`,
          )
          .join(', '),
    ],
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

function showParts(parts: Part[], several: boolean): void {
  for (const [field, list] of Map.groupBy(parts, (part) => part.field)) {
    const last = (table: Record<string, number>) => {
      const k = Object.keys(table).at(-1)
      return k === undefined ? '–' : `${k}: ${formatScore(table[k] ?? null)}`
    }
    const rows = list.map((part) => [
      ...(several ? [part.runId?.slice(-8) ?? 'all'] : []),
      part.value,
      String(part.tasks),
      String(part.rollouts),
      formatScore(part.mean),
      part.interval ? `${formatScore(part.interval.low)} to ${formatScore(part.interval.high)}` : '–',
      formatScore(part.passAt['1'] ?? null),
      last(part.passAt),
      last(part.passHat),
      `${part.bands.none}, ${part.bands.some}, ${part.bands.all}`,
      formatMoney(part.cost.p50),
      part.seconds.p50 === null ? '–' : part.seconds.p50.toFixed(1),
    ])
    const head = [
      ...(several ? ['run'] : []),
      field,
      'tasks',
      'rollouts',
      'mean',
      '95 % interval',
      'pass@1',
      'pass@k',
      'pass^k',
      'at 0, between, 1',
      'dollars (median)',
      'seconds (median)',
    ]
    process.stdout.write(`\n${formatTable(head, rows)}\n`)
  }
}

/** One line a run or part, every figure in a column of its own. */
function csv(reports: (RunReport | Part)[]): string {
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

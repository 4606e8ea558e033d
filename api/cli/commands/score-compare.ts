// `descent score RUN --compare A B` and `--calibrate JUDGE [HUMAN]`: two scores of the same trajectories beside
// each other.
import { createComparison, findScore, readReference } from '../../../rewards/compare.ts'
import { calibrate } from '../../../rewards/judge/calibration.ts'
import { UsageError } from '../../../src/errors.ts'
import type { Figures, Store, StoredRun } from '../../../src/store/contract.ts'
import { formatScore, formatTable } from '../format.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson, say } from '../store-option.ts'

const pageSize = 500

export async function* figuresOf(store: Store, runId: string): AsyncGenerator<Figures> {
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Store['listFigures']>> = await store.listFigures(runId, {
      limit: pageSize,
      cursor,
    })
    yield* page.items
    cursor = page.next
  } while (cursor)
}

export async function compareRun(
  store: Store,
  run: StoredRun,
  names: string[],
  options: { limit?: string; json?: boolean },
): Promise<void> {
  const [a, b, ...others] = names
  if (a === undefined || b === undefined || others.length > 0)
    throw new UsageError('--compare: name two scores: name, name@version or name@version#hash')
  const comparison = createComparison(readReference(a), readReference(b))
  for await (const figures of figuresOf(store, run.id)) comparison.add(figures)
  const result = comparison.end()
  const shown = result.changes.slice(
    0,
    options.limit === undefined ? 20 : wholeNumber(options.limit, '--limit', 1),
  )
  if (options.json) {
    printJson({ runId: run.id, a, b, ...result, changes: shown })
    return
  }
  if (shown.length > 0) {
    const rows = shown.map((change) => [
      change.trajectoryId.slice(-8),
      change.taskId.slice(0, 28),
      String(change.rollout),
      formatScore(change.a),
      formatScore(change.b),
      (change.b > change.a ? '+' : '') + (change.b - change.a).toFixed(3),
    ])
    process.stdout.write(`${formatTable(['id', 'task', 'rollout', a, b, 'change'], rows)}\n`)
  }
  say(
    `${result.both} trajectories have both: mean ${formatScore(result.meanA)} → ${formatScore(result.meanB)}; ${result.rose} rose, ${result.fell} fell, ${result.both - result.rose - result.fell} are equal`,
  )
  const alone = [
    [result.onlyA, `only ${a}`],
    [result.onlyB, `only ${b}`],
    [result.errorsA, `errors of ${a}`],
    [result.errorsB, `errors of ${b}`],
  ] as const
  const left = alone.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  if (left.length > 0) say(left.join(', '))
}

export async function calibrateRun(
  store: Store,
  run: StoredRun,
  names: string[],
  options: { json?: boolean },
): Promise<void> {
  const [judge = 'judge', human = 'human'] = names
  const [judged, labelled] = [readReference(judge), readReference(human)]
  const pairs: { judge: number; human: number }[] = []
  for await (const { scores } of figuresOf(store, run.id)) {
    const verdict = findScore(scores, judged)?.value ?? null
    // Several people may have labelled one trajectory: their mean is the label.
    const labels = scores.flatMap((score) =>
      score.author.startsWith('human:') && findScore([score], labelled) && score.value !== null
        ? [score.value]
        : [],
    )
    if (verdict === null || labels.length === 0) continue
    pairs.push({ judge: verdict, human: labels.reduce((sum, value) => sum + value, 0) / labels.length })
  }
  const report = calibrate(pairs)
  if (report === null)
    throw new UsageError(
      `--calibrate: no trajectory of run ${run.id} has both a score "${judge}" and a human score "${human}"; add some with descent score --human ID --value V --reason …`,
    )
  if (options.json) {
    printJson({ runId: run.id, judge, human, ...report })
    return
  }
  const rows = report.bins.map((bin) => [
    `${bin.from.toFixed(1)}–${(bin.from + 0.1).toFixed(1)}`,
    String(bin.count),
    formatScore(bin.meanJudge),
    formatScore(bin.meanHuman),
  ])
  process.stdout.write(`${formatTable([judge, 'trajectories', 'mean judge', 'mean human'], rows)}\n`)
  say(
    `${report.pairs} pairs: agreement ${formatScore(report.agreement)}, kappa ${formatScore(report.kappa)}, correlation ${formatScore(report.correlation)}, mean error ${formatScore(report.meanError)}; judged good by the judge only: ${report.judgeOnly}, by people only: ${report.humanOnly}`,
  )
}

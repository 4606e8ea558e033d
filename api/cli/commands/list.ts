// `descent list RUN`: the trajectories of a run, in the order of its tasks.
import { UsageError } from '../../../src/errors.ts'
import { trajectoryStatusSchema, type TrajectoryRow } from '../../../src/trajectory.ts'
import { formatCount, formatScore, formatTable, plainLine } from '../format.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

const pageSize = 200

export async function list(
  reference: string,
  options: StoreOption & { status?: string; limit?: string; json?: boolean },
): Promise<void> {
  const status = trajectoryStatusSchema.optional().safeParse(options.status)
  if (!status.success)
    throw new UsageError(
      `--status: "${options.status}" is not known; allowed: ${trajectoryStatusSchema.options.join(', ')}`,
    )
  const limit =
    options.limit === undefined
      ? options.json
        ? Number.POSITIVE_INFINITY
        : 50
      : wholeNumber(options.limit, '--limit', 1)
  await usingStore(options, async (store) => {
    const run = await store.findRun(reference)
    const rows: TrajectoryRow[] = []
    let shown = 0
    let cursor: string | null = null
    do {
      const page = await store.listTrajectories(run.id, {
        limit: Math.min(pageSize, limit - shown),
        cursor,
        ...(status.data ? { status: status.data } : {}),
      })
      for (const row of page.items) {
        if (options.json) printJson(row)
        else rows.push(row)
      }
      shown += page.items.length
      cursor = page.next
    } while (cursor && shown < limit)
    if (options.json) return
    process.stdout.write(`${table(rows)}\n`)
    if (cursor) say(`the first ${shown}; --limit shows more`)
  })
}

function table(rows: TrajectoryRow[]): string {
  return formatTable(
    ['id', 'task', 'rollout', 'status', 'stop', 'reward', 'turns', 'calls', 'tokens', 'answer'],
    rows.map((row) => [
      row.id.slice(-8),
      row.taskId.slice(0, 28),
      String(row.rollout),
      row.status,
      row.stopReason ?? '–',
      formatScore(row.reward),
      String(row.turns),
      String(row.calls),
      formatCount(row.usage.inputTokens + row.usage.outputTokens),
      preview(row.answer),
    ]),
  )
}

function preview(answer: string | null): string {
  if (answer === null) return '–'
  const line = plainLine(answer)
  return line.length > 30 ? `${line.slice(0, 29)}…` : line
}

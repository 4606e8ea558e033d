// `descent runs`: the runs of the store, newest first.
import { formatCount, formatMoney, formatScore, formatTable } from '../format.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson, usingStore, type StoreOption } from '../store-option.ts'

export async function runs(options: StoreOption & { limit: string; json?: boolean }): Promise<void> {
  const limit = wholeNumber(options.limit, '--limit', 1)
  await usingStore(options, async (store) => {
    const { items } = await store.listRuns({ limit })
    if (options.json) {
      for (const run of items) printJson(run)
      return
    }
    const rows = items.map((run) => [
      run.id.slice(-8),
      run.scripted ? `${run.name} (scripted)` : run.name,
      run.status,
      `${run.done}/${run.trajectories}`,
      String(run.failed),
      formatScore(run.meanReward),
      formatCount(run.calls),
      formatMoney(run.costUsd),
      run.createdAt.slice(0, 16).replace('T', ' '),
    ])
    process.stdout.write(
      `${formatTable(['run', 'name', 'status', 'done', 'failed', 'reward', 'calls', 'cost', 'made'], rows)}\n`,
    )
  })
}

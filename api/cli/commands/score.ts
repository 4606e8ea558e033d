// `descent score`: scores stored trajectories; earlier scores stay.
import { UsageError } from '../../../src/errors.ts'
import { openRewards, prepareStoredRun, scorer } from '../../compose.ts'
import { formatScore } from '../format.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export async function score(
  options: StoreOption & { run: string; reward?: string[]; json?: boolean },
): Promise<void> {
  await usingStore(options, async (store) => {
    const run = await store.findRun(options.run)
    const rewards = options.reward
      ? await openRewards(
          options.reward.map((name) => ({ name, weight: 1, options: {} })),
          process.cwd(),
        )
      : (await prepareStoredRun(run, process.cwd())).rewards
    if (rewards.length === 0) throw new UsageError(`run ${run.id} names no rewards; name some with --reward`)
    const scoreOne = scorer(store, run.id, rewards)
    let scored = 0
    let cursor: string | null = null
    do {
      const page = await store.listTrajectories(run.id, { limit: 200, cursor, status: 'done' })
      for (const row of page.items) {
        await scoreOne(row.id)
        scored += 1
      }
      cursor = page.next
    } while (cursor)
    const summary = await store.summarizeRun(run.id)
    if (options.json) printJson({ runId: run.id, scored, meanReward: summary.meanReward })
    else say(`scored ${scored} trajectories of run ${run.id}: mean reward ${formatScore(summary.meanReward)}`)
  })
}

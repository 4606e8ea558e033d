// `descent score`: scores stored trajectories. What is scored already is left alone; earlier scores stay.
import os from 'node:os'
import path from 'node:path'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { scoreRun } from '../../../rewards/stage.ts'
import { UsageError } from '../../../src/errors.ts'
import { rewardConfigSchema } from '../../../src/run-file.ts'
import type { RewardConfig } from '../../../src/run-file.ts'
import type { Figures, Store, StoredRun } from '../../../src/store/contract.ts'
import type { ScoreRow } from '../../../rewards/score.ts'
import { parseYaml } from '../../../src/yaml.ts'
import { storedConfig } from '../../compose.ts'
import { openRewards } from '../../rewards.ts'
import { openRewardTools } from '../../reward-tools.ts'
import { formatScore } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'
import { calibrateRun, compareRun } from './score-compare.ts'
import { scoreByHand } from './score-human.ts'

export interface ScoreOptions extends StoreOption {
  run?: string
  reward?: string[]
  rewards?: string
  again?: boolean
  dryRun?: boolean
  limit?: string
  concurrency: string
  judgeCache?: string
  compare?: string[]
  calibrate?: string[]
  human?: string
  value?: string
  reason?: string
  author?: string
  weight?: string
  json?: boolean
}

export async function score(argument: string | undefined, options: ScoreOptions): Promise<void> {
  const { human } = options
  if (human !== undefined) {
    await usingStore(
      options,
      async (store) => await scoreByHand(store, human, options, os.userInfo().username),
    )
    return
  }
  const reference = argument ?? options.run
  if (reference === undefined) throw new UsageError('score: name the run: its id, part of it, or "latest"')
  await usingStore(options, async (store) => {
    const run = await store.findRun(reference)
    if (options.compare) await compareRun(store, run, options.compare, options)
    else if (options.calibrate) await calibrateRun(store, run, options.calibrate, options)
    else await scoreStored(store, run, options)
  })
}

async function scoreStored(store: Store, run: StoredRun, options: ScoreOptions): Promise<void> {
  const { configs, directory } = await chosenRewards(run, options)
  if (configs.length === 0) throw new UsageError(`run ${run.id} names no rewards; name some with --reward`)
  const rewards = await openRewards(configs, directory)
  const interrupt = onInterrupt()
  const { signal } = interrupt
  const { judgeCache } = options
  const opened = openRewardTools({
    signal,
    ...(judgeCache === undefined ? {} : { cacheDirectory: judgeCache }),
  })
  const started = performance.now()
  try {
    const { limit, dryRun, again } = options
    const result = await scoreRun({
      store,
      runId: run.id,
      rewards,
      tools: opened.tools,
      concurrency: wholeNumber(options.concurrency, '--concurrency', 1),
      signal,
      // Nothing is stored, so what is stored already does not matter either.
      again: again === true || dryRun === true,
      dryRun: dryRun === true,
      ...(limit === undefined ? {} : { limit: wholeNumber(limit, '--limit', 1) }),
      ...(dryRun
        ? { onScores: (figures, scores) => showScores(figures, scores, options.json === true) }
        : {}),
    })
    const seconds = (performance.now() - started) / 1000
    if (dryRun) say(`${result.scores} scores computed, ${result.errors} errors; nothing was stored`)
    else {
      const { meanReward } = await store.summarizeRun(run.id)
      if (options.json) printJson({ runId: run.id, ...result, seconds, meanReward })
      else {
        const left = result.skipped > 0 ? `, ${result.skipped} were there (--again computes them, too)` : ''
        say(
          `run ${run.id}: ${result.scores} scores of ${result.scored} trajectories in ${seconds.toFixed(1)} s, ${result.errors} errors${left}; mean reward ${formatScore(meanReward)}`,
        )
      }
    }
    if (result.scores > 0 && result.errors === result.scores) process.exitCode = 1
  } finally {
    interrupt.dispose()
    await opened.close()
  }
}

/** Named on the command line, in a file, or by the run itself. */
async function chosenRewards(
  run: StoredRun,
  options: ScoreOptions,
): Promise<{ configs: RewardConfig[]; directory: string }> {
  const here = process.cwd()
  if (options.rewards !== undefined) {
    const file = path.resolve(here, options.rewards)
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`--rewards: ${file} cannot be read (${error.code ?? error.message})`)
    })
    // A run file will do, too: only its rewards are read.
    const { rewards } = parseYaml(z.looseObject({ rewards: z.array(rewardConfigSchema) }), text, file)
    return { configs: rewards, directory: path.dirname(file) }
  }
  if (options.reward) {
    return { configs: options.reward.map((name) => ({ name, weight: 1, options: {} })), directory: here }
  }
  return { configs: storedConfig(run).config.rewards, directory: here }
}

function showScores({ id, taskId, rollout }: Figures, scores: ScoreRow[], json: boolean): void {
  for (const { reward, version, value, error, details } of scores) {
    if (json) printJson({ id, taskId, rollout, reward, version, value, error, details })
    else {
      const shown = error ? `error: ${error.message.split('\n')[0]}` : formatScore(value)
      const more = details ? `  ${JSON.stringify(details).slice(0, 120)}` : ''
      process.stdout.write(`${id.slice(-8)}  ${taskId.slice(0, 28)}  ${reward}@${version}  ${shown}${more}\n`)
    }
  }
}

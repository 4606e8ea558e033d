// `descent demo`: the whole way once, with scripted models in place of paid ones: tasks from real text,
// rollouts in the real sandbox, scores, training sets.
import path from 'node:path'
import { styleText } from 'node:util'
import { exportDataset } from '../../../src/datasets/index.ts'
import { packageRoot } from '../../../src/package.ts'
import type { RunConfig } from '../../../src/run-file.ts'
import type { RunSummary } from '../../../src/store/contract.ts'
import { prepareRun, readRunFile } from '../../compose.ts'
import { formatBytes, formatDuration, formatTable } from '../format.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'
import { collectRun, summaryText } from './collect.ts'

const recipeNames = ['sft-turns', 'trajectories']

export async function demo(
  options: StoreOption & { out: string; tasks: string; rollouts: string; json?: boolean },
): Promise<void> {
  const started = Date.now()
  const directory = path.join(packageRoot, 'examples')
  const config = resize(
    await readRunFile(path.join(directory, 'demo.yaml')),
    wholeNumber(options.tasks, '--tasks', 1),
    wholeNumber(options.rollouts, '--rollouts', 1),
  )
  const prepared = await prepareRun(config, directory)
  await usingStore(options, async (store) => {
    heading('1', `the store is ${store.location}${store.embedded ? ' (PostgreSQL, started by Descent)' : ''}`)
    heading('2', 'collecting with scripted policies and real Python in the sandbox')
    const interrupted = await store.findInterrupted(prepared.configHash)
    if (interrupted) say(`   taking up the interrupted run ${interrupted.id}`)
    const summary = await collectRun(store, prepared, interrupted, {})
    say(summaryText(summary))
    heading('3', 'exporting training sets')
    const sets = []
    for (const recipe of recipeNames) {
      const target = path.resolve(options.out, recipe)
      const exported = await exportDataset({
        store,
        runIds: [summary.id],
        recipe,
        directory: target,
        codec: 'zstd',
        onlyAnswered: false,
        evalFraction: 0.2,
        seed: 0,
        maxShardBytes: 500 * 2 ** 20,
      })
      sets.push({ recipe, directory: target, ...exported })
    }
    const files = sets.flatMap((set) =>
      set.files.map((file) => [
        path.join(path.relative('.', set.directory), file.path),
        String(file.rows),
        formatBytes(file.bytes),
      ]),
    )
    say(formatTable(['file', 'rows', 'size'], files))
    if (options.json)
      printJson({
        runId: summary.id,
        trajectories: summary.trajectories,
        done: summary.done,
        failed: summary.failed,
        meanReward: summary.meanReward,
        costUsd: summary.costUsd,
        datasets: sets.map(({ recipe, directory: target, rows }) => ({ recipe, directory: target, rows })),
      })
    say(`\n${styleText('green', 'Done')} in ${formatDuration(Date.now() - started)}.\n`)
    say(nextSteps(summary))
  })
}

function resize(config: RunConfig, tasks: number, rollouts: number): RunConfig {
  if (typeof config.tasks === 'string') return { ...config, rollouts }
  return {
    ...config,
    rollouts,
    tasks: { ...config.tasks, options: { ...config.tasks.options, count: tasks } },
  }
}

function heading(number: string, text: string): void {
  say(`${styleText('bold', number)}  ${text}`)
}

function nextSteps(summary: RunSummary): string {
  return [
    'What now:',
    '  npx descent serve                     the traces, in the browser',
    `  npx descent list ${summary.id.slice(-8)}             the same in the terminal; then show ID`,
    '  npx descent doctor my-run.yaml        is this machine fit for my own run?',
    '  npx descent collect my-run.yaml       my own model: start from examples/openai.yaml',
  ].join('\n')
}

// The whole way from a store to Parquet: `node test/bench/export-path.ts [ROWS] [RECIPE]`. A store is filled,
// then exported; each stage also runs alone, so that the table says where the time goes: selecting,
// reading trees, making rows and batches of them, encoding and writing.
import { groupMean } from '../../src/datasets/advantages.ts'
import { createBatchBuilder } from '../../src/datasets/arrow.ts'
import { parseChoice } from '../../src/datasets/choice.ts'
import { exportDataset, type ExportProgress, findRecipe } from '../../src/datasets/index.ts'
import { makeRows, unitsOf } from '../../src/datasets/make-rows.ts'
import { createReadAhead } from '../../src/datasets/read-ahead.ts'
import { parseRecipeOptions } from '../../src/datasets/recipe-options.ts'
import { type Selected, selectTrajectories } from '../../src/datasets/selection.ts'
import { removeDirectory } from '../support/directory.ts'
import { fillStore } from './export-store.ts'

const rows = Number(process.argv[2] ?? 50_000)
const recipe = findRecipe(process.argv[3] ?? 'sft-turns')
const { store, runId, place } = await fillStore(rows, recipe.needsTokens ? 1200 : 0)
try {
  const run = await store.findRun(runId)
  const criteria = { statuses: recipe.statuses, threshold: 0.5, where: [], choice: parseChoice('all') }
  let selected: Selected[] = []
  const stages: { name: string; seconds: number; cpuSeconds: number }[] = []
  async function stage(name: string, work: () => Promise<void>): Promise<void> {
    const start = performance.now()
    const cpu = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(cpu)
    stages.push({ name, seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 })
  }
  await stage('select', async () => {
    ;({ selected } = await selectTrajectories(store, [run], criteria))
  })
  await stage('read trees', async () => {
    const source = createReadAhead(store, selected, { withTokens: recipe.needsTokens ?? false })
    for (const { id } of selected) {
      await source.readTrajectory(id)
      if (recipe.needsTokens) await source.readTokens(id)
    }
  })
  await stage('read trees, make rows and Arrow batches', async () => {
    const builder = createBatchBuilder(recipe.schema)
    const job = {
      store,
      source: createReadAhead(store, selected, { withTokens: recipe.needsTokens ?? false }),
      recipe,
      options: parseRecipeOptions(recipe, {}),
      threshold: 0.5,
      dropSingleTurn: false,
      contexts: { place: () => Promise.resolve({ path: null, text: null }), files: [] },
      tokenizer: null,
      advantages: groupMean.compute,
      signal: undefined,
    }
    for (const unit of unitsOf(recipe, selected)) {
      await makeRows(job, unit, 'train', (row) => {
        builder.append(row, builder.measure(row))
        if (builder.rows >= 512 || builder.bytes > 4 * 1024 * 1024) builder.finish()
        return Promise.resolve()
      })
    }
  })
  let progress: ExportProgress | undefined
  await stage('the whole export', async () => {
    await exportDataset({
      store,
      runIds: [runId],
      recipe: recipe.name,
      directory: `${place}/out`,
      onProgress: (now) => (progress = now),
    })
  })
  const { rows: made = 0, bytes = 0 } = progress ?? {}
  console.log(`${recipe.name}: ${made} rows, ${(bytes / 1e6).toFixed(0)} MB, ${selected.length} trajectories`)
  for (const { name, seconds, cpuSeconds } of stages) {
    console.log(
      `${name.padEnd(42)}${seconds.toFixed(2).padStart(8)} s ${cpuSeconds.toFixed(2).padStart(7)} CPU s ` +
        `${(bytes / 1e6 / seconds).toFixed(0).padStart(5)} MB/s ${(made / seconds).toFixed(0).padStart(7)} rows/s`,
    )
  }
  console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`)
} finally {
  await store.close()
  await removeDirectory(place)
}

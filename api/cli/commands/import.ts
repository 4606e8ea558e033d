// `descent import FILE_OR_DIR...`: logs of the reference implementation become runs.
import { importLogs, type ImportResult } from '../../../collectors/import/index.ts'
import { shortId } from '../../../src/ids.ts'
import { formatCount } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

interface ImportCommandOptions extends StoreOption {
  name?: string
  skipBadRows?: boolean
  json?: boolean
}

export async function importCommand(paths: string[], options: ImportCommandOptions): Promise<void> {
  const { name, skipBadRows = false } = options
  const interrupt = onInterrupt()
  try {
    await usingStore(options, async (store) => {
      const result = await importLogs({
        store,
        paths,
        skipBadRows,
        signal: interrupt.signal,
        ...(name === undefined ? {} : { name }),
        onTrajectory(stored) {
          if (stored % 500 === 0) say(`${formatCount(stored)} trajectories`)
        },
      })
      tell(result)
      if (options.json) printJson(summaryOf(result))
    })
  } finally {
    interrupt.dispose()
  }
}

function tell({ runs, known, skipped }: ImportResult): void {
  for (const { runId, model, trajectories } of runs)
    say(`run ${runId}\n    ${formatCount(trajectories)} trajectories of ${model}`)
  for (const { path, runId } of known) say(`${path}: imported already, in run …${shortId(runId)}; left out`)
  if (skipped.count > 0) say(`${skipped.count} bad rows left out: ${skipped.examples.join('; ')}`)
  if (runs.length === 0 && known.length === 0) say('there is no completion in these logs')
}

function summaryOf({ runs, files, known, skipped }: ImportResult) {
  return {
    runs,
    trajectories: runs.reduce((sum, run) => sum + run.trajectories, 0),
    files,
    filesKnown: known.length,
    skippedRows: skipped.count,
  }
}

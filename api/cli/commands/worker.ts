// `descent worker`: runs rollouts of queued runs, beside other workers on other machines, until Ctrl-C.
import { openQueue } from '../../../collectors/queue.ts'
import { work } from '../../../collectors/worker.ts'
import { environment } from '../../../src/env.ts'
import { DescentError, UsageError } from '../../../src/errors.ts'
import { shortId } from '../../../src/ids.ts'
import { isServerUrl } from '../../../src/store/index.ts'
import { openWorkedRun } from '../../worked-run.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../numbers.ts'
import { say, usingStore, type StoreOption } from '../store-option.ts'

interface WorkerCommandOptions extends StoreOption {
  concurrency: string
}

export async function workerCommand(options: WorkerCommandOptions): Promise<void> {
  const concurrency = wholeNumber(options.concurrency, '--concurrency', 1)
  const url = options.store ?? environment.store ?? './.descent'
  if (!isServerUrl(url))
    throw new UsageError(
      `--store ${url}: workers share a PostgreSQL server: give postgres://user:password@host:5432/database`,
    )
  await usingStore(options, async (store) => {
    const queue = await openQueue(url, tell)
    const interrupt = onInterrupt()
    say(`working on queued runs of ${store.location}, ${concurrency} rollouts at once; Ctrl-C ends it`)
    try {
      await work({
        store,
        queue,
        concurrency,
        signal: interrupt.signal,
        openRun: async (runId) => await openWorkedRun(store, runId, process.cwd()),
        onEnd({ runId, trajectoryId, end }) {
          const why = end.error ? `: ${end.error.message}` : ''
          say(
            `run ${shortId(runId)}: trajectory ${shortId(trajectoryId)} ${end.status} (${end.stopReason})${why}`,
          )
        },
        onError: tell,
      })
    } finally {
      interrupt.dispose()
      await queue.close()
    }
  })
  process.exitCode = 130
}

function tell(error: unknown): void {
  const unexpected = error instanceof Error && !(error instanceof DescentError)
  say(`descent worker: ${unexpected ? error.stack : error instanceof Error ? error.message : String(error)}`)
}

// `descent serve`: the API and the trace browser, until Ctrl-C. Jobs that were started through it are paused
// then, and can be taken up.
import { openJobs } from '../../http/jobs.ts'
import { serve } from '../../http/serve.ts'
import { DescentError } from '../../../src/errors.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../numbers.ts'
import { say, usingStore, type StoreOption } from '../store-option.ts'

export async function serveCommand(options: StoreOption & { port: string; host: string }): Promise<void> {
  const port = wholeNumber(options.port, '--port')
  await usingStore(options, async (store) => {
    const jobs = openJobs(store, process.cwd(), tell)
    const server = await serve({ store, host: options.host, port, jobs, onError: tell })
    const interrupt = onInterrupt()
    say(`the trace browser: ${server.url}\nthe API: ${server.url}/openapi.json\nCtrl-C ends it`)
    await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()))
    interrupt.dispose()
    await server.close()
    await jobs.close()
  })
  process.exitCode = 130
}

function tell(error: unknown): void {
  const unexpected = error instanceof Error && !(error instanceof DescentError)
  say(`descent serve: ${unexpected ? error.stack : error instanceof Error ? error.message : String(error)}`)
}

// `descent serve`: the API and the trace browser, until Ctrl-C. Jobs that were started through it are paused
// then, and can be taken up.
import { openJobs } from '../../http/jobs.ts'
import { openProxy } from '../../http/proxy/index.ts'
import { serve } from '../../http/serve.ts'
import { environmentValue } from '../../../src/env.ts'
import { DescentError, UsageError } from '../../../src/errors.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../numbers.ts'
import { say, usingStore, type StoreOption } from '../store-option.ts'

export interface ServeCommandOptions extends StoreOption {
  port: string
  host: string
  proxyTo?: string
  proxyKeyEnv?: string
}

export async function serveCommand(options: ServeCommandOptions): Promise<void> {
  const port = wholeNumber(options.port, '--port')
  const upstream = upstreamOf(options)
  await usingStore(options, async (store) => {
    const jobs = openJobs(store, process.cwd(), tell)
    const proxy = upstream && openProxy(store, upstream, tell)
    const server = await serve({ store, host: options.host, port, jobs, proxy, onError: tell })
    const interrupt = onInterrupt()
    say(`the trace browser: ${server.url}\nthe API: ${server.url}/openapi.json\nCtrl-C ends it`)
    await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()))
    interrupt.dispose()
    await server.close()
    await proxy?.close()
    await jobs.close()
  })
  process.exitCode = 130
}

/** Errors raised: UsageError for an address that is none, and a key that is not set. */
function upstreamOf({ proxyTo, proxyKeyEnv }: ServeCommandOptions) {
  if (proxyTo === undefined) return null
  if (!/^https?:$/.test(URL.canParse(proxyTo) ? new URL(proxyTo).protocol : ''))
    throw new UsageError(`--proxy-to: "${proxyTo}" is no address such as http://127.0.0.1:8000/v1`)
  const key = proxyKeyEnv === undefined ? null : (environmentValue(proxyKeyEnv) ?? '')
  if (key === '') throw new UsageError(`--proxy-key-env: the variable ${proxyKeyEnv} is not set`)
  return { url: proxyTo, key }
}

function tell(error: unknown): void {
  const unexpected = error instanceof Error && !(error instanceof DescentError)
  say(`descent serve: ${unexpected ? error.stack : error instanceof Error ? error.message : String(error)}`)
}

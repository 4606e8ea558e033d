// `descent serve`: the API and the trace browser, until Ctrl-C. Jobs that were started through it are paused
// then, and can be taken up.
import path from 'node:path'
import type { Queue } from '../../../collectors/queue.ts'
import { openExports } from '../../http/exports.ts'
import { openJobs } from '../../http/jobs.ts'
import { openProxy } from '../../http/proxy/index.ts'
import { openRlm, type Rlm } from '../../http/rlm/index.ts'
import { serve } from '../../http/serve.ts'
import { environment, environmentValue } from '../../../src/env.ts'
import { DescentError, UsageError } from '../../../src/errors.ts'
import { isServerUrl } from '../../../src/store/index.ts'
import type { Store } from '../../../src/store/contract.ts'
import { checkModels, prepareServed, type PreparedRun } from '../../compose.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../numbers.ts'
import { say, usingStore, type StoreOption } from '../store-option.ts'

export interface ServeCommandOptions extends StoreOption {
  port: string
  host: string
  datasets?: string
  proxyTo?: string
  proxyKeyEnv?: string
  rlm?: string[]
}

export async function serveCommand(options: ServeCommandOptions): Promise<void> {
  const port = wholeNumber(options.port, '--port')
  const upstream = upstreamOf(options)
  const prepared = await Promise.all((options.rlm ?? []).map(prepareServed))
  await usingStore(options, async (store) => {
    const jobs = openJobs(store, process.cwd(), tell, queueOf(options))
    const exports = openExports(store, datasetsDirectory(options), tell)
    const proxy = upstream && openProxy(store, upstream, tell)
    const interrupt = onInterrupt()
    const rlm = await openRlms(store, prepared, interrupt.signal)
    try {
      const server = await serve({
        store,
        host: options.host,
        port,
        jobs,
        exports,
        proxy,
        rlm,
        onError: tell,
      })
      say(`the trace browser: ${server.url}\nthe API: ${server.url}/openapi.json`)
      for (const { id } of rlm?.models ?? []) say(`the RLM "${id}": ${server.url}/v1/chat/completions`)
      say('Ctrl-C ends it')
      await interrupted(interrupt.signal)
      interrupt.dispose()
      // While it still listens, those who wait are told why they get no answer.
      await rlm?.close()
      await server.close()
    } finally {
      await rlm?.close()
      await proxy?.close()
      await exports.close()
      await jobs.close()
    }
  })
  process.exitCode = 130
}

/** Where datasets are made that the API is asked for: beside an embedded store, else in this directory. */
function datasetsDirectory({
  datasets,
  store = environment.store ?? './.descent',
}: ServeCommandOptions): string {
  return path.resolve(datasets ?? (isServerUrl(store) ? 'datasets' : path.join(store, 'datasets')))
}

/** Workers share a PostgreSQL server; an embedded store has none. */
function queueOf({ store = environment.store ?? '' }: ServeCommandOptions): (() => Promise<Queue>) | null {
  if (!isServerUrl(store)) return null
  return async () => await (await import('../../../collectors/queue.ts')).openQueue(store, tell)
}

async function openRlms(store: Store, prepared: PreparedRun[], signal: AbortSignal): Promise<Rlm | null> {
  if (prepared.length === 0) return null
  for (const one of prepared) await checkModels(one, signal)
  return await openRlm(store, prepared, tell)
}

async function interrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
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

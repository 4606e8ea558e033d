// The recording proxy: sessions by name, each a run; one that is silent for long has ended.
import { DescentError } from '../../../src/errors.ts'
import type { Store } from '../../../src/store/contract.ts'
import { openProxySession, type Exchange, type ProxySession } from './session.ts'
import { forward, type Upstream } from './upstream.ts'

export interface Proxy {
  /** Errors raised: TypeError when the server behind cannot be reached. */
  complete(session: string, body: Record<string, unknown>, signal: AbortSignal): Promise<Response>
  /** The run of a session that is ended now; null when there is none of this name. */
  end(session: string): Promise<{ runId: string; trajectoryId: string } | null>
  close(): Promise<void>
}

const idleMilliseconds = 15 * 60_000
const mostSessions = 500

interface Entry {
  opened: Promise<ProxySession>
  timer: ReturnType<typeof setTimeout>
}

export function openProxy(
  store: Store,
  upstream: Upstream,
  onError: (error: unknown) => void = () => {},
): Proxy {
  const sessions = new Map<string, Entry>()

  function sessionOf(name: string, model: string): Promise<ProxySession> {
    const known = sessions.get(name)
    if (known) {
      known.timer.refresh()
      return known.opened
    }
    if (sessions.size >= mostSessions) {
      throw new DescentError('usage', 'too_many_sessions', `At most ${mostSessions} sessions at once.`)
    }
    const opened = openProxySession(store, name, model)
    const timer = setTimeout(() => void end(name).catch(onError), idleMilliseconds)
    timer.unref()
    sessions.set(name, { opened, timer })
    opened.catch(() => sessions.delete(name))
    return opened
  }

  async function end(name: string) {
    const entry = sessions.get(name)
    if (!entry) return null
    sessions.delete(name)
    clearTimeout(entry.timer)
    const session = await entry.opened
    await session.end()
    return { runId: session.runId, trajectoryId: session.trajectoryId }
  }

  return {
    async complete(name, body, signal) {
      const session = await sessionOf(name, typeof body['model'] === 'string' ? body['model'] : '')
      // What cannot be recorded is told to the log; the harness gets its answer all the same.
      const record = async (exchange: Exchange) => await session.record(exchange).catch(onError)
      return await forward(upstream, body, signal, record)
    },
    end,
    async close() {
      await Promise.all([...sessions.keys()].map((name) => end(name).catch(onError)))
    },
  }
}

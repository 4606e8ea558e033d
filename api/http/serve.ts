// Listens: on loopback, or elsewhere where the store has an access token.
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { UsageError } from '../../src/errors.ts'
import { createApp } from './app.ts'
import type { AppOptions } from './app.ts'
import { keepSearchIndexed } from './index-search.ts'
import type { ApiStore } from './read-store.ts'
import { isLoopback } from './security.ts'

export interface ServeOptions extends AppOptions {
  store: ApiStore
  /** A name or address; one that is not of loopback needs an access token in the store. */
  host: string
  /** 0 for any free port. */
  port: number
}

export interface RunningServer {
  url: string
  /** Stops listening and drops open connections. The store stays open. */
  close(): Promise<void>
}

/** Serves the API and the trace browser. Throws UsageError for an open bind without tokens, a port in use. */
export async function serve({ store, host, port, ...options }: ServeOptions): Promise<RunningServer> {
  const open = !isLoopback(host)
  if (open && (await store.validTokens()).length === 0) {
    throw new UsageError(
      `host ${host}: others could reach it, so a token is needed first: make one with "descent token create NAME --scope admin"; without one only 127.0.0.1, ::1 and localhost are allowed`,
      { code: 'token_needed' },
    )
  }
  const hostname = host.replace(/^\[(.*)\]$/, '$1')
  const server = createAdaptorServer({ fetch: createApp(store, { ...options, open }).fetch })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, hostname, port)))
    server.listen(port, hostname, resolve)
  })
  const address = server.address() as AddressInfo
  const name = hostname.includes(':') ? `[${hostname}]` : hostname
  const closing = new AbortController()
  const indexing = keepSearchIndexed(store, closing.signal, options.onError)
  return {
    url: `http://${name}:${address.port}`,
    async close() {
      closing.abort()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
      await indexing
    },
  }
}

function listenError(error: Error & { code?: string }, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new UsageError(
      `port ${port} of ${host} is in use: choose another with --port, or --port 0 for any free one`,
      { code: 'port_in_use', cause: error },
    )
  }
  if (error.code === 'EACCES') {
    return new UsageError(`port ${port} needs privileges: choose one above 1023 with --port`, {
      code: 'port_forbidden',
      cause: error,
    })
  }
  return error
}

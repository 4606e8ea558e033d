// Connections. Invariants: every socket has TCP_NODELAY (without it each COPY and each big insert waits
// for a delayed acknowledgement); no environment variable decides where a connection goes; a connect that
// fails rejects its query (the socket is handed over before it is connected, so the driver sees it close).
import net from 'node:net'
import postgres from 'postgres'

/** Where a server is. The embedded server's port changes when it is started again. */
export interface Target {
  /** Given by a person; null for the embedded server. */
  url: string | null
  host: string
  port: number
  user: string
  password: string
  database: string
}

export type Sql = postgres.Sql
/** A client, or a transaction of one. */
export type Session = postgres.ISql

export interface ClientOptions {
  max: number
  /** Shown in pg_stat_activity. */
  name?: string
  /** Seconds. */
  connectTimeout?: number
  onclose?: () => void
}

export function openClient(target: Target, options: ClientOptions): Sql {
  const settings = {
    max: options.max,
    connect_timeout: options.connectTimeout ?? 10,
    fetch_types: false,
    onnotice: () => {},
    onclose: options.onclose,
    connection: { application_name: options.name ?? 'descent', TimeZone: 'UTC' },
  }
  if (target.url === null) {
    const { user, password, database, host, port } = target
    const socket = () => connectTo(target.host, target.port)
    const all = { ...settings, host, port, user, password, database, ssl: false, socket }
    return postgres(all)
  }
  const several = target.host.includes(',')
  const socket = (parsed: { host: string[]; port: number[]; path?: string | false }) =>
    parsed.path
      ? net.connect(parsed.path)
      : connectTo(parsed.host[0] ?? target.host, parsed.port[0] ?? target.port)
  const all = several ? settings : { ...settings, socket }
  return postgres(target.url, all)
}

/** The first byte of all that a PostgreSQL server may say first: authentication, error, notice or TLS. */
const firstBytes = new Set(Buffer.from('RENS'))

/** TLS takes the server's name from the socket's `host`. */
function connectTo(host: string, port: number): net.Socket {
  const socket = net.connect({ host, port, noDelay: true })
  let heard = false
  socket.once('data', (data: Buffer) => {
    heard = true
    if (!firstBytes.has(data[0] ?? 0))
      socket.destroy(failure('NOT_POSTGRES', 'something else than PostgreSQL answers'))
  })
  // The driver takes such an end for a reason to connect again, at once and for ever.
  socket.once('end', () => {
    if (!heard) socket.destroy(failure('ECONNRESET', 'the connection was closed before a word was said'))
  })
  return Object.assign(socket, { host, port })
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Ends a client within a second, whatever it is doing. */
export async function endClient(client: Sql | null | undefined): Promise<void> {
  await client?.end({ timeout: 1 }).catch(() => {})
}

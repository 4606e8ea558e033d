// A local server that answers as the Hub does for one data set: the tree of its files, and the files
// themselves by ranges; it can ask for a token and break off downloads.
import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Hub {
  url: string
  requests(): { path: string; range: string | undefined }[]
  /** Bytes of files, without the first byte that a client asks for to learn the size. */
  sentBytes(): number
  sizeOf(file: string): number
  put(file: string, data: Buffer): void
  /** The next `times` downloads break off after this share of the file. */
  breakAfter(share: number, times: number): void
  requireToken(token: string): void
  reset(): void
  close(): Promise<void>
}

export async function startHub(repo: string, contents: Record<string, Buffer>): Promise<Hub> {
  const files = new Map(Object.entries(contents))
  let requests: { path: string; range: string | undefined }[] = []
  let sent = 0
  let breaks = { share: 1, times: 0 }
  let token: string | null = null

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://hub').pathname
    const { range, authorization } = request.headers
    requests.push({ path, range })
    if (token !== null && authorization !== `Bearer ${token}`) return refuse(response, 401)
    if (path === `/api/datasets/${repo}/tree/main`) return sendJson(response, tree())
    const name = path.startsWith(`/datasets/${repo}/resolve/main/`)
      ? path.slice(`/datasets/${repo}/resolve/main/`.length)
      : ''
    const data = files.get(name)
    if (!data) return refuse(response, 404)
    const [, from = '0', to = String(data.length - 1)] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? []
    const wanted = data.subarray(Number(from), Number(to) + 1)
    response.writeHead(range ? 206 : 200, {
      'content-length': wanted.length,
      etag: `"${oidOf(data)}"`,
      ...(range ? { 'content-range': `bytes ${from}-${to}/${data.length}` } : {}),
    })
    if (range === 'bytes=0-0') return void response.end(wanted)
    if (breaks.times > 0) {
      breaks.times -= 1
      const part = wanted.subarray(0, Math.floor(wanted.length * breaks.share))
      sent += part.length
      response.write(part, () => setTimeout(() => response.destroy(), 50))
      return
    }
    sent += wanted.length
    response.end(wanted)
  })

  function tree() {
    return [...files].map(([path, data]) => {
      const isLarge = path.endsWith('.parquet')
      const oid = createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex')
      const lfs = { oid: oidOf(data), size: data.length, pointerSize: 134 }
      return { type: 'file', path, size: data.length, oid, ...(isLarge ? { lfs } : {}) }
    })
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    sentBytes: () => sent,
    sizeOf: (file) => files.get(file)?.length ?? 0,
    put: (file, data) => void files.set(file, data),
    breakAfter: (share, times) => (breaks = { share, times }),
    requireToken: (wanted) => (token = wanted),
    reset() {
      requests = []
      sent = 0
      breaks = { share: 1, times: 0 }
      token = null
    },
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function oidOf(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: status === 401 ? 'Invalid credentials' : 'Not found' }))
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

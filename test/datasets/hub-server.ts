// A local server that takes pushes as the Hub does: repositories, preupload, LFS batches with uploads by
// PUT, and commits of several files at once. What it gets is checked against its hash.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface PushHub {
  url: string
  files: Map<string, Buffer>
  /** Null until the repository is made. */
  visibility: string | null
  commits: string[][]
  /** Bytes of large files that were received whole. */
  received: number
  /** The n-th upload of a large file from now breaks off. */
  breakUpload(count: number): void
  close(): Promise<void>
}

const repo = 'some/set'
const token = 'hf_test'

export async function startPushHub(): Promise<PushHub> {
  const objects = new Map<string, Buffer>()
  let breakAt = 0
  const state: PushHub = {
    url: '',
    files: new Map(),
    visibility: null,
    commits: [],
    received: 0,
    breakUpload: (count) => (breakAt = count),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://hub').pathname
    const { method = 'GET', headers } = request
    if (path.startsWith('/upload/')) return await takeObject(path.slice('/upload/'.length), request, response)
    const body = (await bodyOf(request)).toString()
    if (headers.authorization !== `Bearer ${token}`) return send(response, 401, { error: 'Invalid token' })
    if (path === '/api/repos/create') {
      const wanted = JSON.parse(body) as { visibility?: string; private?: boolean; name: string }
      state.visibility = wanted.visibility ?? (wanted.private ? 'private' : 'public')
      return send(response, 200, { url: `${state.url}/datasets/${repo}`, id: repo })
    }
    if (state.visibility === null) return send(response, 404, { error: 'Repository not found' })
    if (path === `/api/datasets/${repo}`) return send(response, 200, { id: repo, private: true })
    if (path.startsWith(`/api/datasets/${repo}/tree/main`)) return send(response, 200, tree())
    if (path === `/api/datasets/${repo}/preupload/main`) {
      const { files } = JSON.parse(body) as { files: { path: string }[] }
      const modeOf = (name: string) => (name.endsWith('.parquet') ? 'lfs' : 'regular')
      return send(response, 200, {
        files: files.map((file) => ({ path: file.path, uploadMode: modeOf(file.path), shouldIgnore: false })),
      })
    }
    if (path === `/datasets/${repo}.git/info/lfs/objects/batch`) {
      const { objects: wanted } = JSON.parse(body) as { objects: { oid: string; size: number }[] }
      return send(response, 200, {
        transfer: 'basic',
        objects: wanted.map(({ oid, size }) => ({
          oid,
          size,
          ...(objects.has(oid) ? {} : { actions: { upload: { href: `${state.url}/upload/${oid}` } } }),
        })),
      })
    }
    if (path === `/api/datasets/${repo}/commit/main` && method === 'POST') return takeCommit(body, response)
    return send(response, 404, { error: `no ${path}` })
  }

  async function takeObject(oid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (breakAt > 0) {
      breakAt -= 1
      if (breakAt === 0) return void request.destroy()
    }
    const bytes = await bodyOf(request)
    if (createHash('sha256').update(bytes).digest('hex') !== oid)
      return send(response, 400, { error: 'hash' })
    objects.set(oid, bytes)
    state.received += bytes.length
    send(response, 200, {})
  }

  function takeCommit(body: string, response: ServerResponse): void {
    const changed: string[] = []
    for (const line of body.trim().split('\n')) {
      const { key, value } = JSON.parse(line) as { key: string; value: Record<string, string> }
      const path = value['path'] ?? ''
      if (key === 'header') continue
      changed.push(path)
      if (key === 'deletedFile') state.files.delete(path)
      if (key === 'file')
        state.files.set(path, Buffer.from(value['content'] ?? '', value['encoding'] as 'base64'))
      if (key !== 'lfsFile') continue
      const bytes = objects.get(value['oid'] ?? '')
      if (!bytes) return send(response, 400, { error: `${path} was never uploaded` })
      state.files.set(path, bytes)
    }
    state.commits.push(changed)
    send(response, 200, { commitOid: 'a'.repeat(40), commitUrl: state.url, hookOutput: '' })
  }

  function tree() {
    return [...state.files].map(([path, data]) => {
      const sha1 = createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex')
      const sha256 = createHash('sha256').update(data).digest('hex')
      const large = path.endsWith('.parquet')
      const lfs = { oid: sha256, size: data.length, pointerSize: 134 }
      return { type: 'file', path, size: data.length, oid: sha1, ...(large ? { lfs } : {}) }
    })
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return state
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

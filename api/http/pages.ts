// The built pages of the trace browser. They are few and small: all are held in memory, so that no
// address of a request ever becomes a path on disk.
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context } from 'hono'
import { notFound } from './problem.ts'

interface Page {
  body: Uint8Array<ArrayBuffer>
  type: string
}

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Where `vite build` puts the pages, seen from the sources and from the built package. */
export function defaultWebDirectory(): string {
  const candidates = ['../../dist/web', '../../web'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  return candidates.find((path) => existsSync(join(path, 'index.html'))) ?? candidates[0] ?? ''
}

async function readPages(directory: string): Promise<Map<string, Page> | null> {
  if (!existsSync(join(directory, 'index.html'))) return null
  const pages = new Map<string, Page>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    const address = `/${relative(directory, path).split(sep).join('/')}`
    pages.set(address, { body: new Uint8Array(await readFile(path)), type })
  }
  return pages
}

/** Answers with a built file, or with the page that finds its own way from any other address. */
export function pageHandler(directory: string | null): (context: Context) => Promise<Response> {
  let pages: Promise<Map<string, Page> | null> | null = null
  return async (context) => {
    const { path } = context.req
    const isRead = context.req.method === 'GET' || context.req.method === 'HEAD'
    if (directory === null || !isRead || path.startsWith('/v1/') || path === '/v1') return notFound()
    pages ??= readPages(directory)
    const built = await pages
    if (built === null) {
      pages = null
      return context.text('The trace browser is not built yet: run `npm run build:web`, then reload.\n', 404)
    }
    const isAsset = path.startsWith('/assets/')
    const page = built.get(path) ?? (isAsset ? undefined : built.get('/index.html'))
    if (!page) return notFound()
    return context.body(page.body, 200, {
      'content-type': page.type,
      'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
  }
}

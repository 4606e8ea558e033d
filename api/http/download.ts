// Sends a file of a dataset. Its path comes from the stored record only, must lie inside the
// dataset's directory after all links are followed, and the same opened file is checked and sent.
import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { basename, extname, isAbsolute, relative, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { HttpProblem } from './problem.ts'
import { parseRange } from './range.ts'

const contentTypes: Record<string, string> = {
  '.json': 'application/json',
  '.jsonl': 'application/jsonl',
  '.md': 'text/markdown; charset=utf-8',
  '.parquet': 'application/vnd.apache.parquet',
  '.svg': 'image/svg+xml',
}

export function isInside(directory: string, path: string): boolean {
  const from = relative(directory, path)
  return from !== '' && from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from)
}

/**
 * The real path of `path` within `directory`, itself within one of `roots` when these are given.
 * Throws a 404 problem where it is missing or leads outside.
 */
export async function locateFile(directory: string, path: string, roots?: string[]): Promise<string> {
  const folder = await realPathOrNull(directory)
  const file = await realPathOrNull(resolve(directory, path))
  if (folder === null || file === null) {
    throw new HttpProblem(404, 'file_missing', 'The file is no longer where it was exported to.')
  }
  const realRoots = roots && (await Promise.all(roots.map(realPathOrNull)))
  const allowed =
    !realRoots || realRoots.some((root) => root !== null && (root === folder || isInside(root, folder)))
  if (!allowed || !isInside(folder, file)) {
    throw new HttpProblem(404, 'file_outside', "The file lies outside the dataset's directory.")
  }
  return file
}

async function realPathOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path)
  } catch {
    return null
  }
}

/** The file, or the part of it that `request` asks for. Throws HttpProblem (404, 416). */
export async function sendFile(path: string, request: Request): Promise<Response> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  let streaming = false
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new HttpProblem(404, 'file_missing', 'What is stored there is not a file.')
    const etag = `"${stat.size.toString(16)}-${Math.trunc(stat.mtimeMs).toString(16)}"`
    const condition = request.headers.get('if-range')
    const asked = condition === null || condition === etag ? request.headers.get('range') : null
    const range = parseRange(asked ?? undefined, stat.size)
    if (range === 'unsatisfiable') {
      const headers = { 'content-range': `bytes */${stat.size}` }
      throw new HttpProblem(416, 'range_not_satisfiable', `The file has ${stat.size} bytes.`, headers)
    }
    const length = range ? range.end - range.start + 1 : stat.size
    const headers = new Headers({
      'accept-ranges': 'bytes',
      'content-disposition': attachment(basename(path)),
      'content-length': String(length),
      'content-type': contentTypes[extname(path)] ?? 'application/octet-stream',
      etag,
    })
    if (range) headers.set('content-range', `bytes ${range.start}-${range.end}/${stat.size}`)
    const status = range ? 206 : 200
    if (request.method === 'HEAD' || length === 0) return new Response(null, { status, headers })
    streaming = true
    const stream = handle.createReadStream(range ?? {})
    return new Response(Readable.toWeb(stream) as ReadableStream, { status, headers })
  } finally {
    if (!streaming) await handle.close()
  }
}

/** A Content-Disposition (RFC 6266) that holds for any file name. */
function attachment(name: string): string {
  const plain = name.replaceAll(/[^\w.-]/g, '_')
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

// A dataset to the Hugging Face Hub, by the Hub's own client. Files that are there already, by size and
// hash, are not sent again, so a push that broke off goes on where it was; the card and the manifest come
// last, so that a repository with a manifest holds all that it names.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DescentError, UsageError } from '../errors.ts'
import { manifestKind } from './directory.ts'

export interface PushOptions {
  /** A complete export. */
  directory: string
  /** `owner/name`. */
  repo: string
  token: string
  /** Of the Hub; that of huggingface.co when not given. */
  endpoint?: string
  branch?: string
  /** Of a repository that is made; one that is there keeps its own. */
  visibility?: 'private' | 'public'
  signal?: AbortSignal
  onNotice?: (text: string) => void
}

export interface PushResult {
  url: string
  sent: string[]
  /** Files that were there already. */
  kept: string[]
  /** Files of an earlier export that were removed. */
  removed: string[]
}

interface LocalFile {
  path: string
  bytes: number
  sha256: string
}

/** Files of one commit: few, so that little is lost when a push breaks off. */
const filesPerCommit = 8
const ours = /^(?:data\/|contexts\/|card\/|audit\.jsonl$)/
const lastFiles = ['README.md', 'manifest.json']

/**
 * Errors raised: UsageError for a directory that is not a whole export, a repository name that is none, and
 * a token that may not write there; else a DatasetError `push` with what the Hub said.
 */
export async function pushDataset(options: PushOptions): Promise<PushResult> {
  const { repo: name, token, endpoint, branch = 'main', visibility = 'private', signal, onNotice } = options
  if (!/^[\w.-]+\/[\w.-]+$/.test(name)) {
    throw new UsageError(`push: "${name}" is not a repository: name it as owner/name.`)
  }
  if (!token.startsWith('hf_')) {
    throw new UsageError(
      'push: the token is none of the Hub, which begin with hf_. Name the variable that holds one.',
    )
  }
  const directory = resolve(options.directory)
  const files = await filesOf(directory)
  const hub = await import('@huggingface/hub')
  const repo = { type: 'dataset', name } as const
  const common = { repo, accessToken: token, ...(endpoint === undefined ? {} : { hubUrl: endpoint }) }
  try {
    if (!(await hub.repoExists(common))) {
      await hub.createRepo({ ...common, visibility })
      onNotice?.(`made the ${visibility} dataset ${name}`)
    }
    const there = new Map<string, { size: number; oid: string | undefined; sha256: string | undefined }>()
    for await (const { type, path, size, oid, lfs } of hub.listFiles({
      ...common,
      recursive: true,
      revision: branch,
    })) {
      if (type === 'file') there.set(path, { size: lfs?.size ?? size, oid, sha256: lfs?.oid })
    }
    const sent: string[] = []
    const kept: string[] = []
    let waiting: LocalFile[] = []
    const commit = async (batch: LocalFile[], removed: string[] = []) => {
      if (batch.length + removed.length === 0) return
      signal?.throwIfAborted()
      await hub.commit({
        ...common,
        branch,
        title: `Descent: ${batch
          .map(({ path }) => path)
          .join(', ')
          .slice(0, 60)}`,
        operations: [
          ...batch.map(({ path }) => ({
            operation: 'addOrUpdate' as const,
            path,
            content: pathToFileURL(join(directory, path)),
          })),
          ...removed.map((path) => ({ operation: 'delete' as const, path })),
        ],
        ...(signal ? { abortSignal: signal } : {}),
      })
      sent.push(...batch.map(({ path }) => path))
      onNotice?.(`${sent.length + kept.length} of ${files.length} files are there`)
    }
    for (const file of files.filter(({ path }) => !lastFiles.includes(path))) {
      const known = there.get(file.path)
      if (known && (await isSame(directory, file, known))) kept.push(file.path)
      else waiting.push(file)
      if (waiting.length < filesPerCommit) continue
      await commit(waiting)
      waiting = []
    }
    const names = new Set(files.map(({ path }) => path))
    const removed = [...there.keys()].filter((path) => ours.test(path) && !names.has(path))
    const last: LocalFile[] = []
    for (const file of files.filter(({ path }) => lastFiles.includes(path))) {
      const known = there.get(file.path)
      if (known && (await isSame(directory, file, known))) kept.push(file.path)
      else last.push(file)
    }
    await commit([...waiting, ...last], removed)
    return { url: `${endpoint ?? 'https://huggingface.co'}/datasets/${name}`, sent, kept, removed }
  } catch (error) {
    throw hubError(error, name)
  }
}

/** Those that the manifest names, and itself. */
async function filesOf(directory: string): Promise<LocalFile[]> {
  const text = await readFile(join(directory, 'manifest.json'), 'utf8').catch(() => null)
  const manifest = parse(text)
  if (manifest?.['kind'] !== manifestKind) {
    throw new UsageError(`push: ${directory} holds no complete export: no manifest.json of one is there.`)
  }
  const named = ['files', 'contexts', 'sidecars', 'audit', 'card'].flatMap((list) =>
    Array.isArray(manifest[list]) ? (manifest[list] as Partial<LocalFile>[]) : [],
  )
  const last: Partial<LocalFile>[] = lastFiles.map((name) => ({ path: name }))
  const files: LocalFile[] = []
  for (const { path = '', bytes, sha256 } of [...named, ...last]) {
    if (path.includes('..') || !(ours.test(path) || lastFiles.includes(path))) {
      throw new UsageError(
        `push: manifest.json in ${directory} names "${path}", which is no file of an export.`,
      )
    }
    const facts = await stat(join(directory, path)).catch(() => null)
    if (!facts || (bytes !== undefined && bytes !== facts.size)) {
      throw new UsageError(
        `push: ${path} in ${directory} is not the file that manifest.json names. Export again.`,
      )
    }
    files.push({ path, bytes: facts.size, sha256: sha256 ?? (await hashOf(directory, path, 'sha256')) })
  }
  return files
}

function parse(text: string | null): Record<string, unknown> | null {
  try {
    return text === null ? null : (JSON.parse(text) as Record<string, unknown>)
  } catch {
    return null
  }
}

/** Large files are known by the SHA-256 of their content, small ones by the SHA-1 of their git object. */
async function isSame(
  directory: string,
  file: LocalFile,
  known: { size: number; oid: string | undefined; sha256: string | undefined },
): Promise<boolean> {
  if (known.size !== file.bytes) return false
  if (known.sha256 !== undefined) return known.sha256 === file.sha256
  return known.oid === (await hashOf(directory, file.path, 'sha1', `blob ${file.bytes}\0`))
}

async function hashOf(directory: string, path: string, kind: string, before = ''): Promise<string> {
  const hash = createHash(kind).update(before)
  for await (const chunk of createReadStream(join(directory, path))) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function hubError(error: unknown, name: string): unknown {
  if (error instanceof DescentError || (error as { name?: string }).name === 'AbortError') return error
  const { statusCode, message } = error as { statusCode?: number; message?: string }
  if (statusCode === 401 || statusCode === 403) {
    return new UsageError(
      `push: the Hub does not let this token write to ${name} (${statusCode}). Use one that may.`,
      {
        cause: error,
      },
    )
  }
  return new DescentError(
    'dataset',
    'push',
    `push to ${name} broke off: ${message ?? String(error)}. What was sent stays: the same command goes on.`,
    { cause: error },
  )
}

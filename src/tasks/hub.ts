// Data sets of the Hugging Face Hub as local files: listed and read by the Hub's own client, kept in a
// cache directory, taken up where a broken download ended. A file is there only when it is whole: its
// size and its hash are those that the Hub states.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { environmentValue } from '../env.ts'
import { UsageError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'

/** The options that every taskset from the Hub has. */
export const hubShape = {
  repo: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+$/, 'owner/name of a data set on the Hub')
    .optional(),
  revision: z.string().min(1).default('main').meta({ description: 'A branch, a tag or a commit.' }),
  endpoint: z.url().optional().meta({ description: 'Default: HF_ENDPOINT, else https://huggingface.co.' }),
  tokenEnv: z.string().default('HF_TOKEN').meta({ description: 'The variable that holds the token.' }),
  cacheDirectory: z
    .string()
    .optional()
    .meta({ description: 'Default: DESCENT_CACHE, else ~/.cache/descent.' }),
  offline: z.boolean().default(false).meta({ description: 'Use what the cache has; ask nobody.' }),
}

export interface HubSource {
  repo: string
  revision: string
  endpoint?: string
  tokenEnv: string
  cacheDirectory?: string
  offline: boolean
}

interface ListedFile {
  path: string
  size: number
  /** SHA-1 of the git object, and SHA-256 of the content where the file is stored as a large one. */
  oid: string
  sha256: string | null
}

const attempts = 5

/** Loaded when it is needed: most runs ask the Hub for nothing. */
async function client() {
  return await import('@huggingface/hub')
}

/**
 * The local directory that holds the wanted files of the data set, each under its path in it.
 * Errors raised: UsageError for a repository that cannot be read, holds none of the files, or (offline)
 * is not in the cache; Error when a download breaks off again and again.
 */
export async function fetchFromHub(source: HubSource, wanted: (path: string) => boolean): Promise<string> {
  const { repo, revision } = source
  const folder = `${repo.replace('/', '--')}-${sha256Hex(`${source.endpoint ?? ''} ${revision}`).slice(0, 12)}`
  const directory = join(cacheDirectory(source), 'hub', folder)
  const listing = join(directory, '.listing.json')
  const all = source.offline ? await cachedListing(listing, source) : await list(source)
  const files = all.filter(({ path }) => wanted(path))
  if (files.length === 0) {
    const there = all.slice(0, 10).map(({ path }) => path)
    throw new UsageError(
      `data set ${repo}: no file in it fits; there are ${there.join(', ') || 'none'}${all.length > 10 ? ', …' : ''}`,
    )
  }
  await mkdir(directory, { recursive: true })
  for (const file of files) await fetchOne(source, file, directory)
  if (!source.offline) await writeFile(listing, JSON.stringify(all))
  return directory
}

function cacheDirectory({ cacheDirectory: given }: HubSource): string {
  if (given !== undefined) return resolve(given)
  const base = environmentValue('XDG_CACHE_HOME') ?? join(homedir(), '.cache')
  return environmentValue('DESCENT_CACHE') ?? join(base, 'descent')
}

async function cachedListing(file: string, { repo }: HubSource): Promise<ListedFile[]> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`data set ${repo}: not in the cache yet; run once without offline`)
  })
  return JSON.parse(text) as ListedFile[]
}

function credentials({ tokenEnv, endpoint }: HubSource): { accessToken?: string; hubUrl?: string } {
  const accessToken = environmentValue(tokenEnv)
  const hubUrl = (endpoint ?? environmentValue('HF_ENDPOINT'))?.replace(/\/$/, '')
  if (accessToken !== undefined && !accessToken.startsWith('hf_')) {
    throw new UsageError(`${tokenEnv}: a token of the Hub starts with hf_`)
  }
  return {
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(hubUrl === undefined ? {} : { hubUrl }),
  }
}

async function list(source: HubSource): Promise<ListedFile[]> {
  const { repo: name, revision } = source
  const files: ListedFile[] = []
  const { listFiles } = await client()
  try {
    const repo = { type: 'dataset', name } as const
    for await (const entry of listFiles({ repo, revision, recursive: true, ...credentials(source) })) {
      if (entry.type !== 'file' || !isInside(entry.path)) continue
      files.push({
        path: entry.path,
        size: entry.lfs?.size ?? entry.size,
        oid: entry.oid ?? '',
        sha256: entry.lfs?.oid ?? null,
      })
    }
  } catch (error) {
    throw await hubError(source, error)
  }
  return files
}

/** A path that stays under the directory it is put into. */
function isInside(path: string): boolean {
  return !path.split('/').includes('..') && !path.startsWith('/') && !path.includes('\\')
}

async function hubError({ repo, revision, tokenEnv }: HubSource, error: unknown): Promise<unknown> {
  if (error instanceof UsageError) return error
  const { HubApiError } = await client()
  if (error instanceof HubApiError) {
    const { statusCode } = error
    if (statusCode === 401 || statusCode === 403) {
      return new UsageError(
        `data set ${repo}: the Hub refuses (${statusCode}); it may be private or gated: accept its terms on its page and put a token into ${tokenEnv}`,
        { cause: error },
      )
    }
    if (statusCode === 404) {
      return new UsageError(`data set ${repo}: the Hub knows no such data set or revision ${revision}`, {
        cause: error,
      })
    }
    return new UsageError(`data set ${repo}: the Hub answers ${statusCode}: ${error.message.slice(0, 200)}`, {
      cause: error,
    })
  }
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const why = cause instanceof Error ? cause.message : String(cause)
  return new UsageError(
    `data set ${repo}: the Hub cannot be reached (${why}); give the files with \`path\`, or use what the cache has with offline: true`,
    { cause: error },
  )
}

async function fetchOne(source: HubSource, file: ListedFile, directory: string): Promise<void> {
  const target = join(directory, ...file.path.split('/'))
  const mark = `${target.slice(0, target.lastIndexOf(sep) + 1)}.${file.path.split('/').at(-1)}.oid`
  const version = file.sha256 ?? file.oid
  const isThere =
    (await sizeOf(target)) === file.size && (await readFile(mark, 'utf8').catch(() => '')) === version
  if (isThere) return
  if (source.offline) throw new UsageError(`data set ${source.repo}: ${file.path} is not in the cache`)
  await mkdir(dirname(target), { recursive: true })
  const part = `${target}.${version.slice(0, 16)}.part`
  for (let attempt = 1; (await sizeOf(part)) < file.size || attempt === 1; attempt += 1) {
    try {
      await fetchRest(source, file, part)
    } catch (error) {
      if (error instanceof UsageError) throw error
      if (attempt === attempts) throw await hubError(source, error)
      await sleep(200 * 2 ** attempt)
    }
  }
  const found = await hashOfFile(part, file)
  if (found !== version) {
    await rm(part, { force: true })
    throw new UsageError(
      `data set ${source.repo}: ${file.path} does not have the hash that the Hub states; try again`,
    )
  }
  await rename(part, target)
  await writeFile(mark, version)
}

/** Appends what is missing of the file to its part. */
async function fetchRest(source: HubSource, { path, size }: ListedFile, part: string): Promise<void> {
  const have = await sizeOf(part)
  if (have > size) await rm(part, { force: true })
  const start = have > size ? 0 : have
  if (start === size && size > 0) return
  const repo = { type: 'dataset', name: source.repo } as const
  const { revision } = source
  const { downloadFile } = await client()
  const blob = await downloadFile({ repo, path, revision, ...credentials(source) })
  if (!blob) throw new UsageError(`data set ${source.repo}: ${path} is gone`)
  const rest = start === 0 ? blob : blob.slice(start)
  await pipeline(
    Readable.fromWeb(rest.stream() as WebStream),
    createWriteStream(part, { flags: start === 0 ? 'w' : 'a' }),
  )
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0
}

async function hashOfFile(path: string, { sha256, size }: ListedFile): Promise<string> {
  const hash = createHash(sha256 === null ? 'sha1' : 'sha256')
  if (sha256 === null) hash.update(`blob ${size}\0`)
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

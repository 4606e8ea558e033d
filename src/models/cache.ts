// A response cache: exact request in, the response it once had out. A directory of one file each, named
// by the request's hash; several processes may share it, since a file appears whole or not at all.
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { noUsage, type ModelResponse, type TokenData } from './model.ts'

export interface ResponseCache {
  /** Null when there is none, or none that can be read. */
  get(key: string): Promise<ModelResponse | null>
  set(key: string, response: ModelResponse): Promise<void>
}

export const defaultCacheDirectory = (): string => path.join(os.homedir(), '.cache', 'descent', 'responses')

export function createDirectoryCache(directory: string): ResponseCache {
  const fileOf = (key: string): string => path.join(directory, key.slice(0, 2), `${key}.json`)
  return {
    async get(key) {
      try {
        return decode(await readFile(fileOf(key), 'utf8'))
      } catch {
        return null
      }
    },
    async set(key, response) {
      const file = fileOf(key)
      const temporary = `${file}.${randomUUID()}`
      await mkdir(path.dirname(file), { recursive: true })
      try {
        await writeFile(temporary, encode(response), { flag: 'wx' })
        await rename(temporary, file)
      } finally {
        await rm(temporary, { force: true })
      }
    },
  }
}

/** A response as it is given again: it is marked, and nothing of it counts in the books. */
export function asHit(stored: ModelResponse): ModelResponse {
  return {
    ...stored,
    usage: noUsage,
    costUsd: 0,
    costSource: 'cache',
    attempts: 0,
    raw: { ...stored.raw, cache: 'hit' },
  }
}

interface StoredTokens {
  prompt: number[] | null
  completion: number[] | null
  /** JSON has no NaN: null stands for it. */
  logprobs: (number | null)[] | null
}

function encode(response: ModelResponse): string {
  const { tokens, ...rest } = response
  const arrays: StoredTokens | null = tokens && {
    prompt: tokens.prompt && [...tokens.prompt],
    completion: tokens.completion && [...tokens.completion],
    logprobs: tokens.logprobs && [...tokens.logprobs],
  }
  return JSON.stringify({ ...rest, tokens: arrays })
}

function decode(text: string): ModelResponse {
  const { tokens, ...rest } = JSON.parse(text) as Omit<ModelResponse, 'tokens'> & {
    tokens: StoredTokens | null
  }
  return { ...rest, tokens: tokens && decodeTokens(tokens) }
}

function decodeTokens({ prompt, completion, logprobs }: StoredTokens): TokenData {
  return {
    source: 'engine',
    prompt: prompt && Int32Array.from(prompt),
    completion: completion && Int32Array.from(completion),
    logprobs: logprobs && Float32Array.from(logprobs, (value) => value ?? Number.NaN),
  }
}

// Secrets in tasks and their contexts, for exports that write these: what is found, and the files without
// it. A context of JSON stays the JSON that it was: only its strings are looked into.
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { mapPackedContexts } from '../../tasks/several.ts'
import { redact, type SecretGroup } from './secrets.ts'

type StoredTask = Awaited<ReturnType<Store['readTask']>>
type Format = Awaited<ReturnType<Store['writeContext']>>['format']

/** A text in memory is at most half a gibibyte of UTF-16. */
const mostBytes = 250_000_000

/** Of one group, in words for the audit: `a github-token in the context`. */
export type TaskSecrets = ReadonlyMap<SecretGroup, string[]>

/** Looks at each context once. `scratch` holds it while it is read; without `contexts` it is not. */
export function createTaskSecretReader(
  store: Store,
  groups: readonly SecretGroup[],
  scratch: string,
  contexts: boolean,
) {
  const known = new Map<string, TaskSecrets>()
  return async (task: StoredTask): Promise<TaskSecrets> => {
    const before = known.get(task.hash)
    if (before) return before
    const path = join(scratch, 'context-with-secrets')
    const format = contexts ? (await store.writeContext(task.hash, path)).format : null
    const own = JSON.stringify([task.answer, task.metadata])
    const secrets = new Map<SecretGroup, string[]>()
    for (const group of groups) {
      const only = new Set([group])
      const found = [
        ...told(redactStrings(own, only).found, 'in the task'),
        ...(format === null ? [] : told((await redactBytes(path, format, only)).found, 'in the context')),
      ]
      secrets.set(group, found)
    }
    await rm(path, { force: true })
    known.set(task.hash, secrets)
    return secrets
  }
}

function told(kinds: string[], where: string): string[] {
  return [...Map.groupBy(kinds, (kind) => kind)].map(([kind, { length }]) =>
    length === 1 ? `a ${kind} ${where}` : `${kind} ${where}, ${length} times`,
  )
}

/** Rewrites the context that was written to `path`, and says how large it is now. */
export async function redactContext(
  path: string,
  format: Format,
  groups: ReadonlySet<SecretGroup>,
): Promise<{ bytes: number }> {
  const { bytes, found } = await redactBytes(path, format, groups)
  if (found.length > 0) await writeFile(path, bytes)
  return { bytes: bytes.length }
}

/** Errors raised: UsageError for a context that is too large to look through. */
async function redactBytes(
  path: string,
  format: Format,
  groups: ReadonlySet<SecretGroup>,
): Promise<{ bytes: Buffer; found: string[] }> {
  const { size } = await stat(path)
  if (size > mostBytes) {
    throw new UsageError(
      `clean: a context of ${size} bytes cannot be looked through for ${[...groups].join(' and ')}; the most is ${mostBytes}. ` +
        'Export without contexts (--contexts none), or leave out the rule.',
    )
  }
  const whole = await readFile(path)
  const found: string[] = []
  const change = (part: Buffer, kind: 'text' | 'json') => {
    const text = part.toString('utf8')
    const redacted = kind === 'json' ? redactStrings(text, groups) : redact(text, groups)
    found.push(...redacted.found)
    return redacted.found.length === 0 ? part : Buffer.from(redacted.text)
  }
  const bytes = format === 'several' ? mapPackedContexts(whole, change) : change(whole, format)
  return { bytes, found }
}

/** Each string of a JSON text; everything else keeps its bytes. */
function redactStrings(json: string, groups: ReadonlySet<SecretGroup>): { text: string; found: string[] } {
  // Most texts hold none. An escape could hide one, so then each string is read.
  if (!/\\[u/]/.test(json) && redact(json, groups).found.length === 0) return { text: json, found: [] }
  const found: string[] = []
  const parts: string[] = []
  let done = 0
  for (let start = json.indexOf('"'); start !== -1; start = json.indexOf('"', done)) {
    const end = closingQuote(json, start + 1) + 1
    const literal = json.slice(start, end)
    const redacted = redact(JSON.parse(literal) as string, groups)
    found.push(...redacted.found)
    parts.push(json.slice(done, start), redacted.found.length === 0 ? literal : JSON.stringify(redacted.text))
    done = end
  }
  return { text: parts.join('') + json.slice(done), found }
}

/** The first quote from `from` on that no backslash escapes. */
function closingQuote(json: string, from: number): number {
  for (let place = json.indexOf('"', from); place !== -1; place = json.indexOf('"', place + 1)) {
    let before = place
    while (json[before - 1] === '\\') before -= 1
    if ((place - before) % 2 === 0) return place
  }
  return json.length - 1
}

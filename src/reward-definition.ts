// Checks what a person wrote as a reward, so that a mistake is told with its file and line when the file
// is loaded, and not as a strange value later.
import { fileURLToPath } from 'node:url'
import { UsageError } from './errors.ts'

export interface Place {
  file: string
  line: number
}

/** Where the function that is named was called from, or null when the engine does not tell. */
export function callerOf(callee: (...args: never[]) => unknown): Place | null {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, callee)
  return placeIn(holder.stack ?? '')
}

/** The first place in a stack that is a file of a person, or of Descent, and not of Node. */
export function placeIn(stack: string, file?: string): Place | null {
  for (const found of stack.matchAll(/(?:\(|at |^)((?:file:\/\/)?\/[^\s()]*?):(\d+)(?::\d+)?\)?$/gm)) {
    const name = found[1]?.startsWith('file:') ? fileURLToPath(found[1].replace(/\?.*$/, '')) : found[1]
    if (name && (file === undefined || name === file)) return { file: name, line: Number(found[2]) }
  }
  return null
}

export function placeText(place: Place | null): string {
  return place ? `${place.file}:${place.line}` : 'reward'
}

const fields = {
  name: 'a text of letters, digits, "_" and "-"',
  version: "a text such as '1'",
  description: 'a text',
  options: 'a zod schema; z.strictObject({}) when there are none',
  sees: "'answer', or nothing",
} as const

const example =
  "{name: 'mine', version: '1', description: '…', options: z.strictObject({}), score(context) {…}}"

/** Errors raised: UsageError with the place, the field, and what it should be. */
export function checkDefinition(
  definition: unknown,
  factory: string,
  method: 'score' | 'scoreGroup',
  place: Place | null,
): void {
  const where = `${placeText(place)}: ${factory}`
  if (definition === null || typeof definition !== 'object') {
    throw new UsageError(`${where} was given ${typeof definition}; expected ${example}`)
  }
  const given = definition as Record<string, unknown>
  const isRight: Record<string, boolean> = {
    name: typeof given['name'] === 'string' && /^[\w-]+$/.test(given['name']),
    version: typeof given['version'] === 'string' && given['version'] !== '',
    description: typeof given['description'] === 'string',
    options: typeof (given['options'] as { parse?: unknown } | undefined)?.parse === 'function',
    sees: given['sees'] === undefined || given['sees'] === 'answer',
    [method]: typeof given[method] === 'function',
  }
  const known = [...Object.keys(isRight), 'inner']
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  const wrong = Object.keys(isRight).find((key) => !isRight[key])
  if (wrong !== undefined) {
    const wanted =
      wrong === method ? 'a function that gives {value, details?}' : fields[wrong as keyof typeof fields]
    const hint = unknown === undefined ? '' : ` (there is an unknown field "${unknown}")`
    const state = wrong in given ? `is ${shown(given[wrong])}` : 'is missing'
    throw new UsageError(`${where}: "${wrong}" ${state}; expected ${wanted}${hint}`)
  }
  if (unknown !== undefined) {
    throw new UsageError(`${where}: unknown field "${unknown}"; there are ${known.join(', ')}`)
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : `a ${typeof value}`
}

// What shapes of questions share: the plan that a shape makes, the wording of formats, and rankings of
// profiles by a numeric field without ties.
import type { Json } from '../../json.ts'
import type { Random } from '../random.ts'
import { readNumber } from './fields.ts'
import type { NumericField } from './fields.ts'
import type { Profile } from './profiles.ts'

export interface Question {
  prompt: string
  answer: Json
  answerType: 'numeric' | 'text' | 'set'
}

/** A question to be asked: what the context needs, and the question over what it then holds. */
export interface Plan {
  /** Paths of fields that every rendered profile must keep. */
  paths: string[]
  /** Profiles that must be in the context. */
  required: Profile[]
  /** Profiles that may be in it: those on which the field cannot be misread. */
  allowed: Profile[]
  ask(documents: Profile[]): Question | null
}

export type Shape = (profiles: readonly Profile[], random: Random) => Plan | null

export const numberFormat = 'Answer with the number alone, in digits.'
export const nameFormat = "Answer with the country's name alone, as in its heading."
export const setFormat = 'Answer with their names as in their headings, separated by commas.'
export const compareRule = 'Compare the first number in the field; profiles without the field do not count.'

export function valueOf(profile: Profile, field: NumericField): number | null {
  const text = profile.byPath.get(field.path)
  return text === undefined ? null : readNumber(field, text)
}

/** Profiles whose field is plainly a number, or absent. */
export function readable(profiles: readonly Profile[], field: NumericField): Profile[] {
  return profiles.filter((profile) => !profile.byPath.has(field.path) || valueOf(profile, field) !== null)
}

/** Profiles with the field and their values, from the lowest to the highest. */
export function ranked(profiles: readonly Profile[], field: NumericField): { name: string; value: number }[] {
  return profiles
    .flatMap(({ name, ...rest }) => {
      const value = valueOf({ name, ...rest }, field)
      return value === null ? [] : [{ name, value }]
    })
    .toSorted((a, b) => a.value - b.value)
}

export function fieldName(path: string): string {
  return `the field "${path}"`
}

/** The roundest number strictly between two values. */
export function roundBetween(low: number, high: number): number {
  for (let digits = -9; digits <= 6; digits += 1) {
    const scale = 10 ** digits
    const candidate = Number(((Math.floor(low * scale) + 1) / scale).toFixed(Math.max(0, digits)))
    if (candidate > low && candidate < high) return candidate
  }
  return (low + high) / 2
}

/** A threshold that no value equals, with at least one value on each side. */
export function threshold(values: { value: number }[], random: Random): number | null {
  const gaps = values.slice(1).flatMap(({ value }, index) => {
    const low = values[index]?.value ?? value
    return value > low ? [[low, value] as const] : []
  })
  if (gaps.length === 0) return null
  const [low, high] = random.pick(gaps)
  return roundBetween(low, high)
}

export function written(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 6 })
}

export function mentionsName(profile: Profile, path: string, value: string): boolean {
  return (profile.byPath.get(path) ?? '').toLowerCase().includes(value.toLowerCase())
}

/** The names at one end of the ranking; null when a tie would make them unclear. */
export function extreme(
  documents: readonly Profile[],
  field: NumericField,
  count: number,
  random: Random,
): { word: 'highest' | 'lowest'; names: string[] } | null {
  const word = random.next() < 0.5 ? 'highest' : 'lowest'
  const values = ranked(documents, field)
  if (word === 'highest') values.reverse()
  const last = values[count - 1]
  const next = values[count]
  if (!last || !next || last.value === next.value) return null
  return { word, names: values.slice(0, count).map(({ name }) => name) }
}

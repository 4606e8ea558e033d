// The needle tasks of RULER: which haystack, which values, how many keys, values and queries.
import { randomUuid } from '../generators/uuid.ts'
import { makeKeys } from '../generators/words.ts'
import type { Random } from '../random.ts'
import type { RulerDraft } from './ruler.ts'

interface NeedleType {
  haystack: 'noise' | 'essay' | 'needle'
  key: 'words' | 'uuids'
  value: 'numbers' | 'uuids'
  keys: number
  values: number
  queries: number
}

export type NeedleName = keyof typeof needleTypes

const single = { keys: 1, values: 1, queries: 1 }

export const needleTypes = {
  niah_single_1: { haystack: 'noise', key: 'words', value: 'numbers', ...single },
  niah_single_2: { haystack: 'essay', key: 'words', value: 'numbers', ...single },
  niah_single_3: { haystack: 'essay', key: 'words', value: 'uuids', ...single },
  niah_multikey_1: { haystack: 'essay', key: 'words', value: 'numbers', ...single, keys: 4 },
  niah_multikey_2: { haystack: 'needle', key: 'words', value: 'numbers', ...single },
  niah_multikey_3: { haystack: 'needle', key: 'uuids', value: 'uuids', ...single },
  niah_multivalue: { haystack: 'essay', key: 'words', value: 'numbers', ...single, values: 4 },
  niah_multiquery: { haystack: 'essay', key: 'words', value: 'numbers', keys: 4, values: 1, queries: 4 },
} as const satisfies Record<string, NeedleType>

const noise = 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.'

/** Evenly spaced depths at which a needle may be put into an essay. */
const depths = 40

export function needleTask(
  name: NeedleName,
  characters: number,
  essay: (length: number) => string,
  random: Random,
): RulerDraft {
  const type: NeedleType = needleTypes[name]
  const keys = type.key === 'uuids' ? uuids(type.keys, random) : makeKeys(type.keys, random)
  const values = keys.map(() => makeValues(type, type.values, random))
  const asked = random.shuffle(keys.map((_, index) => index)).slice(0, type.queries)
  const lines = keys.flatMap((key, index) => (values[index] ?? []).map((value) => needle(type, key, value)))
  const outputs = asked.flatMap((index) => values[index] ?? [])
  const isOne = outputs.length === 1
  const [kind, opening] = isOne
    ? [type.value.slice(0, -1), `A special magic ${type.value.slice(0, -1)} is hidden`]
    : [type.value, `Some special magic ${type.value} are hidden`]
  const intro = `${opening} within the following text. Make sure to memorize it. I will quiz you about the ${kind} afterwards.`
  const room = characters - intro.length - lines.join('\n').length - 20
  const text = hide(lines, type, room, essay, random)
  const query = listWords(asked.map((index) => keys[index] ?? ''))
  return {
    prompt: isOne
      ? `What is the special magic ${kind} for ${query} mentioned in the provided text?`
      : `What are all the special magic ${kind} for ${query} mentioned in the provided text?`,
    context: `${intro}\n${text}`,
    outputs,
    knobs: { keys: type.keys, values: type.values, queries: type.queries },
  }
}

function needle(type: NeedleType, key: string, value: string): string {
  return `One of the special magic ${type.value} for ${key} is: ${value}.`
}

function makeValues(type: NeedleType, count: number, random: Random): string[] {
  if (type.value === 'uuids') return uuids(count, random)
  const values = new Set<string>()
  while (values.size < count) values.add(String(random.integer(1_000_000, 9_999_999)))
  return [...values]
}

function uuids(count: number, random: Random): string[] {
  return Array.from({ length: count }, () => randomUuid(random))
}

function hide(
  lines: readonly string[],
  type: NeedleType,
  room: number,
  essay: (length: number) => string,
  random: Random,
): string {
  if (type.haystack === 'essay') return hideInEssay(lines, essay(room), random)
  const hay: string[] = []
  for (let left = room; ;) {
    const line =
      type.haystack === 'noise'
        ? noise
        : needle(type, ...([keyOf(type, random), makeValues(type, 1, random)[0] ?? ''] as const))
    left -= line.length + 1
    if (left < 0) break
    hay.push(line)
  }
  for (const line of lines) hay.splice(random.integer(0, hay.length), 0, line)
  return hay.join('\n')
}

/** Other needles as hay: their keys have a number, which no key that is asked for has. */
function keyOf(type: NeedleType, random: Random): string {
  if (type.key === 'uuids') return randomUuid(random)
  return `${makeKeys(1, random)[0]}-${random.integer(10, 9999)}`
}

/** Between two sentences, at random ones of the depths. */
function hideInEssay(lines: readonly string[], text: string, random: Random): string {
  const sentences = text.split(/(?<=[.!?;\n])\s+/)
  const chosen = random.shuffle(Array.from({ length: depths }, (_, index) => index)).slice(0, lines.length)
  const places = lines.map((line, index) => ({
    line,
    at: Math.round((sentences.length * (chosen[index % chosen.length] ?? 0)) / (depths - 1)),
  }))
  for (const { line, at } of places.toSorted((a, b) => b.at - a.at)) sentences.splice(at, 0, line)
  return sentences.join('\n')
}

function listWords(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? ''
  return `${words.slice(0, -1).join(', ')}, and ${words.at(-1)}`
}

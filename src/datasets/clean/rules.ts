// The cleaning rules there are, and how they are named: `NAME` or `NAME=VALUE`, the same in commands,
// run files and the API. They are applied in the order of this list, whatever the order they are given in.
import { UsageError } from '../../errors.ts'

export type RuleName =
  | 'unlooked'
  | 'hallucinated-output'
  | 'repetition'
  | 'gibberish'
  | 'prompt-characters'
  | 'prompt-tokens'
  | 'secrets'
  | 'emails'
  | 'contamination'
  | 'duplicates'
  | 'near-duplicates'

interface RuleKind {
  name: RuleName
  /** Raised whenever the same trajectories may give other removals. */
  version: string
  /** What the funnel says of what is left. */
  left: string
  /** What the rule is for, for people. */
  meaning: string
  /** The words or the number that it takes; the first word, or the number named, when none is given. */
  value:
    | { words: readonly string[] }
    | { number: { default: number | null; least: number; most: number; whole: boolean } }
    | null
}

const scopes = { words: ['trajectory', 'turn'] } as const
const treatments = { words: ['redact', 'drop'] } as const
const count = { number: { default: null, least: 1, most: Number.MAX_SAFE_INTEGER, whole: true } }

export const cleaningRules: readonly RuleKind[] = [
  {
    name: 'unlooked',
    version: '1',
    left: 'looked at the context before the answer',
    meaning: 'answers although no code of the root ever named the context',
    value: null,
  },
  {
    name: 'hallucinated-output',
    version: '1',
    left: 'no made-up REPL output',
    meaning: 'a response writes what only the REPL says',
    value: scopes,
  },
  {
    name: 'repetition',
    version: '1',
    left: 'no repetition',
    meaning: 'a response says the same over and over, or three responses in a row are equal',
    value: scopes,
  },
  {
    name: 'gibberish',
    version: '1',
    left: 'no gibberish',
    meaning: 'a response is broken characters, endless words or mixed writing systems',
    value: scopes,
  },
  {
    name: 'prompt-characters',
    version: '1',
    left: 'prompts of at most N characters',
    meaning: 'turns whose prompt is longer, in code points',
    value: { number: { ...count.number, default: 100_000 } },
  },
  {
    name: 'prompt-tokens',
    version: '1',
    left: 'prompts of at most N tokens',
    meaning: 'turns whose prompt is longer, rendered and counted by the tokenizer named',
    value: count,
  },
  {
    name: 'secrets',
    version: '1',
    left: 'no keys or passwords',
    meaning: 'keys, tokens and passwords, by the forms of their issuers',
    value: treatments,
  },
  {
    name: 'emails',
    version: '1',
    left: 'no e-mail addresses',
    meaning: 'e-mail addresses',
    value: treatments,
  },
  {
    name: 'contamination',
    version: '1',
    left: 'no overlap with evaluation tasks',
    meaning: 'the prompt, context or gold answer shares this part of its 13-word sequences with them',
    value: { number: { default: 0.5, least: 0, most: 1, whole: false } },
  },
  {
    name: 'duplicates',
    version: '1',
    left: 'no duplicates',
    meaning: 'the root said the same, turn by turn, in an earlier trajectory of the task',
    value: null,
  },
  {
    name: 'near-duplicates',
    version: '1',
    left: 'no near-duplicates',
    meaning: 'the responses are at least so similar to those of an earlier trajectory (MinHash)',
    value: { number: { default: 0.85, least: 0.5, most: 1, whole: false } },
  },
]

export interface Rule {
  name: RuleName
  version: string
  left: string
  /** One of the rule's words, or its number. */
  value: string | number | null
}

/** Errors raised: UsageError for an unknown rule or a value that it does not take. */
export function parseRules(given: readonly string[]): Rule[] {
  const found = new Map<RuleName, Rule>()
  for (const text of given) {
    const [name = '', ...rest] = text.split('=')
    const kind = cleaningRules.find((rule) => rule.name === name)
    if (!kind) {
      const names = cleaningRules.map((rule) => rule.name).join(', ')
      throw new UsageError(`clean: "${name}" is not known; the rules are ${names}.`)
    }
    if (found.has(kind.name)) throw new UsageError(`clean: ${name} is given twice.`)
    const value = parseValue(kind, rest.length === 0 ? null : rest.join('='))
    const left = typeof value === 'number' ? kind.left.replace('N', String(value)) : kind.left
    found.set(kind.name, { name: kind.name, version: kind.version, left, value })
  }
  return cleaningRules.flatMap(({ name }) => found.get(name) ?? [])
}

function parseValue({ name, value }: RuleKind, given: string | null): Rule['value'] {
  if (value === null) {
    if (given !== null) throw new UsageError(`clean: ${name} takes no value; write ${name} alone.`)
    return null
  }
  if ('words' in value) {
    const word = given === null ? value.words[0] : value.words.find((known) => known === given)
    if (word !== undefined) return word
    throw new UsageError(`clean: ${name}=${given}: allowed are ${value.words.join(', ')}.`)
  }
  const { least, most, whole } = value.number
  const range = whole ? `a whole number of ${least} or more` : `a number from ${least} to ${most}`
  if (given === null) {
    if (value.number.default !== null) return value.number.default
    throw new UsageError(`clean: ${name} needs ${range}, such as ${name}=32768.`)
  }
  const number = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : Number.NaN
  if (number >= least && number <= most && (!whole || Number.isSafeInteger(number))) return number
  throw new UsageError(`clean: ${name}=${given}: it takes ${range}.`)
}

// RULER beyond needles: variables that take their value from one another, the words that are common in
// a list, the words that are frequent in coded text.
import { adjectives, nouns } from '../generators/words.ts'
import type { Random } from '../random.ts'
import type { RulerDraft } from './ruler.ts'

const noise = 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.'

const hops = 4

/** One chain of assignments among noise; which variables have the value at its start is asked. */
export function variableTracking(characters: number, random: Random): RulerDraft {
  const names = new Set<string>()
  while (names.size <= hops) names.add(letters(5, random).toUpperCase())
  const chain = [...names]
  const value = String(random.integer(10_000, 99_999))
  const assignments = chain.map((name, index) =>
    index === 0 ? `VAR ${name} = ${value}` : `VAR ${name} = VAR ${chain[index - 1]} `,
  )
  const intro = 'Memorize and track the chain(s) of variable assignment hidden in the following text.'
  const lines: string[] = []
  for (let left = characters - intro.length - 200; left > noise.length; left -= noise.length + 1)
    lines.push(noise)
  // The assignments stand in their order, at random places.
  const places = assignments.map(() => random.integer(0, lines.length)).toSorted((a, b) => a - b)
  for (let index = assignments.length - 1; index >= 0; index -= 1) {
    lines.splice(places[index] ?? 0, 0, assignments[index] ?? '')
  }
  return {
    prompt: `Find all variables that are assigned the value ${value} in the text above. Answer with their names.`,
    context: `${intro}\n\n${lines.join('\n')}`,
    outputs: chain,
    knobs: { hops, chains: 1 },
  }
}

const commonCount = 10
const commonRepeats = 30
const uncommonRepeats = 3

/** A numbered list in which ten words stand thirty times and the others three times. */
export function commonWords(characters: number, random: Random): RulerDraft {
  // A short context has room for fewer repetitions; the ratio stays.
  const perWord = 14
  const repeats = Math.max(6, Math.min(commonRepeats, Math.floor(characters / (perWord * commonCount * 3))))
  const uncommon = Math.max(1, Math.floor(repeats / (commonRepeats / uncommonRepeats)))
  const common = new Set<string>()
  while (common.size < commonCount) common.add(random.pick(nouns))
  const others = wordsBeside(common, random)
  const all = [...common].flatMap((word) => Array.from({ length: repeats }, () => word))
  let length = all.reduce((sum, word) => sum + word.length + 7, 0)
  for (const word of others) {
    if (length + uncommon * (word.length + 8) > characters) break
    for (let copy = 0; copy < uncommon; copy += 1) all.push(word)
    length += uncommon * (word.length + 8)
  }
  const shuffled = random.shuffle(all)
  return {
    prompt:
      'The context is a numbered list of words, in which some appear more often than others. What are the 10 most common words in the list? Answer with the words.',
    context: shuffled.map((word, index) => `${index + 1}. ${word}`).join(' '),
    outputs: [...common],
    knobs: { repeats },
  }
}

/** Words that none of the chosen ones is part of: an answer is looked for as a part of a text. */
function wordsBeside(chosen: ReadonlySet<string>, random: Random): Iterable<string> {
  const single = [...adjectives, ...nouns].filter(
    (word) => ![...chosen].some((other) => word.includes(other)),
  )
  return (function* words() {
    yield* random.shuffle(single)
    const seen = new Set<string>()
    while (seen.size < 500_000) {
      const word = `${random.pick(single)}${letters(3, random)}`
      if (!seen.has(word) && ![...chosen].some((other) => word.includes(other))) yield word
      seen.add(word)
    }
  })()
}

const alpha = 2

/** Coded words with frequencies of a zeta distribution; the three most frequent are asked. */
export function frequentWords(characters: number, random: Random): RulerDraft {
  const codes = new Set<string>()
  while (codes.size < 200) codes.add(letters(6, random))
  const words = [...codes]
  const weights = words.map((_, index) => 1 / (index + 1) ** alpha)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const slots = Math.floor((characters - 200) / 7)
  const drawn: string[] = []
  for (const [index, word] of words.entries()) {
    const copies = Math.round((slots * 0.85 * (weights[index] ?? 0)) / total)
    for (let copy = 0; copy < copies; copy += 1) drawn.push(word)
  }
  // What has no meaning stands for "..." and is the most frequent of all.
  while (drawn.length < slots) drawn.push('...')
  const intro =
    'Read the following coded text and track the frequency of each coded word. Find the three most frequently appeared coded words.'
  return {
    prompt:
      'Do not provide any explanation. Please ignore the dots "....". What are the three most frequently appeared words in the above coded text?',
    context: `${intro} ${random.shuffle(drawn).join(' ')}`,
    outputs: words.slice(0, 3),
    knobs: {},
  }
}

function letters(count: number, random: Random): string {
  return Array.from({ length: count }, () => String.fromCharCode(97 + random.integer(0, 25))).join('')
}

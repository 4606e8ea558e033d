// The sub-call model: it answers from the text in its prompt, by reading that text, and now and then
// misreads a field (seeded, 3 % of the fields), as a small language model does.
import { seededRandom } from '../../tasks/random.ts'
import { parseInstruction } from './instructions.ts'
import type { Extraction } from './instructions.ts'
import { bordersPath, parseQuestion } from './question.ts'
import type { Question } from './question.ts'

export const misreadShare = 0.03

const heading = '### Country: '

/** A reply to a plain prompt. */
export function readPrompt(prompt: string, seed: number): string {
  const documents = splitDocuments(prompt)
  const extraction = parseInstruction(prompt)
  if (extraction) {
    const lines = [...documents].map(([name, text]) => `${name} | ${readField(name, text, extraction, seed)}`)
    return lines.length > 0 ? lines.join('\n') : 'There are no profiles in the text.'
  }
  const question = parseQuestion(prompt)
  if (question && documents.size > 0) return solve(question, documents, seed)
  return bestPassage(prompt)
}

function splitDocuments(text: string): Map<string, string> {
  const documents = new Map<string, string>()
  for (const piece of text.split(/^(?=### Country: )/m)) {
    if (!piece.startsWith(heading)) continue
    const end = piece.indexOf('\n')
    const name = piece.slice(heading.length, end < 0 ? undefined : end).trim()
    documents.set(name, piece)
  }
  return documents
}

function fieldText(document: string, path: string): string | null {
  const at = document.indexOf(`\n${path}: `)
  if (at < 0) return null
  const start = at + path.length + 3
  const end = document.indexOf('\n', start)
  return document.slice(start, end < 0 ? undefined : end).trim()
}

/** What the reader makes of one field of one profile; `none` when it finds nothing. */
function readField(name: string, document: string, extraction: Extraction, seed: number): string {
  const text = fieldText(document, extraction.path)
  const random = seededRandom('reader', seed, name, extraction.path, extraction.kind)
  const misreads = random.next() < misreadShare
  if (extraction.kind === 'mention') {
    const word = extraction.word.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    const found = new RegExp(`(?<![A-Za-z])${word}(?![A-Za-z])`, 'i').test(text ?? '')
    return found !== misreads ? 'yes' : 'no'
  }
  if (text === null) return 'none'
  if (extraction.kind === 'text') return misreads ? text.split(/[ ,;]/)[0] || 'none' : text
  const numbers = text.match(/-?\d[\d,]*(?:\.\d+)?/g)?.map((digits) => digits.replaceAll(',', '')) ?? []
  const [first = 'none', second] = numbers
  // The usual slip: the year or another figure of the same line.
  return misreads ? (second ?? `${first}0`) : first
}

/** A whole question over the profiles in the prompt: the answer alone. */
function solve(question: Question, documents: Map<string, string>, seed: number): string {
  const entries = [...documents]
  const { path } = question
  function numbers(names: Set<string> | null): { name: string; value: number }[] {
    return entries
      .filter(([name]) => !names || names.has(name))
      .map(([name, text]) => ({ name, value: Number(readField(name, text, { kind: 'number', path }, seed)) }))
      .filter(({ value }) => !Number.isNaN(value))
  }
  switch (question.shape) {
    case 'countNumbers': {
      const { least, limit } = question
      return String(numbers(null).filter(({ value }) => (least ? value >= limit : value <= limit)).length)
    }
    case 'countMentions': {
      const extraction = { kind: 'mention', path, word: question.word } as const
      return String(
        entries.filter(([name, text]) => readField(name, text, extraction, seed) === 'yes').length,
      )
    }
    case 'number':
    case 'text': {
      const kind = question.shape
      const document = documents.get(question.country)
      return document === undefined ? 'none' : readField(question.country, document, { kind, path }, seed)
    }
    case 'countryOf':
      return entries.find(([, text]) => fieldText(text, path) === question.value)?.[0] ?? 'none'
    case 'extreme': {
      const ranking = numbers(neighbours(question, documents)).toSorted((a, b) => b.value - a.value)
      if (!question.highest) ranking.reverse()
      const chosen = ranking.slice(0, question.count).map(({ name }) => name)
      return chosen.join(', ') || 'none'
    }
    case 'above':
    default: {
      const chosen = numbers(neighbours(question, documents)).filter(({ value }) => value >= question.limit)
      return chosen.map(({ name }) => name).join(', ') || 'none'
    }
  }
}

/** The names to consider; null when the question is about all profiles. */
function neighbours(
  { centre }: Extract<Question, { shape: 'extreme' | 'above' }>,
  documents: Map<string, string>,
): Set<string> | null {
  if (!centre) return null
  const document =
    'country' in centre
      ? documents.get(centre.country)
      : [...documents.values()].find((text) => fieldText(text, centre.path) === centre.value)
  const listed = fieldText(document ?? '', bordersPath) ?? ''
  return new Set(listed.split(', ').map((item) => item.replace(/ [\d,.]+ km.*$/, '')))
}

/** Any other prompt: the sentence that shares most words with the question, or what it says after `is`. */
function bestPassage(prompt: string): string {
  const question = /^[^\n]*\?/m.exec(prompt)?.[0] ?? prompt.slice(0, 300)
  const words = keywords(question)
  let best = ''
  let bestScore = 0
  for (const sentence of prompt.replace(question, '').split(/(?<=[.!?])\s+|\n+/)) {
    const present = keywords(sentence)
    const score = [...words].filter((word) => present.has(word)).length
    if (score > bestScore) [best, bestScore] = [sentence.trim(), score]
  }
  if (bestScore < Math.min(2, words.size)) return 'unknown'
  const stated = /(?:\bis|\bwas|:)\s*:?\s*([^:]{1,80}?)\.?$/.exec(best)?.[1]
  return /how many/i.test(question) ? (/\d[\d,]*/.exec(best)?.[0] ?? best) : (stated ?? best)
}

const commonWords = new Set(
  'a an and are as at by does for from how in is it many mentioned of on one or that the this to was what when where which who with you your'.split(
    ' ',
  ),
)

export function keywords(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? []
  return new Set(words.filter((word) => word.length > 1 && !commonWords.has(word)))
}

// What a person typed into the search field, as a query of PostgreSQL and as words to mark. Words must all
// occur; "several words" is a phrase, `-word` must not occur, `or` gives a choice; the last word may be
// unfinished.
import { UsageError } from '../errors.ts'
import { searchFields, type SearchField } from './read-contract.ts'
import { searchWords } from './search-texts.ts'

export interface SearchQuery {
  /** For to_tsquery. */
  text: string
  /** Phrases as their words with one space between. */
  marked: string[]
}

const weights: Record<SearchField, string> = { code: 'A', output: 'B', prompt: 'C', answer: 'D' }
const mostTerms = 32

/** Errors raised: UsageError when no word is left, or too many are. */
export function parseSearch(text: string, fields: readonly SearchField[] = searchFields): SearchQuery {
  const where = fields.length === searchFields.length ? '' : fields.map((field) => weights[field]).join('')
  const found = [...text.matchAll(/(-?)(?:"([^"]*)"|(\S+))/g)]
  if (found.length > mostTerms) throw new UsageError(`search: at most ${mostTerms} words`)
  let query = ''
  let joint = ''
  const marked: string[] = []
  for (const [index, [, minus, phrase, word]] of found.entries()) {
    if (word?.toLowerCase() === 'or' && query !== '') {
      joint = ' | '
      continue
    }
    const plain = searchWords(phrase ?? word ?? '').trim()
    if (plain === '') continue
    const unfinished = index === found.length - 1 && phrase === undefined && minus === ''
    const label = `${unfinished ? '*' : ''}${where}`
    query += `${query === '' ? '' : joint || ' & '}${minus === '' ? '' : '!'}'${plain}'${label === '' ? '' : `:${label}`}`
    joint = ''
    if (minus === '') marked.push(plain)
  }
  if (marked.length === 0) throw new UsageError('search: give a word to look for')
  return { text: query, marked }
}

const before = 80
const after = 160
const mostFragments = 2

/** Parts of `text` around the words, the matching ones told apart; empty when none occurs in it. */
export function fragmentsOf(text: string, marked: string[]): { text: string; match: boolean }[][] {
  const pattern = new RegExp(
    marked.map((words) => words.split(' ').join('[^\\p{L}\\p{N}]+')).join('|'),
    'giu',
  )
  const fragments: { text: string; match: boolean }[][] = []
  let end = 0
  for (const first of text.matchAll(pattern)) {
    if (fragments.length === mostFragments) break
    if (first.index < end || first[0] === '') continue
    const from = first.index <= before ? 0 : Math.max(end, first.index - before)
    end = Math.min(text.length, first.index + after)
    fragments.push(mark(text.slice(from, end).toWellFormed(), pattern))
  }
  return fragments
}

function mark(text: string, pattern: RegExp): { text: string; match: boolean }[] {
  const parts: { text: string; match: boolean }[] = []
  let at = 0
  for (const found of text.matchAll(pattern)) {
    if (found[0] === '') continue
    if (found.index > at) parts.push({ text: text.slice(at, found.index), match: false })
    parts.push({ text: found[0], match: true })
    at = found.index + found[0].length
  }
  if (at < text.length) parts.push({ text: text.slice(at), match: false })
  return parts
}

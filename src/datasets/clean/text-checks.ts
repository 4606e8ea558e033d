// What is wrong with a response as a text: it repeats itself, it is no language, or it holds REPL output
// that the model made up. Each check gives what it found, in a few words, or null.
import { deflateRawSync } from 'node:zlib'

/** Shorter texts repeat by chance. */
const leastCharacters = 400
/** Prose and code shrink by 2 to 4; a text that shrinks by 10 is one passage over and over. */
const mostCompression = 10
const leastRepeats = 8

/** One line over and over (half of the text or more), or a text that deflate shrinks tenfold. */
export function findRepetition(text: string): string | null {
  if (text.length < leastCharacters) return null
  const lines = new Map<string, number>()
  for (const line of text.split('\n')) {
    const plain = line.trim()
    if (plain.length >= 8) lines.set(plain, (lines.get(plain) ?? 0) + 1)
  }
  for (const [line, count] of lines) {
    if (count >= leastRepeats && count * line.length * 2 >= text.length)
      return `a line ${count} times: ${quote(line)}`
  }
  const size = Buffer.byteLength(text)
  const ratio = size / deflateRawSync(text).byteLength
  return ratio >= mostCompression ? `deflate shrinks it ${ratio.toFixed(1)} times` : null
}

/** Share of replacement, private-use and control characters from which a text is broken. */
const mostBroken = 0.02
const longestWord = 400
const leastMixed = 5

/** Broken characters, a word that never ends, or words that mix three writing systems. */
export function findGibberish(text: string): string | null {
  const broken = text.match(/[\uFFFD\p{Co}]|[^\P{Cc}\t\n\r]/gu)?.length ?? 0
  if (broken > 3 && broken >= text.length * mostBroken) return `${broken} characters that are no text`
  for (const word of text.match(/[\p{L}\p{N}]{20,}/gu) ?? []) {
    // Base64 and hashes are long too, but are told by their digits and are never so long in prose.
    if (word.length >= longestWord) return `a word of ${word.length} characters: ${quote(word)}`
  }
  let mixed = 0
  for (const word of text.match(/\p{L}{3,}/gu) ?? []) if (scriptsOf(word) >= 3) mixed += 1
  return mixed >= leastMixed ? `${mixed} words of three writing systems each` : null
}

const scripts = [
  /\p{sc=Latin}/u,
  /\p{sc=Cyrillic}/u,
  /\p{sc=Greek}/u,
  /\p{sc=Arabic}/u,
  /\p{sc=Hebrew}/u,
].concat([
  /\p{sc=Devanagari}/u,
  /\p{sc=Thai}/u,
  /\p{sc=Hangul}/u,
  // Japanese mixes these within one word.
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u,
])

function scriptsOf(word: string): number {
  return scripts.filter((script) => script.test(word)).length
}

/** The lines with which the harness opens what it shows of a cell, and asks for a turn. */
const harnessLine = /^[ \t]*(?:REPL output(?: \(block \d+\))?:|REPL variables: \[|Turn \d+\/\d+:)/m
const outputFence = /^[ \t]*```(?:output|stdout|console|result)s?[ \t]*$/m
const codeFence = /```repl[^\n]*\n[\s\S]*?(?:\n[ \t]*```|$)/g

/** What only the harness writes, in the model's own message, outside of its code. */
export function findHallucinatedOutput(text: string): string | null {
  const prose = text.replaceAll(codeFence, '\n')
  const found = harnessLine.exec(prose) ?? outputFence.exec(prose)
  return found ? `writes ${quote(found[0].trim())} itself` : null
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

// ROUGE-L's F as the Python package `rouge` 1.0.1 computes it, which LongBench uses: sentences end at full
// stops, and the union of the longest common subsequences of all pairs of sentences is a set of words, so
// a word counts once however often it is said.
import { words } from './text.ts'

function sentences(text: string): string[][] {
  return text
    .split('.')
    .filter((part) => part !== '')
    .map((part) => words(part).join(' ').split(' '))
}

/** In [0, 1); 0 when either text has no sentence. */
export function rougeL(prediction: string, reference: string): number {
  const [given, wanted] = [sentences(prediction), sentences(reference)]
  if (given.length === 0 || wanted.length === 0) return 0
  const union = new Set<string>()
  for (const sentenceWanted of wanted) {
    for (const sentence of given) for (const word of commonWords(sentenceWanted, sentence)) union.add(word)
  }
  const recall = union.size / new Set(wanted.flat()).size
  const precision = union.size / new Set(given.flat()).size
  return 2 * ((precision * recall) / (precision + recall + 1e-8))
}

/** One longest common subsequence: where several are as long, the one that the original walks to. */
function commonWords(x: string[], y: string[]): string[] {
  const width = y.length + 1
  const table = new Uint32Array((x.length + 1) * width)
  const at = (i: number, j: number): number => table[i * width + j] ?? 0
  for (let i = 1; i <= x.length; i += 1) {
    for (let j = 1; j <= y.length; j += 1) {
      table[i * width + j] =
        x[i - 1] === y[j - 1] ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1))
    }
  }
  const common: string[] = []
  let [i, j] = [x.length, y.length]
  while (i > 0 && j > 0) {
    const word = x[i - 1] ?? ''
    if (word === y[j - 1]) {
      common.push(word)
      ;[i, j] = [i - 1, j - 1]
    } else if (at(i - 1, j) > at(i, j - 1)) i -= 1
    else j -= 1
  }
  return common
}

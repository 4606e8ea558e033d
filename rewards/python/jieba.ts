// `jieba.cut(text, cut_all=False)` of the Python package jieba 0.42.1, on its port to Rust (jieba-wasm, the same
// dictionary and model). The port differs in one regular expression, for Latin letters and digits between
// Chinese words; those runs are cut again here by Python's rule.
import { DescentError } from '../../src/errors.ts'

type Cut = (text: string) => string[]

/** The words of jieba's dictionary that have no Chinese character: they are never cut. */
const latinWords = new Set(['AT&T', 'c#', 'C#', 'c++', 'C++'])
const latin = /^[a-zA-Z0-9+#&._%-]+$/
/** `re_skip` of jieba/finalseg. */
const number = /([a-zA-Z0-9]+(?:\.\d+)?%?)/

let opened: Promise<Cut> | null = null

/** Opens the segmenter: the dictionary takes some 20 MB. Errors raised: DescentError when it is not installed. */
export async function openJieba(): Promise<Cut> {
  return await (opened ??= load())
}

async function load(): Promise<Cut> {
  const module = await import('jieba-wasm').catch((error: unknown) => {
    throw new DescentError(
      'reward',
      'no_segmenter',
      'Chinese metrics need the optional package jieba-wasm: npm install jieba-wasm@2.4.0',
      { cause: error },
    )
  })
  return (text) => repair(module.cut(text, true))
}

function repair(tokens: readonly string[]): string[] {
  const words: string[] = []
  let run = ''
  function endRun(): void {
    words.push(...run.split(number).filter((part) => part !== ''))
    run = ''
  }
  for (const token of tokens) {
    if (latin.test(token) && !latinWords.has(token)) {
      run += token
      continue
    }
    endRun()
    words.push(token)
  }
  endRun()
  return words
}

// Contamination: what a training set shares with tasks that models are to be tested on. Compared are word
// n-grams of prompts, contexts and gold answers; a text shorter than one n-gram is compared as a whole.
import type { Json } from '../../json.ts'
import { hashText, shinglesOf, wordsOf } from './minhash.ts'

/** The n-gram length of GPT-3's and many later contamination studies. */
export const overlapWords = 13
/** Of contexts one n-gram in eight is looked at, by its hash, on both sides: the share is an estimate of
 * the whole one, and a test set of 10 million words takes 1.25 million numbers. */
const sampledOneIn = 8
/** A gold answer shorter than this is no evidence: many tasks are answered with "4" or "Paris". */
const leastAnswerWords = 8

export interface EvaluationTask {
  taskset: string
  id: string
  prompt: string
  answer: Json
  /** The text of the context. */
  context: string
}

export type Part = 'prompt' | 'context' | 'answer'

export interface Overlap {
  part: Part
  /** Share of its n-grams that the evaluation tasks have too, 0 to 1. */
  share: number
  /** The taskset that has most of them. */
  taskset: string
}

export interface EvaluationIndex {
  add(task: EvaluationTask): void
  /** The largest overlaps of each part; parts without any are left out. */
  overlapsOf(task: { prompt: string; answer: Json; context: string | null }): Overlap[]
  readonly tasks: number
}

/** Holds a number for each n-gram of prompts and answers, and for one in eight of contexts. */
export function createEvaluationIndex(): EvaluationIndex {
  const known: Record<Part, Map<number, string>> = {
    prompt: new Map(),
    context: new Map(),
    answer: new Map(),
  }
  let tasks = 0
  return {
    add({ taskset, prompt, answer, context }) {
      tasks += 1
      for (const hash of gramsOf('prompt', prompt)) known.prompt.set(hash, taskset)
      for (const hash of gramsOf('context', context)) known.context.set(hash, taskset)
      for (const hash of gramsOf('answer', answerText(answer))) known.answer.set(hash, taskset)
    },
    overlapsOf(task) {
      const overlaps: Overlap[] = []
      const texts = { prompt: task.prompt, context: task.context ?? '', answer: answerText(task.answer) }
      for (const part of ['prompt', 'context', 'answer'] as const) {
        const counts = new Map<string, number>()
        let all = 0
        let shared = 0
        for (const hash of gramsOf(part, texts[part])) {
          all += 1
          const taskset = known[part].get(hash)
          if (taskset === undefined) continue
          shared += 1
          counts.set(taskset, (counts.get(taskset) ?? 0) + 1)
        }
        const [most] = [...counts].toSorted((a, b) => b[1] - a[1])
        if (most) overlaps.push({ part, share: shared / all, taskset: most[0] })
      }
      return overlaps
    },
    get tasks() {
      return tasks
    },
  }
}

/** Each n-gram once, as a number of 53 bits. */
function gramsOf(part: Part, text: string): Set<number> {
  const words = wordsOf(text)
  const grams = new Set<number>()
  if (part === 'answer' && words.length < leastAnswerWords) return grams
  const oneIn = part === 'context' ? sampledOneIn : 1
  for (const shingle of shinglesOf(words, overlapWords)) {
    const low = hashText(shingle)
    if (low % oneIn === 0) grams.add(low + 2 ** 32 * (hashText(`${shingle.length}:${shingle}`) & 0x1fffff))
  }
  return grams
}

function answerText(answer: Json): string {
  return typeof answer === 'string' ? answer : answer === null ? '' : JSON.stringify(answer)
}

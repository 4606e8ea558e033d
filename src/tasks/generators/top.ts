// Argmax and top-k over documents: which mention a word most often, how many mention it at all. Words
// are counted in the very text of the context; a question whose answer a tie would blur is not asked.
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import { defineTaskset } from '../define-taskset.ts'
import { seededRandom } from '../random.ts'
import { chooseDocuments, documentShape, layOut, loadDocuments } from './documents.ts'
import type { Documents } from './documents.ts'
import { draftTask, generatorShape } from './options.ts'
import type { Draft } from './options.ts'

const kinds = ['most', 'top', 'documents', 'total'] as const

const schema = z
  .strictObject({
    ...generatorShape,
    ...documentShape,
    kinds: z
      .array(z.enum(kinds))
      .min(1)
      .default([...kinds]),
    top: z.number().int().min(2).max(20).default(3).meta({ description: 'How many the kind top asks for.' }),
    documents: z
      .number()
      .int()
      .min(4)
      .max(2000)
      .default(12)
      .meta({ description: 'Documents in a context, at least.' }),
  })
  .meta({ id: 'TopOptions' })
type Settings = z.output<typeof schema>

export const top = defineTaskset({
  name: 'top',
  kind: 'generator',
  description: 'Which documents mention a word most often, and how many do: argmax and top-k over real text.',
  options: schema,
  open: (settings, baseDirectory) => ({
    name: 'top',
    async *tasks() {
      const loaded = await loadDocuments(settings, baseDirectory)
      // A name with a comma could not be told from two in a list of answers.
      const documents = { ...loaded, documents: loaded.documents.filter(({ name }) => !/[,;]/.test(name)) }
      for (let index = 0; index < settings.count; index += 1) {
        yield draftTask('top', settings, loaded.source, index, draftOf(settings, documents, index))
      }
    },
  }),
})

interface Counted {
  name: string
  count: number
}

function draftOf(settings: Settings, documents: Documents, index: number): Draft {
  const { seed, split, characters } = settings
  const kind = settings.kinds[index % settings.kinds.length] ?? 'most'
  const random = seededRandom('top', seed, split, kind, index)
  const longest = Math.max(300, Math.floor(characters / settings.documents) - 30)
  const chosen = chooseDocuments(documents, characters, random, longest)
  const counts = chosen.map(({ name, text }) => ({ name, words: countWords(text) }))
  const everywhere = new Map<string, number>()
  for (const { words } of counts) {
    for (const [word, count] of words) everywhere.set(word, (everywhere.get(word) ?? 0) + count)
  }
  const candidates = [...everywhere].filter(([word, count]) => count >= 4 && word.length >= 5)
  for (const [word] of random.shuffle(candidates.map((entry) => entry))) {
    const ranking = counts
      .map(({ name, words }): Counted => ({ name, count: words.get(word) ?? 0 }))
      .toSorted((a, b) => b.count - a.count)
    const question = ask(kind, word, ranking, settings.top)
    if (question) {
      const knobs: Record<string, number> = kind === 'top' ? { top: settings.top } : {}
      return {
        kind,
        ...question,
        context: layOut(chosen, settings.form),
        knobs,
        metadata: { word, documents: chosen.length },
      }
    }
  }
  throw new UsageError(
    `top: no word gives a clear ${kind} question over ${characters} characters; give more characters or another seed`,
  )
}

type Question = Pick<Draft, 'prompt' | 'answer' | 'reward'>

function ask(
  kind: (typeof kinds)[number],
  word: string,
  ranking: Counted[],
  wanted: number,
): Question | null {
  const rule = `Count "${word}" as a whole word, ignoring case, in the text below each document's heading.`
  const mentioning = ranking.filter(({ count }) => count > 0)
  const total = ranking.reduce((sum, { count }) => sum + count, 0)
  switch (kind) {
    case 'most': {
      const [first, second] = ranking
      if (!first || first.count < 2 || first.count === second?.count) return null
      const prompt = `Which document of the context mentions "${word}" most often? ${rule} Answer with the name of the document alone.`
      return { prompt, answer: first.name, reward: 'exact' }
    }
    case 'top': {
      const [last, next] = [ranking[wanted - 1], ranking[wanted]]
      if (!last || last.count === 0 || last.count === next?.count) return null
      const prompt = `Which ${wanted} documents of the context mention "${word}" most often? ${rule} Answer with their names, separated by commas, in any order.`
      return { prompt, answer: ranking.slice(0, wanted).map(({ name }) => name), reward: 'set_f1' }
    }
    case 'documents': {
      if (mentioning.length < 2 || mentioning.length === ranking.length) return null
      const prompt = `How many documents of the context mention "${word}"? ${rule} Answer with the number alone.`
      return { prompt, answer: mentioning.length, reward: 'numeric' }
    }
    case 'total':
    default: {
      const prompt = `How many times do the documents of the context mention "${word}" altogether? ${rule} Answer with the number alone.`
      return { prompt, answer: total, reward: 'numeric' }
    }
  }
}

/** Whole words, in lower case. */
function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [word] of text.matchAll(/[\p{L}\p{N}_]+/gu)) {
    const lower = word.toLowerCase()
    if (/^\p{L}+$/u.test(lower)) counts.set(lower, (counts.get(lower) ?? 0) + 1)
  }
  return counts
}

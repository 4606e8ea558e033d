// Needles in real text: sentences with a key and a value, put between the lines of real documents. The
// values occur nowhere else in the context.
import { z } from 'zod'
import { defineTaskset } from '../define-taskset.ts'
import { seededRandom } from '../random.ts'
import type { Random } from '../random.ts'
import { chooseDocuments, documentShape, layOut, loadDocuments } from './documents.ts'
import type { Document, Documents } from './documents.ts'
import { draftTask, generatorShape } from './options.ts'
import type { Draft } from './options.ts'
import { makeKeys } from './words.ts'

export const needleKinds = ['single', 'multi-key', 'multi-value', 'multi-query'] as const

const schema = z
  .strictObject({
    ...generatorShape,
    ...documentShape,
    kinds: z
      .array(z.enum(needleKinds))
      .min(1)
      .default([...needleKinds]),
    needles: z.number().int().min(2).max(32).default(4).meta({
      description: 'Values of one key (multi-value), or keys that are asked for (multi-query).',
    }),
    distractors: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .default(4)
      .meta({ description: 'Needles with other keys; none in the kind single.' }),
  })
  .meta({ id: 'NeedlesOptions' })
type Settings = z.output<typeof schema>

interface Needle {
  key: string
  value: string
}

export const needles = defineTaskset({
  name: 'needles',
  kind: 'generator',
  description: 'Sentences with a key and a value among real documents: one, one of many keys, many values.',
  options: schema,
  open: (settings, baseDirectory) => ({
    name: 'needles',
    async *tasks() {
      const documents = await loadDocuments(settings, baseDirectory)
      for (let index = 0; index < settings.count; index += 1) {
        const draft = draftOf(settings, documents, index)
        yield draftTask('needles', settings, documents.source, index, draft)
      }
    },
  }),
})

function draftOf(settings: Settings, documents: Documents, index: number): Draft {
  const kind = settings.kinds[index % settings.kinds.length] ?? 'single'
  const { seed, split, characters } = settings
  const random = seededRandom('needles', seed, split, kind, index)
  const wanted = kind === 'multi-value' || kind === 'multi-query' ? settings.needles : 1
  const distractors = kind === 'single' ? 0 : settings.distractors
  const keyCount = (kind === 'multi-query' ? wanted : 1) + distractors
  const reserved = (wanted + distractors) * 90
  const chosen = chooseDocuments(documents, Math.max(1500, characters - reserved), random)
  const text = chosen.map((document) => document.text).join('\n')
  const keys = makeKeys(keyCount, random).filter((key) => !text.includes(key))
  const values = makeValues(wanted + distractors, text, random)
  const asked = keys.slice(0, kind === 'multi-query' ? wanted : 1)
  const inserted: Needle[] = values.map((value, at) => ({
    value,
    key: (at < wanted ? asked[at % asked.length] : keys[asked.length + at - wanted]) ?? asked[0] ?? '',
  }))
  const golds = values.slice(0, wanted)
  return {
    kind,
    prompt: promptOf(kind, asked),
    context: layOut(insert(chosen, inserted, random), settings.form),
    answer: golds.length === 1 ? (golds[0] ?? '') : golds,
    reward: golds.length === 1 ? 'exact' : 'set_f1',
    knobs: { needles: wanted, distractors },
  }
}

function promptOf(kind: Settings['kinds'][number], keys: string[]): string {
  const list = 'Answer with the numbers alone, separated by commas.'
  if (kind === 'multi-value') {
    return `Several sentences in the context state a registry number of ${keys[0]}. What are all the registry numbers of ${keys[0]}? ${list}`
  }
  if (kind === 'multi-query') {
    return `Sentences in the context state registry numbers. What are the registry numbers of ${keys.join(', ')}? ${list}`
  }
  return `A sentence in the context states the registry number of ${keys[0]}. What is the registry number of ${keys[0]}? Answer with the number alone.`
}

function makeValues(count: number, text: string, random: Random): string[] {
  const values = new Set<string>()
  while (values.size < count) {
    const value = String(random.integer(1_000_000, 9_999_999))
    if (!text.includes(value)) values.add(value)
  }
  return [...values]
}

/** Puts each needle on a line of its own, at a random line of the whole context. */
function insert(documents: readonly Document[], inserted: readonly Needle[], random: Random): Document[] {
  const lines = documents.map(({ text }) => text.split('\n'))
  const total = lines.reduce((sum, { length }) => sum + length, 0)
  const places = inserted.map((needle) => ({ needle, at: random.integer(1, total) }))
  for (const { needle, at } of places.toSorted((a, b) => b.at - a.at)) {
    let left = at
    for (const document of lines) {
      if (left <= document.length) {
        document.splice(left, 0, `The registry number of ${needle.key} is ${needle.value}.`)
        break
      }
      left -= document.length
    }
  }
  return documents.map(({ name }, index) => ({ name, text: (lines[index] ?? []).join('\n') }))
}

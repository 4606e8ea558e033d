// Multi-hop questions over linked records: each document of the context names the one that follows it in
// a single ring through all of them, and has a number. From one document so many links are followed.
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import { defineTaskset } from '../define-taskset.ts'
import { seededRandom } from '../random.ts'
import type { Random } from '../random.ts'
import { chooseDocuments, documentShape, layOut, loadDocuments } from './documents.ts'
import type { Document, Documents } from './documents.ts'
import { draftTask, generatorShape } from './options.ts'
import type { Draft } from './options.ts'

const schema = z
  .strictObject({
    ...generatorShape,
    ...documentShape,
    hops: z.number().int().min(1).max(64).default(3).meta({ description: 'Links to follow.' }),
  })
  .meta({ id: 'MultiHopOptions' })
type Settings = z.output<typeof schema>

export const multiHop = defineTaskset({
  name: 'multi-hop',
  kind: 'generator',
  description: 'Follow links from document to document of real text, and read a number at the end.',
  options: schema,
  open: (settings, baseDirectory) => ({
    name: 'multi-hop',
    async *tasks() {
      const documents = await loadDocuments(settings, baseDirectory)
      for (let index = 0; index < settings.count; index += 1) {
        const draft = draftOf(settings, documents, index)
        yield draftTask('multi-hop', settings, documents.source, index, draft)
      }
    },
  }),
})

/** What a link and a number add to a document. */
const lineLength = 110

function draftOf(settings: Settings, documents: Documents, index: number): Draft {
  const { hops, seed, split, characters } = settings
  const random = seededRandom('multi-hop', seed, split, index)
  const wanted = Math.max(hops + 3, Math.min(60, Math.round(characters / 12_000)))
  const longest = Math.floor(characters / wanted) - 2 * lineLength
  const chosen = chooseDocuments(documents, characters - wanted * 2 * lineLength, random, longest)
  if (chosen.length <= hops) {
    throw new UsageError(
      `multi-hop: ${chosen.length} documents fit into ${characters} characters; ${hops} hops need more: give more characters or fewer hops`,
    )
  }
  const ring = random.shuffle(chosen)
  const numbers = new Set<string>()
  while (numbers.size < ring.length) numbers.add(String(random.integer(100_000, 999_999)))
  const records = ring.map((document, at) => ({
    document,
    next: ring[(at + 1) % ring.length]?.name ?? '',
    number: [...numbers][at] ?? '',
  }))
  const linked = chosen.map((document) => {
    const record = records.find((candidate) => candidate.document === document)
    const added = [`Its file was passed on to: ${record?.next}.`, `Its file number is ${record?.number}.`]
    return { name: document.name, text: insertLines(document, added, random) }
  })
  const start = ring[0]?.name ?? ''
  const end = records[hops % records.length]
  return {
    kind: `${hops}-hop`,
    prompt: `Every document of the context says once to which document "its file was passed on", and what "its file number" is. Start at the document ${start}, and go on to the document to which its file was passed on; do so ${hops} ${hops === 1 ? 'time' : 'times'} in all. What is the file number of the document that you reach? Answer with the number alone.`,
    context: layOut(linked, settings.form),
    answer: end?.number ?? '',
    reward: 'exact',
    knobs: { hops },
    metadata: { documents: ring.length },
  }
}

function insertLines({ text }: Document, added: readonly string[], random: Random): string {
  const lines = text.split('\n')
  for (const line of added) lines.splice(random.integer(0, lines.length), 0, line)
  return lines.join('\n')
}

// BrowseComp-Plus: research questions over a fixed set of web documents. Every text of the official rows
// is encrypted with a canary, so that the benchmark does not leak into training data; it is decrypted in
// memory only. The tasks are marked sensitive, and may be stored only by a person who says why.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { environmentValue } from '../../env.ts'
import { UsageError } from '../../errors.ts'
import { defineTaskset } from '../define-taskset.ts'
import { seededRandom } from '../random.ts'
import { benchmarkTaskset, sourceShape } from './source.ts'

const schema = z
  .strictObject({
    ...sourceShape,
    canaryEnv: z
      .string()
      .default('BROWSECOMP_PLUS_CANARY')
      .meta({ description: "The environment variable that holds the benchmark's canary string." }),
    documents: z.number().int().min(1).default(50).meta({
      description: 'Documents in the context: all gold and evidence ones, filled up with negatives.',
    }),
    allowPlaintext: z
      .strictObject({ reason: z.string().min(10) })
      .optional()
      .meta({ description: 'Lets decrypted questions and documents into the store; the reason is kept.' }),
  })
  .meta({ id: 'BrowseCompPlusOptions' })
type Settings = z.output<typeof schema>

const documentSchema = z.looseObject({ docid: z.string(), url: z.string().optional(), text: z.string() })

const rowSchema = z.looseObject({
  query_id: z.union([z.string(), z.number()]).transform(String),
  query: z.string().min(1),
  answer: z.string().min(1),
  gold_docs: z.array(documentSchema).default([]),
  evidence_docs: z.array(documentSchema).default([]),
  negative_docs: z.array(documentSchema).default([]),
})

export const browsecompPlus = defineTaskset({
  name: 'browsecomp-plus',
  kind: 'benchmark',
  description: 'BrowseComp-Plus: research questions over a fixed set of web documents (encrypted files).',
  needs: 'path or the Hub, and the canary in BROWSECOMP_PLUS_CANARY',
  options: schema,
  open(settings, baseDirectory) {
    const taskset = benchmarkTaskset({
      name: 'browsecomp-plus',
      settings,
      baseDirectory,
      repo: 'Tevatron/browsecomp-plus',
      wanted: (path) => path.endsWith('.parquet') && path.includes('test'),
      row: rowSchema,
      columns: Object.keys(rowSchema.shape),
      task: (row) => taskOf(row, settings),
    })
    if (settings.allowPlaintext) return taskset
    return {
      ...taskset,
      refusesStorage:
        'browsecomp-plus is encrypted so that it stays out of training data, and a run would store its questions and documents in plain text; if you must, say why: options: {allowPlaintext: {reason: "…"}}, and publish nothing of it',
    }
  },
})

function taskOf(row: z.output<typeof rowSchema>, settings: Settings) {
  const key = keyOf(settings)
  const open = (text: string) => decrypt(text, key)
  const documents = new Map<string, string>()
  const needed = [...row.gold_docs, ...row.evidence_docs]
  const negatives = seededRandom('browsecomp-plus', settings.seed, row.query_id).shuffle(row.negative_docs)
  for (const document of [...needed, ...negatives]) {
    const id = open(document.docid)
    if (documents.size >= settings.documents && !needed.includes(document)) break
    documents.set(id, open(document.text))
  }
  if (documents.size === 0)
    throw new UsageError('gold_docs, evidence_docs, negative_docs: there is no document')
  const order = seededRandom('browsecomp-plus', settings.seed, row.query_id, 'order')
  return {
    id: `browsecomp-plus-${row.query_id}`,
    prompt: `${open(row.query)}\n\nThe context maps the ids of documents to their text. Answer in this form:\nExplanation: your reasoning, with the ids of the documents that it rests on in square brackets\nExact Answer: the short final answer\nConfidence: how sure you are, from 0% to 100%`,
    context: { kind: 'json' as const, value: Object.fromEntries(order.shuffle([...documents])) },
    answer: open(row.answer),
    metadata: {
      taskset: 'browsecomp-plus',
      split: 'test',
      reward: 'browsecomp_plus',
      sensitive: true,
      plaintextReason: settings.allowPlaintext?.reason ?? null,
      query_id: row.query_id,
      question: open(row.query),
      documents: documents.size,
      gold_docids: row.gold_docs.map(({ docid }) => open(docid)),
      evidence_docids: row.evidence_docs.map(({ docid }) => open(docid)),
    },
  }
}

function keyOf({ canaryEnv }: Settings): Buffer {
  const canary = environmentValue(canaryEnv)
  if (canary === undefined) {
    throw new UsageError(
      `the environment variable ${canaryEnv} is not set; put the canary string of the benchmark into it (its own page states it)`,
    )
  }
  return createHash('sha256').update(canary, 'utf8').digest()
}

/** Base64, then XOR with the key over and over. Errors raised: UsageError for what is not text then. */
export function decrypt(text: string, key: Buffer): string {
  const data = Buffer.from(text, 'base64')
  for (let index = 0; index < data.length; index += 1) {
    data[index] = (data[index] ?? 0) ^ (key[index % key.length] ?? 0)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch (error) {
    throw new UsageError('a text does not decrypt to UTF-8; the canary is not the one of these files', {
      cause: error,
    })
  }
}

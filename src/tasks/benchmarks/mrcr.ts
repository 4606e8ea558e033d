// MRCR: which of several near-equal pieces of a long conversation is asked for. The conversation is the
// context, a list of messages; its last request is the root prompt. Version 2 comes as one text.
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import type { Json } from '../../json.ts'
import { defineTaskset } from '../define-taskset.ts'
import { benchmarkTaskset, sourceShape } from './source.ts'

const schema = z
  .strictObject({
    ...sourceShape,
    version: z.enum(['1', '2']).default('1').meta({ description: '1: openai/mrcr; 2: the CSV of MRCR v2.' }),
    needles: z.array(z.number().int()).optional().meta({ description: 'Version 1: 2, 4 or 8.' }),
    maxCharacters: z.number().int().optional().meta({ description: 'No longer conversations than this.' }),
  })
  .meta({ id: 'MrcrOptions' })

const firstSchema = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  prompt: z.string().min(1),
  answer: z.string().min(1),
  random_string_to_prepend: z.string().min(1),
  n_needles: z.number(),
  desired_msg_index: z.number().optional(),
  total_messages: z.number().optional(),
  n_chars: z.number().optional(),
  date_added: z.string().optional(),
})

const count = z.union([z.number(), z.string()]).optional()

const secondSchema = z.looseObject({
  queries: z.string().min(1),
  answer: z.string().min(1),
  view_ops: z.json().optional(),
  context_len: count,
  answer_token_count: count,
  positions: z.json().optional(),
})

const messagesSchema = z.array(z.looseObject({ role: z.string(), content: z.string() })).min(2)

export const mrcr = defineTaskset({
  name: 'mrcr',
  kind: 'benchmark',
  description:
    'MRCR: one of several near-equal pieces of a long conversation, to be given back word by word.',
  needs: 'path or the Hub',
  options: schema,
  open(settings, baseDirectory) {
    const shared = { name: 'mrcr', settings, baseDirectory }
    let number = 0
    return settings.version === '1'
      ? benchmarkTaskset({
          ...shared,
          repo: 'openai/mrcr',
          wanted: (path) => path.endsWith('.parquet'),
          row: firstSchema,
          columns: Object.keys(firstSchema.shape),
          only: settings.needles ? { n_needles: settings.needles } : {},
          task: (row) => firstTask(row, settings.maxCharacters),
        })
      : withReset(
          benchmarkTaskset({
            ...shared,
            repo: null,
            wanted: () => true,
            row: secondSchema,
            task(row) {
              number += 1
              return secondTask(row, number, settings.maxCharacters)
            },
          }),
          () => (number = 0),
        )
  },
})

/** Rows of version 2 have no id: they are numbered, from 1 at each reading. */
function withReset(
  taskset: ReturnType<typeof benchmarkTaskset>,
  reset: () => void,
): ReturnType<typeof benchmarkTaskset> {
  return {
    ...taskset,
    tasks() {
      reset()
      return taskset.tasks()
    },
  }
}

function firstTask(row: z.output<typeof firstSchema>, maxCharacters: number | undefined) {
  if (maxCharacters !== undefined && row.prompt.length > maxCharacters) return null
  const messages = readMessages(row.prompt)
  const question = messages.at(-1)
  if (!question || question.role !== 'user') throw new UsageError('prompt: its last message is not a user’s')
  const prefix = row.random_string_to_prepend
  return {
    id: `mrcr-${row.id ?? prefix}`,
    prompt: question.content,
    context: { kind: 'json' as const, value: messages.slice(0, -1) as Json },
    answer: row.answer,
    metadata: {
      taskset: 'mrcr',
      split: 'train',
      reward: 'mrcr',
      random_string_to_prepend: prefix,
      n_needles: row.n_needles,
      desired_msg_index: row.desired_msg_index ?? null,
      total_messages: row.total_messages ?? null,
      n_chars: row.n_chars ?? null,
      date_added: row.date_added ?? null,
    },
  }
}

function readMessages(text: string): z.output<typeof messagesSchema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError('prompt: not a JSON list of messages', { cause: error })
  }
  const messages = messagesSchema.safeParse(value)
  if (!messages.success) throw new UsageError('prompt: expected a list of messages with role and content')
  return messages.data
}

function secondTask(row: z.output<typeof secondSchema>, number: number, maxCharacters: number | undefined) {
  if (maxCharacters !== undefined && row.queries.length > maxCharacters) return null
  const { conversation, request } = splitQueries(row.queries)
  return {
    id: `mrcr-v2-${number}`,
    prompt: request,
    context: { kind: 'text' as const, text: conversation },
    answer: row.answer,
    metadata: {
      taskset: 'mrcr',
      split: 'test',
      reward: 'mrcr_v2',
      view_ops: row.view_ops ?? null,
      context_len: numberOf(row.context_len),
      answer_token_count: numberOf(row.answer_token_count),
      positions: row.positions ?? null,
    },
  }
}

/** The last turn of the user, which asks, and everything before it. */
function splitQueries(text: string): { conversation: string; request: string } {
  const starts = [...text.matchAll(/^User:/gm)]
  const at = starts.at(-1)?.index
  if (at === undefined || at === 0) {
    throw new UsageError('queries: expected a conversation with lines that start with "User:"')
  }
  const request = text
    .slice(at + 'User:'.length)
    .replace(/\n\s*(?:Assistant|Model):\s*$/, '')
    .trim()
  return { conversation: text.slice(0, at).trimEnd(), request }
}

/** All cells of a CSV are texts. */
function numberOf(cell: string | number | undefined): number | null {
  const value = Number(cell)
  return cell === undefined || Number.isNaN(value) ? null : value
}

// OOLONG-real: questions over transcripts of a role-playing show (Dungeons & Dragons). The transcripts
// are the context, the question, which asks for a \boxed{} answer, is the root prompt.
import { z } from 'zod'
import { defineTaskset } from '../define-taskset.ts'
import { benchmarkTaskset, sourceShape } from './source.ts'

const schema = z
  .strictObject({
    ...sourceShape,
    config: z.enum(['dnd', 'toy_dnd']).default('dnd'),
    split: z.enum(['validation', 'test']).default('validation'),
    questionTypes: z.array(z.string()).optional().meta({ description: 'Such as singledoc_rolls.' }),
  })
  .meta({ id: 'OolongRealOptions' })

const idColumn = z.union([z.number().int(), z.string()])

const rowSchema = z.looseObject({
  id: idColumn,
  context_window_id: idColumn,
  context_window_text: z.string().min(1),
  question: z.string().min(1),
  answer: z.union([z.string().min(1), z.number()]).transform(String),
  question_type: z.string(),
  episodes: z.json().optional(),
  campaign: z.string().optional(),
})

export const oolongReal = defineTaskset({
  name: 'oolong-real',
  kind: 'benchmark',
  description: 'OOLONG-real: counting dice rolls and spells over long transcripts.',
  needs: 'path or the Hub',
  options: schema,
  open: (settings, baseDirectory) =>
    benchmarkTaskset({
      name: 'oolong-real',
      settings,
      baseDirectory,
      repo: 'oolongbench/oolong-real',
      wanted: (path) =>
        /\.(?:parquet|jsonl|json)$/.test(path) &&
        path.includes(settings.split) &&
        path.split('/').includes(settings.config),
      row: rowSchema,
      columns: Object.keys(rowSchema.shape),
      only: settings.questionTypes ? { question_type: settings.questionTypes } : {},
      task: (row) => ({
        id: `oolong-real-${row.id}`,
        prompt: row.question,
        context: { kind: 'text', text: row.context_window_text },
        answer: row.answer,
        metadata: {
          taskset: 'oolong-real',
          split: settings.split,
          config: settings.config,
          reward: 'oolong_real',
          context_window_id: row.context_window_id,
          question_type: row.question_type,
          episodes: row.episodes ?? null,
          campaign: row.campaign ?? null,
        },
      }),
    }),
})

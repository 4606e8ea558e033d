// LongBench Pro: 25 kinds of tasks in English and Chinese over documents of 8k to 256k tokens. Its
// summaries are scored by an embedding model and left out unless asked for.
import { z } from 'zod'
import { defineTaskset } from '../define-taskset.ts'
import { benchmarkTaskset, sourceShape } from './source.ts'

const schema = z
  .strictObject({
    ...sourceShape,
    languages: z.array(z.enum(['English', 'Chinese'])).optional(),
    tokenLengths: z.array(z.string()).optional().meta({ description: 'Such as 8k or 128k.' }),
    thinking: z.boolean().default(false).meta({ description: 'The question as put to thinking models.' }),
    summaries: z
      .boolean()
      .default(false)
      .meta({ description: 'Also the tasks T4.x, which need embeddings.' }),
  })
  .meta({ id: 'LongBenchProOptions' })

const rowSchema = z.looseObject({
  id: z.union([z.string().min(1), z.number()]).transform(String),
  context: z.string().min(1),
  language: z.string(),
  token_length: z.union([z.string(), z.number()]),
  primary_task: z.string(),
  secondary_task: z.string(),
  contextual_requirement: z.string(),
  question_nonthinking: z.string().min(1),
  question_thinking: z.string().min(1),
  answer: z.array(z.string()).min(1),
  difficulty: z.string(),
})

const kept = [
  'language',
  'token_length',
  'primary_task',
  'secondary_task',
  'contextual_requirement',
  'difficulty',
] as const

export const longbenchPro = defineTaskset({
  name: 'longbench-pro',
  kind: 'benchmark',
  description: 'LongBench Pro: 25 kinds of tasks in two languages, from 8k to 256k tokens.',
  needs: 'path or the Hub',
  options: schema,
  open: (settings, baseDirectory) =>
    benchmarkTaskset({
      name: 'longbench-pro',
      settings,
      baseDirectory,
      repo: 'caskcsg/LongBench-Pro',
      wanted: (path) => /\.(?:jsonl?|parquet)$/.test(path) && !path.includes('info'),
      row: rowSchema,
      columns: Object.keys(rowSchema.shape),
      only: {
        ...(settings.languages ? { language: settings.languages } : {}),
        ...(settings.tokenLengths ? { token_length: settings.tokenLengths } : {}),
      },
      task(row) {
        if (!settings.summaries && /^T4(?:\.|\b)/.test(row.secondary_task)) return null
        return {
          id: `longbench-pro-${row.id}`,
          prompt: settings.thinking ? row.question_thinking : row.question_nonthinking,
          context: { kind: 'text', text: row.context },
          answer: row.answer,
          metadata: {
            taskset: 'longbench-pro',
            split: 'test',
            reward: 'longbench_pro',
            ...Object.fromEntries(kept.map((name) => [name, row[name]])),
          },
        }
      },
    }),
})

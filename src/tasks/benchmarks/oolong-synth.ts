// OOLONG-synth (arXiv 2511.02817): aggregate questions over windows of labelled lines. The window is the
// context, the question the root prompt; the window with its labels is never read.
import { z } from 'zod'
import { defineTaskset } from '../define-taskset.ts'
import { benchmarkTaskset, sourceShape } from './source.ts'
import { openWindows } from './windows.ts'

const schema = z
  .strictObject({
    ...sourceShape,
    windows: z.string().optional().meta({
      description:
        'Where the windows are, when the questions of `path` have none: joined by context_window_id.',
    }),
    split: z.enum(['validation', 'test']).default('validation'),
    datasets: z.array(z.string()).optional().meta({ description: 'Such as trec_coarse or spam.' }),
    contextLengths: z.array(z.number().int()).optional().meta({ description: 'Such as 131072.' }),
    minContextLength: z.number().int().default(1025),
    maxContextLength: z.number().int().default(131_072),
    excludeNumeric: z
      .boolean()
      .default(false)
      .meta({ description: 'Leave out counts: they rest on noisy labels.' }),
    scorer: z.enum(['oolong', 'oolong_training']).default('oolong'),
  })
  .meta({ id: 'OolongSynthOptions' })

const idColumn = z.union([z.number().int(), z.string()])

const rowSchema = z.looseObject({
  id: idColumn,
  context_window_id: idColumn,
  context_len: z.number().int(),
  dataset: z.string(),
  context_window_text: z.string().min(1).optional(),
  question: z.string().min(1),
  answer: z.string().min(1),
  answer_type: z.string(),
  task: z.string(),
  task_group: z.string(),
  input_subset: z.union([z.string(), z.boolean()]).optional(),
  num_labels: z.number().optional(),
})

const kept = ['context_window_id', 'context_len', 'dataset', 'answer_type', 'task', 'task_group'] as const
const columns = Object.keys(rowSchema.shape)

export const oolongSynth = defineTaskset({
  name: 'oolong-synth',
  kind: 'benchmark',
  description: 'OOLONG-synth: counting, users and time over windows of labelled lines (1k to 4M tokens).',
  needs: 'path or the Hub',
  options: schema,
  open(settings, baseDirectory) {
    const windows = openWindows(settings.windows, baseDirectory)
    const lengths = settings.contextLengths
    return benchmarkTaskset({
      name: 'oolong-synth',
      settings,
      baseDirectory,
      repo: 'oolongbench/oolong-synth',
      wanted: (path) => path.endsWith('.parquet') && path.includes(settings.split),
      split: settings.path === undefined ? settings.split : undefined,
      row: rowSchema,
      columns,
      only: {
        ...(settings.datasets ? { dataset: settings.datasets } : {}),
        ...(lengths ? { context_len: lengths } : {}),
      },
      async task(row) {
        const { minContextLength, maxContextLength, excludeNumeric } = settings
        const fits = lengths || (row.context_len >= minContextLength && row.context_len <= maxContextLength)
        if (!fits || (excludeNumeric && row.answer_type.includes('NUMERIC'))) return null
        const text = row.context_window_text ?? (await windows.textOf(row.context_window_id))
        return {
          id: `oolong-synth-${row.dataset}-${row.id}`,
          prompt: row.question,
          context: { kind: 'text', text },
          answer: row.answer,
          metadata: {
            taskset: 'oolong-synth',
            split: settings.split,
            reward: settings.scorer,
            ...Object.fromEntries(kept.map((name) => [name, row[name]])),
            input_subset: row.input_subset ?? null,
            num_labels: row.num_labels ?? null,
          },
        }
      },
    })
  },
})

// LongBench-v2: multiple choice over long real documents, with CodeQA (its questions about a code
// repository) as a subset. The document is the context; question, choices and answer form the prompt.
import { z } from 'zod'
import { defineTaskset } from '../define-taskset.ts'
import { benchmarkTaskset, sourceShape } from './source.ts'

const schema = z
  .strictObject({
    ...sourceShape,
    subset: z.enum(['all', 'codeqa']).default('all'),
    domains: z.array(z.string()).optional(),
    difficulties: z.array(z.enum(['easy', 'hard'])).optional(),
    lengths: z.array(z.enum(['short', 'medium', 'long'])).optional(),
  })
  .meta({ id: 'LongBenchV2Options' })

const rowSchema = z.looseObject({
  _id: z.string().min(1),
  domain: z.string(),
  sub_domain: z.string(),
  difficulty: z.string(),
  length: z.string(),
  question: z.string().min(1),
  choice_A: z.string(),
  choice_B: z.string(),
  choice_C: z.string(),
  choice_D: z.string(),
  answer: z.enum(['A', 'B', 'C', 'D']),
  context: z.string().min(1),
})

const codeDomain = 'Code Repository Understanding'

export const longbenchV2 = defineTaskset({
  name: 'longbench-v2',
  kind: 'benchmark',
  description: 'LongBench-v2: multiple choice over long documents; subset codeqa: over code repositories.',
  needs: 'path or the Hub',
  options: schema,
  open(settings, baseDirectory) {
    const domains = settings.subset === 'codeqa' ? [codeDomain] : settings.domains
    return benchmarkTaskset({
      name: 'longbench-v2',
      settings,
      baseDirectory,
      repo: 'THUDM/LongBench-v2',
      wanted: (path) => path === 'data.json',
      row: rowSchema,
      columns: Object.keys(rowSchema.shape),
      only: {
        ...(domains ? { domain: domains } : {}),
        ...(settings.difficulties ? { difficulty: settings.difficulties } : {}),
        ...(settings.lengths ? { length: settings.lengths } : {}),
      },
      task: (row) => ({
        id: `longbench-v2-${row._id}`,
        prompt: promptOf(row),
        context: { kind: 'text', text: row.context },
        answer: row.answer,
        metadata: {
          taskset: 'longbench-v2',
          split: 'test',
          reward: 'longbench_v2',
          domain: row.domain,
          sub_domain: row.sub_domain,
          difficulty: row.difficulty,
          length: row.length,
        },
      }),
    })
  },
})

function promptOf(row: z.output<typeof rowSchema>): string {
  const choices = [row.choice_A, row.choice_B, row.choice_C, row.choice_D]
  const list = choices.map((choice, index) => `(${'ABCD'[index]}) ${choice.trim()}`)
  return `What is the correct answer to this question: ${row.question.trim()}\nChoices:\n${list.join('\n')}\n\nFormat your response as follows: "The correct answer is (insert answer here)".`
}

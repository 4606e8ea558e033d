// OOLONG-Pairs (arXiv 2512.24601, appendix D.1): twenty fixed questions for all pairs of users over one
// OOLONG window of TREC questions. A row has its question, or the condition of which it is written.
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import type { Json } from '../../json.ts'
import { defineTaskset } from '../define-taskset.ts'
import { benchmarkTaskset, sourceShape } from './source.ts'
import { openWindows } from './windows.ts'

const schema = z
  .strictObject({
    ...sourceShape,
    windows: z.string().optional().meta({
      description:
        'The OOLONG windows that the questions are about: a JSONL file, or the files of oolong-synth.',
    }),
    contextWindowId: z
      .union([z.number().int(), z.string()])
      .optional()
      .meta({ description: 'The window of rows that do not name theirs; default: the only one there is.' }),
    withoutEmpty: z
      .boolean()
      .default(false)
      .meta({ description: 'Leave out questions that no pair answers.' }),
    contextLength: z.number().int().default(32_768).meta({ description: 'Which file of the Hub.' }),
  })
  .meta({ id: 'OolongPairsOptions' })

const label = z.string()
/** At least so many, or `=1`: exactly so many. */
const requirement = z.tuple([label, z.union([z.number().int(), z.string().regex(/^=\d+$/)])])
const specSchema = z.union([
  z.tuple([z.literal('both'), z.tuple([label, label])]),
  z.tuple([
    z.literal('both'),
    z.tuple([label, label]),
    z.tuple([label, z.enum(['after', 'before']), z.number(), z.number(), z.number()]),
  ]),
  z.tuple([z.literal('ab'), z.array(requirement), z.array(requirement)]),
])

const rowSchema = z.looseObject({
  id: z.union([z.string(), z.number()]),
  question: z.string().min(1).optional(),
  spec: z.json().optional(),
  answer: z.array(z.tuple([z.number(), z.number()])),
  num_pairs: z.number().optional(),
  context_len: z.number().optional(),
  context_window_id: z.union([z.string(), z.number()]).optional(),
  context_window_text: z.string().optional(),
})

export const oolongPairs = defineTaskset({
  name: 'oolong-pairs',
  kind: 'benchmark',
  description: 'OOLONG-Pairs: all pairs of users that meet a condition, over a window of TREC questions.',
  needs: 'path or the Hub, and windows',
  options: schema,
  open(settings, baseDirectory) {
    const windows = openWindows(settings.windows, baseDirectory, {
      dataset: ['trec_coarse'],
      context_len: [settings.contextLength],
    })
    return benchmarkTaskset({
      name: 'oolong-pairs',
      settings,
      baseDirectory,
      repo: 'mit-oasys/oolong-pairs',
      wanted: (path) => path.endsWith(`oolong-pairs-${settings.contextLength}.json`),
      row: rowSchema,
      async task(row) {
        if (settings.withoutEmpty && row.answer.length === 0) return null
        const window = row.context_window_id ?? settings.contextWindowId ?? (await onlyWindow())
        const text = row.context_window_text ?? (await windows.textOf(window))
        return {
          id: `oolong-pairs-${window}-${row.id}`,
          prompt: row.question ?? writeQuestion(row.spec),
          context: { kind: 'text', text },
          answer: row.answer as Json,
          metadata: {
            taskset: 'oolong-pairs',
            split: 'validation',
            reward: 'oolong_pairs',
            question_number: row.id,
            context_window_id: window,
            context_len: row.context_len ?? settings.contextLength,
            num_pairs: row.num_pairs ?? row.answer.length,
          },
        }
      },
    })

    async function onlyWindow(): Promise<string> {
      const ids = await windows.ids()
      if (ids.length === 1 && ids[0] !== undefined) return ids[0]
      throw new UsageError(
        `context_window_id: the row names none; say which of the ${ids.length} windows it is about with contextWindowId`,
      )
    }
  },
})

const trecLabels =
  'description and abstract concept, entity, human being, numeric value, location, abbreviation'

/** The question of a condition, in the words of the paper's list. */
function writeQuestion(value: Json | undefined): string {
  const spec = specSchema.safeParse(value)
  if (!spec.success) throw new UsageError('question: the row has neither a question nor a spec that is known')
  return `In the above data, list all pairs of user IDs (no duplicate pairs, list lower ID first) ${conditionOf(spec.data)}. Each of the questions can be labelled as one of the labels (the data does not provide the labels, you need to figure out the label from the semantics of the question): ${trecLabels}. In your answer, list all pairs in the format (user_id_1, user_id_2), separated by newlines.`
}

const months = 'January February March April May June July August September October November December'.split(
  ' ',
)

function conditionOf(spec: z.output<typeof specSchema>): string {
  if (spec[0] === 'ab') {
    return `such that one user has ${listOf(spec[1])}, and the other user has ${listOf(spec[2])}`
  }
  const [, [first, second], dated] = spec
  const both = `where both users have at least one instance with a ${first} or ${second}`
  if (!dated) return both
  const [about, side, year, month, day] = dated
  return `${both}, and all instances that are a ${about} for both users must be ${side} ${months[month - 1]} ${day}, ${year}`
}

function listOf(requirements: readonly z.output<typeof requirement>[]): string {
  return requirements
    .map(([name, amount]) => {
      const count = Number(String(amount).replace('=', ''))
      const instances = count === 1 ? 'one instance' : `${count} instances`
      return `${typeof amount === 'string' ? 'exactly' : 'at least'} ${instances} with a ${name}`
    })
    .join(' and ')
}

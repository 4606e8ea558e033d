// RULER: needles in a haystack, variable tracking, common and frequent words, generated here by the
// rules of the benchmark. Essays are real text: of a directory that a person gives, or the country
// profiles. Lengths are characters; the benchmark's own are tokens, about a quarter of that.
import { z } from 'zod'
import { defineTaskset } from '../define-taskset.ts'
import { chooseDocuments, documentShape, loadDocuments } from '../generators/documents.ts'
import type { Documents } from '../generators/documents.ts'
import { draftTask, generatorShape } from '../generators/options.ts'
import { seededRandom } from '../random.ts'
import type { Random } from '../random.ts'
import { commonWords, frequentWords, variableTracking } from './ruler-aggregation.ts'
import { needleTask, needleTypes } from './ruler-needles.ts'
import type { NeedleName } from './ruler-needles.ts'

/** What one task of RULER is, whatever its kind. */
export interface RulerDraft {
  prompt: string
  context: string
  outputs: string[]
  knobs: Record<string, number>
}

const otherKinds = ['vt', 'cwe', 'fwe'] as const
const kinds = [...Object.keys(needleTypes), ...otherKinds]

const schema = z
  .strictObject({
    ...generatorShape,
    directory: documentShape.directory,
    extensions: documentShape.extensions,
    kinds: z
      .array(z.enum(kinds))
      .min(1)
      .default([...kinds]),
  })
  .meta({ id: 'RulerOptions' })
type Settings = z.output<typeof schema>

export const ruler = defineTaskset({
  name: 'ruler',
  kind: 'benchmark',
  description:
    'RULER, generated: S-NIAH and the other needles, variable tracking, common and frequent words.',
  options: schema,
  open: (settings, baseDirectory) => ({
    name: 'ruler',
    async *tasks() {
      const documents = await loadDocuments({ ...settings, form: 'text' }, baseDirectory)
      for (let index = 0; index < settings.count; index += 1) {
        const kind = settings.kinds[index % settings.kinds.length] ?? 'niah_single_1'
        const random = seededRandom('ruler', settings.seed, settings.split, kind, index)
        const { prompt, context, outputs, knobs } = draftOf(kind, settings, documents, random)
        yield draftTask('ruler', settings, documents.source, index, {
          kind,
          prompt,
          context,
          answer: outputs,
          reward: 'ruler',
          knobs,
        })
      }
    },
  }),
})

function draftOf(kind: string, settings: Settings, documents: Documents, random: Random): RulerDraft {
  const { characters } = settings
  if (kind === 'vt') return variableTracking(characters, random)
  if (kind === 'cwe') return commonWords(characters, random)
  if (kind === 'fwe') return frequentWords(characters, random)
  const essay = (length: number) =>
    chooseDocuments(documents, length, random)
      .map(({ text }) => text)
      .join('\n')
  return needleTask(kind as NeedleName, characters, essay, random)
}

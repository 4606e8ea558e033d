// What all generators share: how many tasks, how long, from which seed and from which source, and the
// split by document.
import { z } from 'zod'
import { sha256 } from '../../hash.ts'
import type { Json } from '../../json.ts'
import { codePoints } from '../json-length.ts'
import type { Task } from '../task.ts'

export const splits = ['train', 'eval', 'all'] as const

export const generatorShape = {
  count: z.number().int().min(1).max(100_000).default(12),
  characters: z
    .number()
    .int()
    .min(2000)
    .max(20_000_000)
    .default(50_000)
    .meta({ description: 'Characters of context, at most; at least nine tenths of it.' }),
  seed: z.number().int().default(0),
  split: z
    .enum(splits)
    .default('train')
    .meta({ description: 'Which documents may be used: train and eval share none.' }),
  evalShare: z.number().min(0).max(1).default(0.2).meta({ description: 'Share of the documents of eval.' }),
}

export interface GeneratorSettings {
  count: number
  characters: number
  seed: number
  split: (typeof splits)[number]
  evalShare: number
}

/**
 * Whether a document belongs to the split. It is decided by the document's text alone, so that neither
 * its name, nor the seed, nor what else is there can bring it to the other side.
 */
export function isOfSplit(
  text: string,
  { split, evalShare }: Pick<GeneratorSettings, 'split' | 'evalShare'>,
): boolean {
  if (split === 'all') return true
  const share = sha256(text.trim()).readUInt32LE(0) / 2 ** 32
  return share < evalShare === (split === 'eval')
}

/** What a generator makes for one task; the rest is the same for all. */
export interface Draft {
  kind: string
  prompt: string
  context: string | Json[] | Record<string, Json>
  answer: Json
  reward: string
  /** What makes the task hard besides its length, such as `hops` or `distractors`. */
  knobs: Record<string, number>
  metadata?: Record<string, Json>
}

export function draftTask(
  taskset: string,
  settings: GeneratorSettings,
  source: string,
  index: number,
  draft: Draft,
): Task {
  const { context } = draft
  const characters = typeof context === 'string' ? codePoints(context) : totalCharacters(context)
  const { seed, split } = settings
  return {
    id: `${taskset}-${split}-${seed}-${settings.characters}-${String(index).padStart(4, '0')}`,
    prompt: draft.prompt,
    context: typeof context === 'string' ? { kind: 'text', text: context } : { kind: 'json', value: context },
    answer: draft.answer,
    metadata: {
      taskset,
      kind: draft.kind,
      reward: draft.reward,
      split,
      seed,
      source,
      characters,
      ...draft.knobs,
      difficulty: difficultyOf(characters, draft.knobs),
      ...draft.metadata,
    },
  }
}

function totalCharacters(context: Json[] | Record<string, Json>): number {
  return Object.values(context).reduce<number>(
    (sum, item) => sum + (typeof item === 'string' ? codePoints(item) : JSON.stringify(item).length),
    0,
  )
}

/** One step for each tenfold length over 10,000 characters and each doubling of the knobs. */
function difficultyOf(characters: number, knobs: Record<string, number>): 'easy' | 'medium' | 'hard' {
  const length = Math.max(0, Math.log10(characters / 10_000))
  const other = Object.values(knobs).reduce((sum, value) => sum + Math.log2(Math.max(1, value)) / 2, 0)
  const score = length + other
  return score < 1.5 ? 'easy' : score < 3 ? 'medium' : 'hard'
}

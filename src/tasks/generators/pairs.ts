// Pairs of users whose lines meet a condition, as OOLONG-Pairs asks: the answer has to be worked out over
// all pairs, so it grows with the square of the users. A date condition is strict and holds for a user
// without such lines; a user makes no pair with itself; either orientation of a pair counts.
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import { defineTaskset } from '../define-taskset.ts'
import { seededRandom } from '../random.ts'
import type { Random } from '../random.ts'
import { labelledShape, loadLabelled } from './labelled.ts'
import type { Labelled } from './labelled.ts'
import { draftTask, generatorShape } from './options.ts'
import type { Draft } from './options.ts'
import { findPairs } from './pair-conditions.ts'
import type { PairSpec, Requirement } from './pair-conditions.ts'
import { describePairs } from './pair-conditions.ts'
import { makeWindow, randomDay } from './window.ts'
import type { Window } from './window.ts'

const schema = z
  .strictObject({
    ...generatorShape,
    ...labelledShape,
    users: z.number().int().min(3).max(500).default(24),
    maxPairs: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(150)
      .meta({ description: 'Questions with more pairs in their answer are not asked.' }),
  })
  .meta({ id: 'PairsOptions' })
type Settings = z.output<typeof schema>

export const pairs = defineTaskset({
  name: 'pairs',
  kind: 'generator',
  description: 'All pairs of users whose lines meet a condition, as OOLONG-Pairs asks.',
  options: schema,
  open: (settings, baseDirectory) => ({
    name: 'pairs',
    async *tasks() {
      const labelled = await loadLabelled(settings, baseDirectory)
      for (let index = 0; index < settings.count; index += 1) {
        yield draftTask('pairs', settings, labelled.source, index, draftOf(settings, labelled, index))
      }
    },
  }),
})

function draftOf(settings: Settings, labelled: Labelled, index: number): Draft {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const random = seededRandom('pairs', settings.seed, settings.split, index, attempt)
    const window = makeWindow(labelled, settings.characters, settings.users, random)
    if (window.labels.length < 2) continue
    const spec = index % 2 === 0 ? symmetric(window, random) : asymmetric(window, random)
    const found = findPairs(window.lines, spec)
    if (found.length === 0 || found.length > settings.maxPairs) continue
    return {
      kind: spec.kind,
      prompt: describePairs(spec, window.labels),
      context: window.text,
      answer: found,
      reward: 'oolong_pairs',
      knobs: { labels: window.labels.length, pairs: found.length },
      metadata: { lines: window.lines.length, users: settings.users },
    }
  }
  throw new UsageError(
    `pairs: no question with 1 to ${settings.maxPairs} pairs over ${settings.characters} characters and ${settings.users} users; give a larger maxPairs or fewer users`,
  )
}

function symmetric(window: Window, random: Random): PairSpec {
  const anyOf = random.shuffle(window.labels).slice(0, 2)
  const counts = typicalCounts(window)
  // The more lines a user has, the more have to be asked for: else everyone fits.
  const least = random.integer(1, Math.max(1, Math.round(counts * 1.5)))
  const dated =
    random.next() < 0.5 ? { label: anyOf[0] ?? '', side: side(random), day: randomDay(random) } : null
  return { kind: 'both', anyOf, least, dated }
}

function asymmetric(window: Window, random: Random): PairSpec {
  return { kind: 'each', first: requirements(window, random), second: requirements(window, random) }
}

function requirements(window: Window, random: Random): Requirement[] {
  const typical = typicalCounts(window)
  return random
    .shuffle(window.labels)
    .slice(0, random.integer(1, 2))
    .map((label) => {
      const exactly = random.next() < 0.5
      return { label, exactly, count: random.integer(1, Math.max(1, Math.round(typical * 1.5))) }
    })
}

/** Lines of one label that a user has in the mean. */
function typicalCounts({ lines, labels }: Window): number {
  const users = new Set(lines.map(({ user }) => user)).size
  return lines.length / Math.max(1, users * labels.length)
}

function side(random: Random): 'before' | 'after' {
  return random.next() < 0.5 ? 'before' : 'after'
}

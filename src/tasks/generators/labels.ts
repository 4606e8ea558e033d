// Counting and comparing labels over hundreds or thousands of lines, and over time: what OOLONG asks, on
// any labelled texts. Gold is counted from the source's labels; near ties are not asked about.
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import { defineTaskset } from '../define-taskset.ts'
import { seededRandom } from '../random.ts'
import type { Random } from '../random.ts'
import { labelledShape, loadLabelled } from './labelled.ts'
import type { Labelled, LabelledOptions } from './labelled.ts'
import { draftTask, generatorShape } from './options.ts'
import type { Draft, GeneratorSettings } from './options.ts'
import { countLabels, formatDay, makeWindow, randomDay } from './window.ts'
import type { Line, Window } from './window.ts'

const countingKinds = ['most', 'least', 'second', 'count', 'compare', 'user'] as const
const timeKinds = ['before', 'after', 'before-or-after', 'month'] as const
type Kind = (typeof countingKinds)[number] | (typeof timeKinds)[number]

interface Question {
  ask: string
  /** The gold as OOLONG writes it: a Python list of one value. */
  answer: string
  type: 'LABEL' | 'NUMERIC' | 'COMPARISON' | 'USER' | 'MONTH_YEAR'
  group: 'counting' | 'user' | 'timeline'
}

/** Two shares nearer than this, and not equal, are not asked about. */
const clearDifference = 0.02

function schemaOf<const Kinds extends readonly [Kind, ...Kind[]]>(kinds: Kinds, id: string) {
  return z
    .strictObject({
      ...generatorShape,
      ...labelledShape,
      kinds: z
        .array(z.enum(kinds))
        .min(1)
        .default([...kinds] as Kinds[number][]),
      users: z.number().int().min(2).max(2000).default(20),
    })
    .meta({ id })
}

export const labels = defineTaskset({
  name: 'labels',
  kind: 'generator',
  description: 'Counting and comparing labels over many lines of real text, as OOLONG asks.',
  options: schemaOf(countingKinds, 'LabelsOptions'),
  open: (settings, baseDirectory) => labelTaskset('labels', settings, baseDirectory),
})

export const timeline = defineTaskset({
  name: 'timeline',
  kind: 'generator',
  description: 'Before and after: labels of dated lines of real text, counted and compared over time.',
  options: schemaOf(timeKinds, 'TimelineOptions'),
  open: (settings, baseDirectory) => labelTaskset('timeline', settings, baseDirectory),
})

type Settings = GeneratorSettings & LabelledOptions & { kinds: readonly Kind[]; users: number }

function labelTaskset(name: string, settings: Settings, baseDirectory: string) {
  return {
    name,
    async *tasks() {
      const labelled = await loadLabelled(settings, baseDirectory)
      // Of two labels the second is the last: it is asked for only among more.
      const kinds = settings.kinds.filter((kind) => kind !== 'second' || labelled.labels.length > 2)
      if (kinds.length === 0) throw new UsageError(`${name}: the kind second needs at least 3 labels`)
      for (let index = 0; index < settings.count; index += 1) {
        const draft = draftOf(name, { ...settings, kinds }, labelled, index)
        yield draftTask(name, settings, labelled.source, index, draft)
      }
    },
  }
}

function draftOf(name: string, settings: Settings, labelled: Labelled, index: number): Draft {
  const kind = settings.kinds[index % settings.kinds.length] ?? settings.kinds[0] ?? 'most'
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const random = seededRandom(name, settings.seed, settings.split, kind, index, attempt)
    const window = makeWindow(labelled, settings.characters, settings.users, random)
    const question = window.labels.length >= 2 ? askers[kind](window, random) : null
    if (!question) continue
    return {
      kind,
      prompt: question.ask,
      context: window.text,
      answer: question.answer,
      reward: 'oolong',
      knobs: { labels: window.labels.length },
      metadata: {
        lines: window.lines.length,
        answer_type: `ANSWER_TYPE.${question.type}`,
        task_group: question.group,
      },
    }
  }
  throw new UsageError(
    `${name}: no ${kind} question with a clear answer over ${settings.characters} characters; give more characters or another seed`,
  )
}

const askers: Record<Kind, (window: Window, random: Random) => Question | null> = {
  most: (window) => askRank(window, 0, 'the most common'),
  least: (window) => askRank(window, -1, 'the least common'),
  second: (window) => askRank(window, 1, 'the second most common'),
  count: askCount,
  compare: askCompare,
  user: askUser,
  before: (window, random) => askDated(window, random, 'before'),
  after: (window, random) => askDated(window, random, 'after'),
  'before-or-after': askShift,
  month: askMonth,
}

function labelForm(present: readonly string[]): string {
  return `Give your final answer in the form 'Label: answer' where answer is one of the labels: ${present.join(', ')}.`
}

const numberForm = "Give your final answer in the form 'Answer: number'."

function isClear(a: number, b: number, total: number): boolean {
  return Math.abs(a - b) > clearDifference * total
}

function askRank({ lines, labels: present }: Window, rank: number, words: string): Question | null {
  if (rank === 1 && present.length < 3) return null
  const counts = countLabels(lines, present)
  const place = rank < 0 ? counts.length + rank : rank
  const asked = counts[place]
  if (!asked) return null
  const neighbours = [counts[place - 1], counts[place + 1]].filter((other) => other !== undefined)
  if (!neighbours.every((other) => isClear(other.count, asked.count, lines.length))) return null
  return {
    ask: `Over all lines of the context, which label is ${words}? ${labelForm(present)}`,
    answer: pythonText(asked.label),
    type: 'LABEL',
    group: 'counting',
  }
}

function askCount({ lines, labels: present }: Window, random: Random): Question | null {
  const label = random.pick(present)
  const count = lines.filter((line) => line.label === label).length
  return {
    ask: `How many lines of the context hold an instance of the label '${label}'? ${numberForm}`,
    answer: `[${count}]`,
    type: 'NUMERIC',
    group: 'counting',
  }
}

function askCompare({ lines, labels: present }: Window, random: Random): Question | null {
  const [first = '', second = ''] = random.shuffle(present)
  const relation = relationOf(countOf(lines, first), countOf(lines, second), lines.length)
  if (!relation) return null
  return {
    ask: `Over all lines of the context, is the label '${first}' more common, less common, or the same frequency as the label '${second}'? Give your final answer in the form 'Answer: ${first} is [X] ${second}', where [X] is 'more common than', 'less common than', or 'same frequency as'.`,
    answer: pythonText(relation),
    type: 'COMPARISON',
    group: 'counting',
  }
}

function askUser({ lines, labels: present }: Window, random: Random): Question | null {
  const label = random.pick(present)
  const counts = new Map<number, number>()
  for (const line of lines) {
    if (line.label === label) counts.set(line.user, (counts.get(line.user) ?? 0) + 1)
  }
  const [first, second] = [...counts].toSorted((a, b) => b[1] - a[1])
  if (!first || (second && first[1] === second[1])) return null
  return {
    ask: `Which user sent the most instances of the label '${label}'? Give your final answer in the form 'User: number'.`,
    answer: `[${first[0]}]`,
    type: 'USER',
    group: 'user',
  }
}

function askDated(window: Window, random: Random, side: 'before' | 'after'): Question | null {
  const day = randomDay(random)
  const label = random.pick(window.labels)
  const dated = window.lines.filter((line) => (side === 'before' ? line.day < day : line.day > day))
  if (dated.length === 0 || dated.length === window.lines.length) return null
  return {
    ask: `How many instances of the label '${label}' were sent ${side} ${formatDay(day)} (that day itself does not count)? ${numberForm}`,
    answer: `[${countOf(dated, label)}]`,
    type: 'NUMERIC',
    group: 'timeline',
  }
}

function askShift(window: Window, random: Random): Question | null {
  const day = randomDay(random)
  const label = random.pick(window.labels)
  const [before, after] = [
    window.lines.filter((line) => line.day < day),
    window.lines.filter((line) => line.day >= day),
  ]
  if (before.length < 5 || after.length < 5) return null
  const shares = [countOf(before, label) / before.length, countOf(after, label) / after.length] as const
  const relation = relationOf(shares[0], shares[1], 1)
  if (!relation) return null
  const date = formatDay(day)
  return {
    ask: `Of the lines sent before ${date} and of those sent on or after it, take the share that is of the label '${label}'. Is the label more common, less common, or the same frequency before ${date}, compared with after? Give your final answer in the form 'Answer: ${label} is [X] before ${date}', where [X] is 'more common', 'less common', or 'same frequency'.`,
    answer: pythonText(relation.replace(/ (?:than|as)$/, '')),
    type: 'COMPARISON',
    group: 'timeline',
  }
}

function askMonth(window: Window, random: Random): Question | null {
  const label = random.pick(window.labels)
  const counts = new Map<string, number>()
  for (const line of window.lines) {
    if (line.label !== label) continue
    const month = monthOf(line.day)
    counts.set(month, (counts.get(month) ?? 0) + 1)
  }
  const [first, second] = [...counts].toSorted((a, b) => b[1] - a[1])
  if (!first || (second && second[1] === first[1])) return null
  return {
    ask: `In which month were the most instances of the label '${label}' sent? Give your final answer in the form 'Answer: Month YYYY', such as 'Answer: January 2024'.`,
    answer: pythonText(first[0]),
    type: 'MONTH_YEAR',
    group: 'timeline',
  }
}

function monthOf(day: number): string {
  const date = new Date(day * 86_400_000)
  return date.toLocaleString('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' })
}

function countOf(lines: readonly Line[], label: string): number {
  return lines.filter((line) => line.label === label).length
}

function relationOf(first: number, second: number, total: number): string | null {
  if (first === second) return 'same frequency as'
  if (!isClear(first, second, total)) return null
  return first > second ? 'more common than' : 'less common than'
}

function pythonText(text: string): string {
  return text.includes("'") ? `["${text}"]` : `['${text}']`
}

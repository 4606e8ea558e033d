// A window: lines of `Date: … || User: … || Instance: …` over labelled texts, as OOLONG lays them out.
// The labels are not in it; questions about them are answered from the source's own labels.
import { UsageError } from '../../errors.ts'
import type { Random } from '../random.ts'
import type { Labelled, LabelledText } from './labelled.ts'

export interface Line extends LabelledText {
  user: number
  /** Days since 1970-01-01. */
  day: number
}

export interface Window {
  lines: Line[]
  text: string
  labels: string[]
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const firstDay = Math.floor(Date.UTC(2023, 0, 1) / 86_400_000)
/** About 40 months. */
const days = 1217

export function formatDay(day: number): string {
  const date = new Date(day * 86_400_000)
  const dayOfMonth = String(date.getUTCDate()).padStart(2, '0')
  return `${months[date.getUTCMonth()]} ${dayOfMonth}, ${date.getUTCFullYear()}`
}

export function randomDay(random: Random): number {
  return firstDay + random.integer(0, days - 1)
}

/**
 * A window of at most `characters`: each label with a weight of its own, four fifths of the lines by a
 * fifth of the users, dates over 40 months. A text is used twice only where the source is too small.
 */
export function makeWindow(labelled: Labelled, characters: number, users: number, random: Random): Window {
  const weights = labelled.labels.map((label) => ({ label, weight: 0.15 - Math.log(1 - random.next()) }))
  const total = weights.reduce((sum, { weight }) => sum + weight, 0)
  const pools = new Map(
    labelled.labels.map((label) => [
      label,
      random.shuffle(labelled.items.filter((item) => item.label === label)),
    ]),
  )
  const taken = new Map<string, number>()
  function draw(): LabelledText {
    let left = random.next() * total
    const label = (weights.find(({ weight }) => (left -= weight) < 0) ?? weights[0])?.label ?? ''
    const pool = pools.get(label) ?? []
    const count = taken.get(label) ?? 0
    taken.set(label, count + 1)
    const item = pool[count % pool.length]
    if (!item) throw new UsageError(`${labelled.source}: no text with the label ${label}`)
    return item
  }
  const ids = makeUsers(users, random)
  const frequent = Math.max(1, Math.round(ids.length / 5))
  const head = heading(labelled)
  const rows: string[] = []
  const lines: Line[] = []
  let left = characters - head.length - 2
  while (left > 0) {
    const item = draw()
    const index =
      random.next() < 0.8 ? random.integer(0, frequent - 1) : random.integer(frequent, ids.length - 1)
    const user = ids[Math.min(index, ids.length - 1)] ?? 0
    const line = { ...item, user, day: randomDay(random) }
    const row = `Date: ${formatDay(line.day)} || User: ${user} || Instance: ${line.text}`
    left -= row.length + 1
    if (left < 0) break
    rows.push(row)
    lines.push(line)
  }
  const present = labelled.labels.filter((label) => lines.some((line) => line.label === label))
  return { lines, text: `${head}\n\n${rows.join('\n')}`, labels: present }
}

function heading({ noun, labels }: Labelled): string {
  const list = labels.map((label) => `'${label}'`).join(', ')
  return `Each line below holds one ${noun} (after "Instance:"), the day it was sent and the number of the user who sent it; a user may have sent several. Every instance belongs to one of ${labels.length} labels: ${list}. The labels are not given: they have to be told from the meaning of each text.`
}

function makeUsers(count: number, random: Random): number[] {
  const users = new Set<number>()
  while (users.size < count) users.add(random.integer(10_000, 99_999))
  return [...users]
}

/** How many lines each label has, the most frequent first. */
export function countLabels(
  lines: readonly Line[],
  labels: readonly string[],
): { label: string; count: number }[] {
  return labels
    .map((label) => ({ label, count: lines.filter((line) => line.label === label).length }))
    .toSorted((a, b) => b.count - a.count)
}

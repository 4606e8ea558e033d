// The English words that a date may hold, and small rules that its readers share.

/** Thrown by the readers of a date; never leaves this folder. */
export class NotADate extends Error {}

const months = new Map(
  'january february march april may june july august september october november december'
    .split(' ')
    .flatMap((name, index): [string, number][] => [
      [name, index + 1],
      [name.slice(0, 3), index + 1],
    ]),
)
months.set('sept', 9)

const weekdays = new Set(
  'monday tuesday wednesday thursday friday saturday sunday'
    .split(' ')
    .flatMap((name) => [name, name.slice(0, 3)]),
)

const jumps = new Set([
  ' ',
  '.',
  ',',
  ';',
  '-',
  '/',
  "'",
  'at',
  'on',
  'and',
  'ad',
  'm',
  't',
  'of',
  'st',
  'nd',
  'rd',
  'th',
])
const halves = new Map([
  ['am', 0],
  ['a', 0],
  ['pm', 1],
  ['p', 1],
])
const units = new Map(
  ['h', 'hour', 'hours', 'm', 'minute', 'minutes', 's', 'second', 'seconds'].map((word, index) => [
    word,
    Math.floor(index / 3),
  ]),
)

export const utcNames: ReadonlySet<string> = new Set(['utc', 'gmt', 'z'])

export const monthOf = (word: string): number | null => months.get(word.toLowerCase()) ?? null
export const isWeekday = (word: string): boolean => weekdays.has(word.toLowerCase())
/** Words without a meaning of their own, skipped. */
export const isJump = (word: string): boolean => jumps.has(word.toLowerCase())
/** 0 for the morning, 1 for the afternoon. */
export const ampmOf = (word: string): number | null => halves.get(word.toLowerCase()) ?? null
/** 0 hours, 1 minutes, 2 seconds. */
export const unitOf = (word: string): number | null => units.get(word.toLowerCase()) ?? null

/** Errors raised: NotADate when the month is none. */
export function daysIn(year: number, month: number): number {
  if (month < 1 || month > 12) throw new NotADate()
  const days = new Date(0)
  days.setUTCFullYear(year, month, 0)
  return days.getUTCDate()
}

export function toDayHour(hour: number, half: number | null): number {
  if (hour < 12 && half === 1) return hour + 12
  return hour === 12 && half === 0 ? 0 : hour
}

/** Digits as a number. Errors raised: NotADate for anything else. */
export function whole(text: string): number {
  if (!/^\p{Nd}+$/u.test(text)) throw new NotADate()
  return Number(text)
}

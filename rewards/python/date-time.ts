// The numbers of a date text that are a time of day, or a whole date without separators.
import { NotADate, unitOf, whole } from './date-words.ts'
import type { DayParts } from './day-parts.ts'

export interface Clock {
  hour: number | null
  minute: number | null
  second: number | null
  microsecond: number | null
  ampm: number | null
}

/** Gives the last token read, or null when the number is no time. Errors raised: NotADate. */
export function readTime(tokens: string[], at: number, parts: DayParts, clock: Clock): number | null {
  const token = tokens[at] ?? ''
  const next = tokens[at + 1]
  const size = token.length
  if (parts.count() === 3 && (size === 2 || size === 4) && clock.hour === null) {
    if (next === undefined || (next !== ':' && unitOf(next) === null)) {
      clock.hour = whole(token.slice(0, 2))
      if (size === 4) clock.minute = whole(token.slice(2))
      return at
    }
  }
  if (size === 6 || (size > 6 && token.indexOf('.') === 6)) {
    if (parts.count() === 0 && !token.includes('.')) {
      for (const part of [token.slice(0, 2), token.slice(2, 4), token.slice(4)]) parts.addText(part)
    } else {
      clock.hour = whole(token.slice(0, 2))
      clock.minute = whole(token.slice(2, 4))
      setSeconds(clock, token.slice(4))
    }
    return at
  }
  if (size === 8 || size === 12 || size === 14) {
    parts.addText(token.slice(0, 4), 'year')
    parts.addText(token.slice(4, 6))
    parts.addText(token.slice(6, 8))
    if (size > 8) {
      clock.hour = whole(token.slice(8, 10))
      clock.minute = whole(token.slice(10, 12))
    }
    if (size > 12) clock.second = whole(token.slice(12))
    return at
  }
  const unitAt = findUnit(tokens, at)
  if (unitAt !== null) return setUnit(tokens, at, unitAt, clock)
  if (next === ':' && at + 2 < tokens.length) return readColons(tokens, at, clock)
  return null
}

/** The unit that follows the number (`12h`, `12 h`), or the one before it (`12h04`). */
function findUnit(tokens: string[], at: number): number | null {
  const has = (place: number) => unitOf(tokens[place] ?? '') !== null
  if (has(at + 1)) return at + 1
  if (tokens[at + 1] === ' ' && has(at + 2)) return at + 2
  if (at > 0 && has(at - 1)) return at - 1
  if (at > 1 && at === tokens.length - 1 && tokens[at - 1] === ' ' && has(at - 2)) return at - 2
  return null
}

function setUnit(tokens: string[], at: number, unitAt: number, clock: Clock): number {
  const token = tokens[at] ?? ''
  const value = Number(token)
  const named = unitOf(tokens[unitAt] ?? '') ?? 0
  const unit = unitAt > at ? named : named + 1
  if (unit === 0) {
    clock.hour = Math.trunc(value)
    if (value % 1 !== 0) clock.minute = Math.trunc(60 * (value % 1))
  } else if (unit === 1) setMinutes(clock, value)
  else if (unit === 2) setSeconds(clock, token)
  return Math.max(at, unitAt)
}

function readColons(tokens: string[], at: number, clock: Clock): number {
  clock.hour = Math.trunc(Number(tokens[at]))
  const minutes = Number(tokens[at + 2])
  if (!Number.isFinite(minutes) || !/^\p{Nd}/u.test(tokens[at + 2] ?? '')) throw new NotADate()
  setMinutes(clock, minutes)
  const seconds = tokens[at + 4]
  if (tokens[at + 3] !== ':' || seconds === undefined) return at + 2
  setSeconds(clock, seconds)
  return at + 4
}

function setMinutes(clock: Clock, value: number): void {
  clock.minute = Math.trunc(value)
  clock.second = value % 1 === 0 ? null : Math.trunc(60 * (value % 1))
}

function setSeconds(clock: Clock, text: string): void {
  const [seconds = '', fraction] = text.split('.')
  clock.second = whole(seconds)
  clock.microsecond = fraction === undefined ? 0 : whole(fraction.padEnd(6, '0').slice(0, 6))
}

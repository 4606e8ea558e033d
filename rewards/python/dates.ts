// `dateutil.parser.parse(text)` with its defaults (month before day), for scorers that compare dates.
// What the text leaves out stays null here, where the original fills in the clock's; and two-digit
// years are read as seen from a fixed year, so that a score never depends on the day it is computed.
import { dateTokens } from './date-tokens.ts'
import { readTime } from './date-time.ts'
import type { Clock } from './date-time.ts'
import {
  ampmOf,
  daysIn,
  isJump,
  isWeekday,
  monthOf,
  NotADate,
  toDayHour,
  utcNames,
  whole,
} from './date-words.ts'
import { createDayParts } from './day-parts.ts'
import type { DayParts } from './day-parts.ts'

export interface ParsedDate {
  year: number | null
  month: number | null
  day: number | null
  hour: number
  minute: number
  second: number
  microsecond: number
  /** A time zone was understood: never equal to a date without one. */
  zoned: boolean
}

const seenFrom = 2025

/** Null where the original raises an error. */
export function parseDate(text: string): ParsedDate | null {
  const tokens = dateTokens(text)
  const parts = createDayParts()
  const clock: Clock = { hour: null, minute: null, second: null, microsecond: null, ampm: null }
  const zone: Zone = { name: null, offset: null }
  let weekday = false
  try {
    for (let at = 0; at < tokens.length; at += 1) {
      const token = tokens[at] ?? ''
      if (/^\p{Nd}/u.test(token)) at = readNumber(tokens, at, parts, clock)
      else if (isWeekday(token)) weekday = true
      else if (monthOf(token) !== null) at = readMonth(tokens, at, parts)
      else if (ampmOf(token) !== null) setHalf(clock, token)
      else if (couldBeZone(clock, zone, token)) readZoneName(tokens, at, zone)
      else if (clock.hour !== null && (token === '+' || token === '-'))
        at = readOffset(tokens, at, clock, zone)
      else if (!isJump(token)) return null
    }
    const { year, month, day } = parts.resolve()
    const empty = [year, month, day, clock.hour, clock.minute, clock.second, zone.name, zone.offset]
    if (!weekday && empty.every((value) => value === null)) return null
    return checked(
      { year: year === null ? null : fullYear(year, parts.centuryGiven()), month, day },
      clock,
      zone,
    )
  } catch (error) {
    if (error instanceof NotADate) return null
    throw error
  }
}

interface Zone {
  name: string | null
  offset: number | null
}

function fullYear(year: number, centuryGiven: boolean): number {
  if (year >= 100 || centuryGiven) return year
  const guess = year + Math.floor(seenFrom / 100) * 100
  if (guess >= seenFrom + 50) return guess - 100
  return guess < seenFrom - 50 ? guess + 100 : guess
}

function checked(
  { year, month, day }: Pick<ParsedDate, 'year' | 'month' | 'day'>,
  clock: Clock,
  zone: Zone,
): ParsedDate | null {
  const { hour, minute, second, microsecond } = clock
  if (year !== null && (year < 1 || year > 9999)) return null
  if (month !== null && (month < 1 || month > 12)) return null
  if (day !== null && (day < 1 || day > daysIn(year ?? 2000, month ?? 1))) return null
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return null
  const isUtc = zone.name !== null && utcNames.has(zone.name.toLowerCase())
  return {
    year,
    month,
    day,
    hour: hour ?? 0,
    minute: minute ?? 0,
    second: second ?? 0,
    microsecond: microsecond ?? 0,
    zoned: zone.offset !== null || isUtc,
  }
}

function tokenAt(tokens: string[], at: number): string {
  const token = tokens[at]
  if (token === undefined) throw new NotADate()
  return token
}

/** A month's name, with what follows it: `Jan-01-99`, `Jan of 01`. Gives the last token read. */
function readMonth(tokens: string[], at: number, parts: DayParts): number {
  parts.addNumber(monthOf(tokens[at] ?? '') ?? 0, 'month')
  const next = tokens[at + 1]
  if (next === '-' || next === '/') {
    parts.addText(tokenAt(tokens, at + 2))
    if (tokens[at + 3] !== next) return at + 2
    parts.addText(tokenAt(tokens, at + 4))
    return at + 4
  }
  if (next === ' ' && tokens[at + 2]?.toLowerCase() === 'of' && tokens[at + 3] === ' ') {
    const year = tokens[at + 4]
    if (year === undefined) return at
    if (/^\p{Nd}+$/u.test(year)) parts.addText(String(fullYear(Number(year), false)), 'year')
    return at + 4
  }
  return at
}

function setHalf(clock: Clock, token: string): void {
  if (clock.hour === null || clock.hour > 12) throw new NotADate()
  const half = ampmOf(token)
  clock.hour = toDayHour(clock.hour, half)
  clock.ampm = half
}

function couldBeZone(clock: Clock, zone: Zone, token: string): boolean {
  if (clock.hour === null || zone.name !== null || zone.offset !== null) return false
  return token.length <= 5 && (/^[A-Z]+$/.test(token) || token === 'z')
}

function readZoneName(tokens: string[], at: number, zone: Zone): void {
  zone.name = tokens[at] ?? ''
  const sign = tokens[at + 1]
  if (sign !== '+' && sign !== '-') return
  // "GMT+3" means that GMT is three hours ahead of it: the sign is turned round.
  tokens[at + 1] = sign === '+' ? '-' : '+'
  zone.offset = null
  if (utcNames.has(zone.name.toLowerCase())) zone.name = null
}

function readOffset(tokens: string[], at: number, clock: Clock, zone: Zone): number {
  const digits = tokenAt(tokens, at + 1)
  let end = at
  let [hours, minutes] = [0, 0]
  if (digits.length === 4) [hours, minutes] = [whole(digits.slice(0, 2)), whole(digits.slice(2))]
  else if (tokens[at + 2] === ':') {
    ;[hours, minutes] = [whole(digits), whole(tokenAt(tokens, at + 3))]
    end += 2
  } else if (digits.length <= 2) hours = whole(digits)
  else throw new NotADate()
  zone.offset = (tokens[at] === '+' ? 1 : -1) * (hours * 3600 + minutes * 60)
  const name = tokens[end + 4] ?? ''
  const named = isJump(tokens[end + 2] ?? '?') && tokens[end + 3] === '(' && tokens[end + 5] === ')'
  if (named && name.length >= 3 && couldBeZone(clock, { ...zone, offset: null }, name)) {
    zone.name = name
    end += 4
  }
  return end + 1
}

/** A token that begins with a digit: part of a day or of a time. Gives the last token read. */
function readNumber(tokens: string[], at: number, parts: DayParts, clock: Clock): number {
  const token = tokens[at] ?? ''
  const value = Number(token)
  if (!Number.isFinite(value)) throw new NotADate()
  const time = readTime(tokens, at, parts, clock)
  if (time !== null) return time
  const next = tokens[at + 1]
  if (next === '-' || next === '/' || next === '.') return readSeparated(tokens, at, parts)
  if (next === undefined || isJump(next)) {
    const half = ampmOf(tokens[at + 2] ?? '')
    if (half !== null) {
      clock.hour = toDayHour(Math.trunc(value), half)
      return at + 2
    }
    parts.addNumber(value)
    return at + 1
  }
  const half = ampmOf(next)
  if (half !== null && value < 24) {
    clock.hour = toDayHour(Math.trunc(value), half)
    return at + 1
  }
  if (!parts.couldBeDay(value)) throw new NotADate()
  parts.addNumber(value)
  return at
}

/** `01-01`, `01/Jan/99`: up to three members with one separator. */
function readSeparated(tokens: string[], at: number, parts: DayParts): number {
  parts.addText(tokens[at] ?? '')
  const second = tokens[at + 2]
  if (second === undefined || isJump(second)) return at + 1
  addMember(second, parts, false)
  if (tokens[at + 3] !== tokens[at + 1]) return at + 2
  addMember(tokenAt(tokens, at + 4), parts, true)
  return at + 4
}

function addMember(token: string, parts: DayParts, isLast: boolean): void {
  const month = monthOf(token)
  if (month !== null) parts.addNumber(month, 'month')
  else if (isLast || /^\p{Nd}+$/u.test(token)) parts.addText(token)
  else throw new NotADate()
}

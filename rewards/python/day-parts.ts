// Up to three numbers that are a day, a month and a year in an order that has to be found out: by names
// and sizes first, then month before day, year last.
import { daysIn, NotADate } from './date-words.ts'

type Role = 'year' | 'month' | 'day'

export interface DayParts {
  count(): number
  centuryGiven(): boolean
  addNumber(value: number, role?: Role): void
  addText(text: string, role?: Role): void
  couldBeDay(value: number): boolean
  /** Errors raised: NotADate when there are more than three, as every other method raises. */
  resolve(): { year: number | null; month: number | null; day: number | null }
}

export function createDayParts(): DayParts {
  const values: number[] = []
  const roles = new Map<Role, number>()
  let century = false

  function add(value: number, role: Role | undefined, isYear: boolean): void {
    if (isYear) {
      century = true
      if (role !== undefined && role !== 'year') throw new NotADate()
    }
    const own = isYear ? 'year' : role
    values.push(Math.trunc(value))
    if (own === undefined) return
    if (roles.has(own)) throw new NotADate()
    roles.set(own, values.length - 1)
  }

  const valueOf = (role: Role): number | null => {
    const at = roles.get(role)
    return at === undefined ? null : (values[at] ?? null)
  }

  function couldBeDay(value: number): boolean {
    if (roles.has('day') || value < 1) return false
    const month = valueOf('month')
    return value <= (month === null ? 31 : daysIn(valueOf('year') ?? 2000, month))
  }

  function resolve() {
    if (values.length === 3 && roles.size === 2) {
      const missing = (['year', 'month', 'day'] as const).find((role) => !roles.has(role))
      const at = [0, 1, 2].find((place) => ![...roles.values()].includes(place))
      if (missing && at !== undefined) roles.set(missing, at)
    }
    if (values.length > 0 && values.length === roles.size) {
      return { year: valueOf('year'), month: valueOf('month'), day: valueOf('day') }
    }
    return byOrder(values, roles)
  }

  return {
    count: () => values.length,
    centuryGiven: () => century,
    addNumber: (value, role) => add(value, role, value > 100),
    addText(text, role) {
      if (!/^\p{Nd}+$/u.test(text)) throw new NotADate()
      add(Number(text), role, text.length > 2)
    },
    couldBeDay,
    resolve,
  }
}

function byOrder(values: number[], roles: Map<Role, number>) {
  const [a = 0, b = 0, c = 0] = values
  const monthAt = roles.get('month')
  const none = { year: null, month: null, day: null }
  if (values.length === 0) return none
  if (values.length > 3) throw new NotADate()
  if (values.length === 1) {
    if (monthAt === 0) return { ...none, month: a }
    return a > 31 ? { ...none, year: a } : { ...none, day: a }
  }
  if (values.length === 2) {
    if (monthAt !== undefined) {
      const [month, other] = monthAt === 0 ? [a, b] : [b, a]
      return other > 31 ? { year: other, month, day: null } : { year: null, month, day: other }
    }
    if (a > 31) return { year: a, month: b, day: null }
    return b > 31 ? { year: b, month: a, day: null } : { year: null, month: a, day: b }
  }
  if (monthAt === 0) {
    return b > 31 ? { month: a, year: b, day: c } : { month: a, day: b, year: c }
  }
  if (monthAt === 1) {
    return a > 31 ? { year: a, month: b, day: c } : { day: a, month: b, year: c }
  }
  if (monthAt === 2) {
    return b > 31 ? { day: a, year: b, month: c } : { year: a, day: b, month: c }
  }
  if (a > 31 || roles.get('year') === 0) return { year: a, month: b, day: c }
  return a > 12 ? { day: a, month: b, year: c } : { month: a, day: b, year: c }
}

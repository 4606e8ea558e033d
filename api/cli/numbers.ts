// Numbers of options, checked.
import { UsageError } from '../../src/errors.ts'

export function wholeNumber(text: string, option: string, least = 0): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw new UsageError(`${option}: "${text}" is not a whole number of at least ${least}`)
  return value
}

export function decimal(
  text: string,
  option: string,
  least = Number.NEGATIVE_INFINITY,
  most = Number.POSITIVE_INFINITY,
): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most) {
    const range = Number.isFinite(least) ? ` between ${least} and ${most}` : ''
    throw new UsageError(`${option}: "${text}" is not a number${range}`)
  }
  return value
}

// The repairs that an export does: all of them, or those that are named, less those switched off.
import { UsageError } from '../../errors.ts'
import { repairRules, type RepairRule } from './rules.ts'

/**
 * From names of rules: `all`, single ones, and `-NAME` for one that is switched off (alone: all but it).
 * In the order in which they are applied. Errors raised: UsageError for a name that is not known.
 */
export function parseRepairs(given: readonly string[]): RepairRule[] {
  const names = repairRules.map(({ name }) => name)
  const wanted = new Set<string>()
  const off = new Set<string>()
  for (const text of given) {
    const name = text.replace(/^-/, '')
    if (!names.includes(name) && text !== 'all') {
      throw new UsageError(
        `repair: "${text}" is not known; the rules are ${names.join(', ')}, or all; -NAME switches one off.`,
      )
    }
    if (text.startsWith('-')) off.add(name)
    else wanted.add(name)
  }
  if (given.length === 0) return []
  const all = wanted.has('all') || wanted.size === 0
  return repairRules.filter(({ name }) => (all || wanted.has(name)) && !off.has(name))
}

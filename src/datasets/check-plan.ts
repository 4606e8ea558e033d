// The mistakes that a dataset plan can have in its words, found when it is read and not when a run that
// took a day has ended.
import { parseChoice } from './choice.ts'
import { parseRules } from './clean/rules.ts'
import type { DatasetPlan } from './curation-options.ts'
import { parseRepairs } from './repairs/parse.ts'
import { parseWhere } from './where/parse.ts'

/** Errors raised: UsageError that points at the mistake. */
export function checkDatasetPlan({ where, select, clean, repair }: DatasetPlan): void {
  if (where !== undefined) parseWhere(where)
  if (select !== undefined) parseChoice(select)
  parseRules(clean ?? [])
  parseRepairs(repair ?? [])
}

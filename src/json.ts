// JSON values as a type and as a schema.
import { z } from 'zod'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Levels of lists and objects in each other that are taken from outside. */
const mostNesting = 500

/**
 * JSON of whoever, nested at most `mostNesting` deep. `z.json()` recurses: deep nesting ends the stack, and zod
 * 4.6 then keeps for ever what it had begun to parse (its memoizer pops nothing when a parse throws).
 */
export const jsonSchema = z.custom<Json>(isJson, `must be JSON, nested at most ${mostNesting} deep`)

/** Does not recurse; false for numbers that JSON has not, and for what is nested deeper than `mostNesting`. */
function isJson(value: unknown): value is Json {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    const inner: unknown[] = []
    for (const one of level) {
      if (one === null || typeof one === 'string' || typeof one === 'boolean') continue
      if (typeof one === 'number' && Number.isFinite(one)) continue
      if (typeof one !== 'object' || depth === mostNesting) return false
      for (const item of Object.values(one)) inner.push(item)
    }
    level = inner
  }
  return true
}

/** JSON text with object keys sorted at every level: equal values give equal text, for hashing. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    const entries = Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries)
  })
}

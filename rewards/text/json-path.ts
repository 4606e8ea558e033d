// `json_path`: the answer is JSON (alone, or in a code fence), and what stands at a path in it equals what
// stands at that path in the gold, or the gold itself when that has no such path. Texts are compared after
// the shared normalisation, numbers within a tolerance, objects whatever the order of their keys.
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import { defineReward } from '../../src/reward.ts'
import { goldOf, notAnswered } from '../gold.ts'
import { normalize } from '../normalize.ts'

/** `a.b[0].c`; an empty path is the whole value. */
export function readPath(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? (key ?? '') : Number(index),
  )
}

export function at(value: Json | undefined, path: readonly (string | number)[]): Json | undefined {
  let inner = value
  for (const step of path) {
    if (inner === null || typeof inner !== 'object') return undefined
    inner = Array.isArray(inner) ? inner[Number(step)] : Object.hasOwn(inner, step) ? inner[step] : undefined
  }
  return inner
}

export function readJson(answer: string): Json | undefined {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)```/i.exec(answer)?.[1]
  for (const text of fenced === undefined ? [answer] : [answer, fenced]) {
    try {
      return JSON.parse(text) as Json
    } catch {
      // Not this one.
    }
  }
  return undefined
}

interface Rules {
  tolerance: number
  unordered: boolean
}

export function equalJson(a: Json, b: Json, rules: Rules): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= rules.tolerance
  if (typeof a === 'string' && typeof b === 'string') return normalize(a) === normalize(b)
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && equalLists(a, b, rules)
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key] ?? null, b[key] ?? null, rules))
}

function equalLists(a: Json[], b: Json[], rules: Rules): boolean {
  if (a.length !== b.length) return false
  if (!rules.unordered) return a.every((item, index) => equalJson(item, b[index] ?? null, rules))
  const left = [...b]
  return a.every((item) => {
    const found = left.findIndex((other) => equalJson(item, other, rules))
    if (found >= 0) left.splice(found, 1)
    return found >= 0
  })
}

export const jsonPath = defineReward({
  name: 'json_path',
  version: '1',
  description:
    'What stands at a path of the JSON answer equals the gold; with several paths, the share that does.',
  sees: 'answer',
  options: z.strictObject({
    paths: z
      .array(z.string())
      .min(1)
      .default([''])
      .meta({ description: 'Such as `total` or `items[0].name`.' }),
    tolerance: z.number().min(0).default(0),
    unordered: z.boolean().default(false).meta({ description: 'The order of lists does not count.' }),
  }),
  score: (context) => {
    const { task, trajectory, options } = context
    const gold = goldOf(context)
    const golds = options.paths.map((path) => at(gold, readPath(path)))
    if (options.paths.length > 1 && golds.includes(undefined)) {
      throw new DescentError(
        'reward',
        'bad_gold',
        `the gold answer of task ${task.id} lacks one of the paths`,
      )
    }
    if (trajectory.answer === null) return notAnswered
    const answer = readJson(trajectory.answer)
    if (answer === undefined) return { value: 0, details: { parsed: false } }
    const wrong = options.paths.filter((path, index) => {
      const found = at(answer, readPath(path))
      return found === undefined || !equalJson(found, golds[index] ?? gold, options)
    })
    return { value: 1 - wrong.length / options.paths.length, details: { parsed: true, wrong } }
  },
})

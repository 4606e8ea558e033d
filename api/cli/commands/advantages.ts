// `descent advantages RUN`: turns a run's scores into advantages by a named method, stores them, and prints or
// writes them. Stored advantages are read with their trajectory.
import { parse } from 'yaml'
import type { Credit } from '../../../rewards/credit/levels.ts'
import {
  creditLevels,
  findRunMethod,
  runMethods,
  type CreditLevel,
  type RunMethod,
} from '../../../rewards/credit/methods.ts'
import { creditRun } from '../../../rewards/credit/stage.ts'
import { UsageError } from '../../../src/errors.ts'
import { hashOf } from '../../../src/hash.ts'
import type { Json } from '../../../src/json.ts'
import type { NewAdvantage, Store, StoredRun } from '../../../src/store/contract.ts'
import { openAdvantageOutput } from '../advantage-output.ts'
import { formatTable } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export interface AdvantagesOptions extends StoreOption {
  method: string
  level?: string
  options?: string
  reward?: string
  out?: string
  limit: string
  dryRun?: boolean
  list?: boolean
  json?: boolean
  csv?: boolean
}

export async function advantages(reference: string | undefined, options: AdvantagesOptions): Promise<void> {
  if (options.list) {
    listMethods(options.json === true)
    return
  }
  if (reference === undefined)
    throw new UsageError(
      'advantages: name the run: its id, part of it, or "latest" (or --list for the methods)',
    )
  if (options.json && options.csv) throw new UsageError('advantages: choose --json or --csv, not both')
  const method = findRunMethod(options.method)
  const level = readLevel(options.level, method)
  const given = readOptions(method, options.options)
  const lines = wholeNumber(options.limit, '--limit')
  await usingStore(options, async (store) => {
    const run = await store.findRun(reference)
    const identity = identityOf(method, { ...given, level, reward: options.reward ?? null })
    const output = openAdvantageOutput(options, level, lines)
    const stored = options.dryRun ? null : openRows(store, run, identity)
    const interrupt = onInterrupt()
    const totals = { rows: 0, unscored: 0, trajectories: new Set<string>(), withoutTokens: 0 }
    try {
      const settings = { store, runId: run.id, method, options: given, level, signal: interrupt.signal }
      for await (const group of creditRun({ ...settings, reward: options.reward })) {
        for (const credit of group) {
          totals.rows += 1
          totals.trajectories.add(credit.trajectoryId)
          if (credit.advantage === null) totals.unscored += 1
          else if (level === 'token' && credit.tokens === null) totals.withoutTokens += 1
          await output.add(credit)
        }
        await stored?.add(group)
      }
      await stored?.flush()
    } finally {
      interrupt.dispose()
      await output.end()
    }
    tell(run, method, totals, options)
  })
}

function tell(
  run: StoredRun,
  method: RunMethod,
  totals: { rows: number; unscored: number; trajectories: Set<string>; withoutTokens: number },
  { dryRun, out, reward }: AdvantagesOptions,
): void {
  if (totals.rows === 0) throw new UsageError(`run ${run.id} has no ended trajectory`)
  if (reward !== undefined && totals.unscored === totals.rows) {
    throw new UsageError(
      `--reward: no trajectory of run ${run.id} has a score ${JSON.stringify(reward)}; descent stats ${run.id} tells which there are`,
    )
  }
  const reason = method.kind === 'steps' ? 'never scored, or no fork begins there' : 'never scored'
  const missing = totals.unscored > 0 ? `, ${totals.unscored} without one (${reason})` : ''
  const places = [
    dryRun ? 'nothing was stored' : 'stored',
    ...(out === undefined ? [] : [`written to ${out}`]),
  ]
  say(
    `${method.name}@${method.version}: ${totals.rows - totals.unscored} advantages of ${totals.trajectories.size} trajectories${missing}; ${places.join(', ')}`,
  )
  if (totals.withoutTokens > 0) {
    say(
      `${totals.withoutTokens} turns have no stored tokens: their advantage stands without a value for each token (collect with model.tokens to have them)`,
    )
  }
}

function readLevel(text: string | undefined, method: RunMethod): CreditLevel {
  if (text === undefined) return method.from
  const level = creditLevels.find((known) => known === text)
  if (level) return level
  throw new UsageError(`--level: ${JSON.stringify(text)} is none of ${creditLevels.join(', ')}`)
}

function readOptions(method: RunMethod, text: string | undefined): Record<string, Json | undefined> {
  let given: unknown
  try {
    given = parse(text ?? '{}')
  } catch (error) {
    throw new UsageError(`--options: not valid YAML or JSON: ${(error as Error).message.split('\n')[0]}`)
  }
  const parsed = method.options.safeParse(given)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`)
  throw new UsageError(`--options: ${method.name}: ${problems.join('; ')}`)
}

type Identity = Pick<NewAdvantage, 'method' | 'version' | 'options' | 'optionsHash'>

function identityOf({ name, version }: RunMethod, options: Record<string, Json | undefined>): Identity {
  const known = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Json
  return { method: name, version, options: known, optionsHash: hashOf(known) }
}

const flushAt = 1000

/**
 * Replaces what the method left with the same options, once the first ones are computed. Tokens are not stored:
 * they repeat their turn's value.
 */
function openRows(store: Store, run: StoredRun, identity: Identity) {
  const waiting: NewAdvantage[] = []
  let cleared = false
  async function flush(): Promise<void> {
    if (!cleared) await store.clearAdvantages(run.id, identity)
    cleared = true
    await store.addAdvantages(waiting.splice(0))
  }
  return {
    flush,
    async add(credits: Credit[]): Promise<void> {
      for (const { trajectoryId, invocationId, turnId, reward, advantage, weight } of credits) {
        if (advantage === null) continue
        const place = { runId: run.id, trajectoryId, invocationId, turnId }
        waiting.push({ ...place, ...identity, reward, value: advantage, weight })
      }
      if (waiting.length >= flushAt) await flush()
    },
  }
}

function listMethods(json: boolean): void {
  if (json) {
    for (const { name, version, from, description, source } of runMethods)
      printJson({ name, version, from, description, source })
    return
  }
  const rows = runMethods.map(({ name, from, description, source }) => [name, from, description, source])
  process.stdout.write(`${formatTable(['method', 'from', 'what it is', 'source'], rows)}\n`)
}

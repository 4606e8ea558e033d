// The token arrays of a trajectory's calls: deltas, as they are stored.
import { sql } from 'drizzle-orm'
import { isId } from '../ids.ts'
import type { CallTokens } from './contract.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { isOneOf, rowReader } from './rows.ts'
import * as tables from './schema.ts'
import { unpackFloats, unpackIntegers } from './tokens.ts'
import { noTrajectory } from './trajectories.ts'

const { calls } = tables
const reader = rowReader(calls, {
  trajectoryId: calls.trajectoryId,
  callId: calls.id,
  baseCallId: calls.tokenBaseCallId,
  prompt: calls.promptTokens,
  completion: calls.completionTokens,
  logprobs: calls.logprobs,
  policyVersion: calls.policyVersion,
})

/** Errors raised: UsageError when the id is not one. */
export async function readTokens(database: Database, trajectoryId: string): Promise<Map<string, CallTokens>> {
  const [found] = await readTokensOf(database, [trajectoryId])
  return found ?? new Map<string, CallTokens>()
}

/** In the order of the ids. Errors raised: UsageError when one is not an id. */
export async function readTokensOf(
  database: Database,
  trajectoryIds: string[],
): Promise<Map<string, CallTokens>[]> {
  for (const id of trajectoryIds) if (!isId(id)) throw noTrajectory(database, id)
  const rows = await query(database, () =>
    reader.read(
      database.db,
      sql`where ${isOneOf(calls.trajectoryId, trajectoryIds)} and (${calls.promptTokens} is not null
        or ${calls.completionTokens} is not null or ${calls.logprobs} is not null)`,
    ),
  )
  const found = new Map(trajectoryIds.map((id) => [id, new Map<string, CallTokens>()]))
  for (const { trajectoryId, prompt, completion, logprobs, ...row } of rows) {
    found.get(trajectoryId)?.set(row.callId, {
      ...row,
      prompt: prompt && unpackIntegers(prompt),
      completion: completion && unpackIntegers(completion),
      logprobs: logprobs && unpackFloats(logprobs),
    })
  }
  return [...found.values()]
}

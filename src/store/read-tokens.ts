// The token arrays of a trajectory's calls: deltas, as they are stored.
import { and, eq, isNotNull, or } from 'drizzle-orm'
import { isId } from '../ids.ts'
import type { CallTokens } from './contract.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import * as tables from './schema.ts'
import { unpackFloats, unpackIntegers } from './tokens.ts'
import { noTrajectory } from './trajectories.ts'

/** Errors raised: UsageError when the id is not one. */
export async function readTokens(database: Database, trajectoryId: string): Promise<Map<string, CallTokens>> {
  if (!isId(trajectoryId)) throw noTrajectory(database, trajectoryId)
  const { calls } = tables
  const rows = await query(database, () =>
    database.db
      .select({
        callId: calls.id,
        baseCallId: calls.tokenBaseCallId,
        prompt: calls.promptTokens,
        completion: calls.completionTokens,
        logprobs: calls.logprobs,
        policyVersion: calls.policyVersion,
      })
      .from(calls)
      .where(
        and(
          eq(calls.trajectoryId, trajectoryId),
          or(isNotNull(calls.promptTokens), isNotNull(calls.completionTokens), isNotNull(calls.logprobs)),
        ),
      ),
  )
  const found = new Map<string, CallTokens>()
  for (const { callId, baseCallId, prompt, completion, logprobs, policyVersion } of rows) {
    found.set(callId, {
      callId,
      baseCallId,
      prompt: prompt && unpackIntegers(prompt),
      completion: completion && unpackIntegers(completion),
      logprobs: logprobs && unpackFloats(logprobs),
      policyVersion,
    })
  }
  return found
}

// Advantages: what a credit method made of a run's scores. Unlike scores they are derived and replaced: a
// method with the same options has one set of rows in a run.
import { and, asc, eq, inArray, isNotNull } from 'drizzle-orm'
import { deriveId } from '../ids.ts'
import type { Fork, InvocationScore, NewAdvantage } from './contract.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { advantages, scores, trajectories } from './schema.ts'
import { isOneOf } from './rows.ts'
import { newestScores } from './scores.ts'

/** Takes away what a method with these options left in a run. Errors raised: StoreError. */
export async function clearAdvantages(
  database: Database,
  runId: string,
  { method, optionsHash }: { method: string; optionsHash: string },
): Promise<void> {
  await query(
    database,
    () => database.raw`
      delete from advantages
      where run_id = ${runId} and method = ${method} and options_hash = ${optionsHash}`,
  )
}

/** Durable when it resolves. Errors raised: StoreError. */
export async function addAdvantages(database: Database, rows: NewAdvantage[]): Promise<void> {
  if (rows.length === 0) return
  const encoded = rows.map((row) => {
    const { trajectoryId, method, version, optionsHash, invocationId = null, turnId = null } = row
    const place = [method, version, optionsHash, invocationId ?? '', turnId ?? '']
    return encodeRow(advantages, { ...row, id: deriveId(trajectoryId, 'advantage', ...place) })
  })
  await query(database, () => database.raw.begin((sql) => insertRows(sql, encoded)))
}

/** Of these trajectories: of each those of the whole first, then of its invocations and turns. */
export async function readAdvantages(db: Reader, trajectoryIds: string[]) {
  const { trajectoryId, method, version, options, invocationId, turnId, reward, value, weight } = advantages
  return await db
    .select({ trajectoryId, method, version, options, invocationId, turnId, reward, value, weight })
    .from(advantages)
    .where(isOneOf(trajectoryId, trajectoryIds))
    .orderBy(asc(method), asc(advantages.createdAt), asc(advantages.id))
    .prepare('advantages')
    .execute()
}

/** Trajectories that go on from these, with the turns that they share and their scores, of any run. */
export async function listForks(database: Database, trajectoryIds: string[]): Promise<Fork[]> {
  if (trajectoryIds.length === 0) return []
  return await query(database, async () => {
    const rows = await database.db
      .select({
        id: trajectories.id,
        runId: trajectories.runId,
        originTrajectoryId: trajectories.originTrajectoryId,
        originTurns: trajectories.originTurns,
      })
      .from(trajectories)
      .where(and(inArray(trajectories.originTrajectoryId, trajectoryIds), eq(trajectories.status, 'done')))
      .orderBy(asc(trajectories.id))
    const scored = await newestScores(
      database.db,
      rows.map(({ id }) => id),
    )
    return rows.flatMap(({ id, runId, originTrajectoryId, originTurns }) => {
      if (originTrajectoryId === null || originTurns === null) return []
      const { scores: list = [], reward = null } = scored.get(id) ?? {}
      return [
        { id, runId, origin: { trajectoryId: originTrajectoryId, turns: originTurns }, scores: list, reward },
      ]
    })
  })
}

/** The newest score of each (invocation, reward) of these trajectories, the oldest of them first. */
export async function listInvocationScores(
  database: Database,
  trajectoryIds: string[],
): Promise<InvocationScore[]> {
  if (trajectoryIds.length === 0) return []
  const { trajectoryId, invocationId, reward, version, value, createdAt, id } = scores
  const rows = await query(database, () =>
    database.db
      .select({ trajectoryId, invocationId, reward, version, value, createdAt, id })
      .from(scores)
      .where(and(inArray(trajectoryId, trajectoryIds), isNotNull(invocationId)))
      .orderBy(asc(createdAt), asc(id)),
  )
  const newest = new Map<string, InvocationScore>()
  for (const row of rows) {
    if (row.invocationId === null) continue
    const key = `${row.invocationId} ${row.reward}`
    newest.delete(key)
    newest.set(key, {
      trajectoryId: row.trajectoryId,
      invocationId: row.invocationId,
      reward: row.reward,
      version: row.version,
      value: row.value,
    })
  }
  return [...newest.values()]
}

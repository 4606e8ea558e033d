// Fills the index of full-text search behind the collection: a rollout that is being recorded does not
// pay for it, and one that has ended is read once more. Several processes may do it at the same time.
import { and, desc, eq, inArray, isNotNull, sql } from 'drizzle-orm'
import { readBlobs } from './blobs.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows, type EncodedRow } from './insert.ts'
import { calls, cells, searchTexts, trajectories } from './schema.ts'
import { answerTexts, callTexts, cellTexts, type SearchTexts } from './search-texts.ts'
import { joinText } from './text.ts'

/** Trajectories that are indexed in one transaction. */
const together = 8

/**
 * Indexes ended trajectories, of one run or of all, the newest first, for about `milliseconds`. How many
 * are still left.
 */
export async function indexForSearch(
  database: Database,
  { runId, milliseconds }: { runId?: string | undefined; milliseconds: number },
): Promise<number> {
  const until = performance.now() + milliseconds
  const waiting = and(
    eq(trajectories.searchable, false),
    isNotNull(trajectories.endedAt),
    runId === undefined ? undefined : eq(trajectories.runId, runId),
  )
  do {
    const heads = await query(database, () =>
      database.db
        .select({
          id: trajectories.id,
          runId: trajectories.runId,
          revision: trajectories.revision,
          answer: trajectories.answer,
          answerBlob: trajectories.answerBlob,
        })
        .from(trajectories)
        .where(waiting)
        .orderBy(desc(trajectories.id))
        .limit(together),
    )
    if (heads.length === 0) return 0
    await indexTrajectories(database, heads)
  } while (performance.now() < until)
  const [left] = await query(database, () =>
    database.db
      .select({ count: sql<number>`count(*)::int` })
      .from(trajectories)
      .where(waiting),
  )
  return left?.count ?? 0
}

interface Head {
  id: string
  runId: string
  revision: string
  answer: string | null
  answerBlob: Buffer | null
}

async function indexTrajectories(database: Database, heads: Head[]): Promise<void> {
  const rows = await query(database, () => rowsOf(database, heads))
  await query(database, () =>
    database.raw.begin(async (session) => {
      // One that was taken up since has changed its revision, and is indexed when it ends again.
      const same = await session<{ id: string }[]>`
        select t.id from trajectories t join json_to_recordset(${JSON.stringify(heads.map(({ id, revision }) => ({ id, revision })))}::text::json)
          as head(id uuid, revision xid8) on t.id = head.id and t.revision = head.revision
        order by t.id for update of t`
      const ids = new Set(same.map((row) => row.id))
      const kept = rows.filter((row) => ids.has(row.trajectoryId))
      await insertRows(
        session,
        kept.map((row) => row.encoded),
      )
      await session`update trajectories set searchable = true
        where id = any(string_to_array(${[...ids].join(',')}, ',')::uuid[])`
    }),
  )
}

async function rowsOf(
  { db }: Database,
  heads: Head[],
): Promise<{ trajectoryId: string; encoded: EncodedRow }[]> {
  const ids = heads.map((head) => head.id)
  const [cellRows, callRows] = await Promise.all([
    db.select().from(cells).where(inArray(cells.trajectoryId, ids)),
    db
      .select({
        id: calls.id,
        trajectoryId: calls.trajectoryId,
        prompt: calls.prompt,
        promptBlob: calls.promptBlob,
        response: calls.response,
        responseBlob: calls.responseBlob,
      })
      .from(calls)
      .where(inArray(calls.trajectoryId, ids)),
  ])
  const blobs = await readBlobs(db, [
    ...heads.map((head) => head.answerBlob),
    ...cellRows.flatMap((row) => [row.codeBlob, row.stdoutBlob, row.stderrBlob]),
    ...callRows.flatMap((row) => [row.promptBlob, row.responseBlob]),
  ])
  const runs = new Map(heads.map((head) => [head.id, head.runId]))
  const rowOf = (id: string, trajectoryId: string, kind: string, document: SearchTexts) => {
    const row = { id, runId: runs.get(trajectoryId), trajectoryId, kind, document }
    return { trajectoryId, encoded: encodeRow(searchTexts, row) }
  }
  return [
    ...cellRows.map((row) => {
      const code = joinText(row.code, row.codeBlob, blobs)
      const stdout = joinText(row.stdout, row.stdoutBlob, blobs)
      const stderr = joinText(row.stderr, row.stderrBlob, blobs)
      return rowOf(row.id, row.trajectoryId, 'cell', cellTexts({ code, stdout, stderr, error: row.error }))
    }),
    ...callRows.map((row) => {
      const prompt = joinText(row.prompt, row.promptBlob, blobs)
      const response = joinText(row.response, row.responseBlob, blobs)
      return rowOf(row.id, row.trajectoryId, 'call', callTexts({ prompt, response }))
    }),
    ...heads.flatMap(({ id, answer, answerBlob }) => {
      const text = joinText(answer, answerBlob, blobs)
      return text === null ? [] : [rowOf(id, id, 'trajectory', answerTexts(text))]
    }),
  ]
}

// Full-text search over the code, outputs, prompts and answers of all runs or of one. The index finds the
// records; their texts are read for one page of hits only, to show the parts that match.
import { and, desc, eq, gte, inArray, lt, lte, sql } from 'drizzle-orm'
import type { Page } from './contract.ts'
import { readBlobs } from './blobs.ts'
import { checkLimit, makePage, readCursor } from './cursor.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import { indexForSearch } from './search-index.ts'
import { searchFields, type SearchField, type SearchHit } from './read-contract.ts'
import { calls, cells, runs, searchTexts, trajectories } from './schema.ts'
import { fragmentsOf, parseSearch } from './search-query.ts'
import { joinText } from './text.ts'

/** Matches that are put in order; of a word that is everywhere, these are some of its places. */
const mostMatches = 50_000

/** The newest texts are looked through before the index is asked: a few, and many if it seems worth it. */
const few = 2000
const many = 50_000

/** Milliseconds that a search may spend on what is not in the index yet; a server does it beforehand. */
const mostIndexing = 2000

type Texts = Partial<Record<SearchField, string>>

/** Errors raised: UsageError when there is nothing to search for. */
export async function search(
  database: Database,
  options: {
    text: string
    runId?: string | undefined
    fields?: readonly SearchField[] | undefined
    limit: number
    cursor?: string | null
  },
): Promise<Page<SearchHit>> {
  const limit = checkLimit(options.limit)
  const after = readCursor(options.cursor, 'search', 1)
  const fields = options.fields && options.fields.length > 0 ? options.fields : searchFields
  const wanted = parseSearch(options.text, fields)
  if (after === null) await indexForSearch(database, { runId: options.runId, milliseconds: mostIndexing })
  async function find(db: Reader): Promise<Page<SearchHit>> {
    const places = { runId: options.runId, before: after === null ? null : String(after[0]) }
    const rows = await matchesOf(db, wanted.text, places, limit + 1)
    const page = makePage(rows, limit, 'search', (row) => [row.id])
    const [texts, heads] = await Promise.all([textsOf(db, page.items), headsOf(db, page.items)])
    return {
      items: page.items.flatMap(({ id, kind, trajectoryId }) => {
        const head = heads.get(trajectoryId)
        if (!head) return []
        const fragments = fields.flatMap((field) =>
          fragmentsOf(texts.get(id)?.[field] ?? '', wanted.marked).map((parts) => ({ field, parts })),
        )
        return [
          { ...head, trajectoryId, kind: kind as SearchHit['kind'], id, fragments: fragments.slice(0, 4) },
        ]
      }),
      next: page.next,
    }
  }

  return await query(database, () => database.db.transaction(find, { accessMode: 'read only' }))
}

interface Places {
  runId: string | undefined
  /** Only records whose id is lower. */
  before: string | null
}

/** What is common stands in the newest texts: to look there is quicker than to list all its places. */
async function matchesOf(db: Reader, text: string, places: Places, limit: number): Promise<Match[]> {
  const early = await amongNewest(db, text, places, few, limit)
  if (early.length === limit) return early
  if (early.length * (many / few) >= limit) {
    const more = await amongNewest(db, text, places, many, limit)
    if (more.length === limit) return more
  }
  return await everywhere(db, text, places, limit)
}

async function amongNewest(
  db: Reader,
  text: string,
  { runId, before }: Places,
  depth: number,
  limit: number,
): Promise<Match[]> {
  const { id, trajectoryId, kind, document } = searchTexts
  const order = runId === undefined ? [desc(id)] : [desc(searchTexts.runId), desc(id)]
  const newest = db
    .select({ id, trajectoryId, kind, document })
    .from(searchTexts)
    .where(
      and(
        // A range of one: with an equality the planner would go through the newest of all runs.
        runId === undefined ? undefined : and(gte(searchTexts.runId, runId), lte(searchTexts.runId, runId)),
        before === null ? undefined : lt(id, before),
      ),
    )
    .orderBy(...order)
    .limit(depth)
    .as('newest')
  return await db
    .select({ id: newest.id, trajectoryId: newest.trajectoryId, kind: newest.kind })
    .from(newest)
    .where(sql`${newest.document} @@ to_tsquery('simple', ${text})`)
    .orderBy(desc(newest.id))
    .limit(limit)
}

async function everywhere(db: Reader, text: string, places: Places, limit: number): Promise<Match[]> {
  // Of a word that is common, a scan of all texts looks cheaper to the planner than it is.
  await db.execute(sql`set local enable_seqscan = off`)
  const { id, trajectoryId, kind } = searchTexts
  const matches = db
    .select({ id, trajectoryId, kind })
    .from(searchTexts)
    .where(and(matching(text), within(places)))
    .limit(mostMatches)
    .as('matches')
  return await db.select().from(matches).orderBy(desc(matches.id)).limit(limit)
}

const matching = (text: string) => sql`${searchTexts.document} @@ to_tsquery('simple', ${text})`

function within({ runId, before }: Places) {
  return and(
    runId === undefined ? undefined : eq(searchTexts.runId, runId),
    before === null ? undefined : lt(searchTexts.id, before),
  )
}

interface Match {
  id: string
  trajectoryId: string
  kind: string
}

async function headsOf(db: Reader, matches: Match[]) {
  const ids = [...new Set(matches.map((match) => match.trajectoryId))]
  if (ids.length === 0) return new Map()
  const rows = await db
    .select({
      id: trajectories.id,
      runId: trajectories.runId,
      runName: runs.name,
      taskId: trajectories.taskId,
      rollout: trajectories.rollout,
      reward: trajectories.reward,
    })
    .from(trajectories)
    .innerJoin(runs, eq(runs.id, trajectories.runId))
    .where(inArray(trajectories.id, ids))
  return new Map(rows.map(({ id, ...head }) => [id, head]))
}

async function textsOf(db: Reader, matches: Match[]): Promise<Map<string, Texts>> {
  const idsOf = (kind: string) => matches.filter((match) => match.kind === kind).map((match) => match.id)
  const [cellRows, callRows, answerRows] = await Promise.all([
    rowsOf(idsOf('cell'), (ids) => db.select().from(cells).where(inArray(cells.id, ids))),
    rowsOf(idsOf('call'), (ids) =>
      db
        .select({
          id: calls.id,
          prompt: calls.prompt,
          promptBlob: calls.promptBlob,
          response: calls.response,
          responseBlob: calls.responseBlob,
        })
        .from(calls)
        .where(inArray(calls.id, ids)),
    ),
    rowsOf(idsOf('trajectory'), (ids) =>
      db
        .select({ id: trajectories.id, answer: trajectories.answer, answerBlob: trajectories.answerBlob })
        .from(trajectories)
        .where(inArray(trajectories.id, ids)),
    ),
  ])
  const blobs = await readBlobs(db, [
    ...cellRows.flatMap((row) => [row.codeBlob, row.stdoutBlob, row.stderrBlob]),
    ...callRows.flatMap((row) => [row.promptBlob, row.responseBlob]),
    ...answerRows.map((row) => row.answerBlob),
  ])
  const found = new Map<string, Texts>()
  for (const row of cellRows) {
    const output = [
      joinText(row.stdout, row.stdoutBlob, blobs),
      joinText(row.stderr, row.stderrBlob, blobs),
      row.error ? `${row.error.type} ${row.error.message}` : '',
    ]
    found.set(row.id, { code: joinText(row.code, row.codeBlob, blobs), output: output.join('\n') })
  }
  for (const row of callRows) {
    const prompt = joinText(row.prompt, row.promptBlob, blobs) ?? ''
    found.set(row.id, { prompt, answer: joinText(row.response, row.responseBlob, blobs) ?? '' })
  }
  for (const row of answerRows) {
    found.set(row.id, { answer: joinText(row.answer, row.answerBlob, blobs) ?? '' })
  }
  return found
}

async function rowsOf<Row>(ids: string[], read: (ids: string[]) => PromiseLike<Row[]>): Promise<Row[]> {
  return ids.length === 0 ? [] : await read(ids)
}

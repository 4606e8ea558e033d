// Recorded trajectories, whole, in the shape of ../trajectory.ts. Each table is read once by trajectory
// ids, in one snapshot, and the trees are built here; texts that are blobs come in one more read.
import { and, getTableColumns, isNull, ne, sql, type SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { isId } from '../ids.ts'
import { readAdvantages } from './advantages.ts'
import { readBlobs } from './blobs.ts'
import type { Parts, ReadTrajectory } from './contract.ts'
import { query } from './database.ts'
import type { Database, Reader } from './database.ts'
import * as tables from './schema.ts'
import { newestScores, noScores } from './scores.ts'
import { isOneOf, rowReader } from './rows.ts'
import { joinText } from './text.ts'
import { buildTree, lostCalls } from './tree.ts'
import { noTrajectory, toTrajectoryRow } from './trajectories.ts'

/** Errors raised: UsageError when there is no such trajectory. */
export async function readTrajectory(
  database: Database,
  id: string,
  parts: Parts = { turns: true },
): Promise<ReadTrajectory> {
  const [found] = await readTrajectories(database, [id], parts)
  if (!found) throw noTrajectory(database, id)
  return found
}

/** In the order of the ids, in one snapshot. Errors raised: UsageError when one is not there. */
export async function readTrajectories(
  database: Database,
  ids: string[],
  parts: Parts = { turns: true },
): Promise<ReadTrajectory[]> {
  for (const id of ids) if (!isId(id)) throw noTrajectory(database, id)
  const found = await query(database, () =>
    database.db.transaction((db) => read(db, ids, parts), {
      isolationLevel: 'repeatable read',
      accessMode: 'read only',
    }),
  )
  return ids.map((id) => {
    const trajectory = found.get(id)
    if (!trajectory) throw noTrajectory(database, id)
    return trajectory
  })
}

const {
  promptTokens: _p,
  completionTokens: _c,
  logprobs: _l,
  raw: _r,
  ...callColumns
} = getTableColumns(tables.calls)

const readers = {
  trajectories: rowReader(tables.trajectories, getTableColumns(tables.trajectories)),
  invocations: rowReader(tables.invocations, getTableColumns(tables.invocations)),
  messages: rowReader(tables.messages, getTableColumns(tables.messages)),
  turns: rowReader(tables.turns, getTableColumns(tables.turns)),
  cells: rowReader(tables.cells, getTableColumns(tables.cells)),
  calls: rowReader(tables.calls, { ...callColumns, hasTokens: hasTokens(tables.calls) }),
}

const orders = {
  invocations: sql`${tables.invocations.startedAt}, ${tables.invocations.id}`,
  messages: sql`${tables.messages.invocationId}, ${tables.messages.index}`,
  turns: sql`${tables.turns.index}`,
  cells: sql`${tables.cells.index}`,
  calls: sql`${tables.calls.order}, ${tables.calls.batchIndex}, ${tables.calls.id}`,
}

async function read(db: Reader, ids: string[], parts: Parts): Promise<Map<string, ReadTrajectory>> {
  const { invocations, messages, turns, cells, calls } = readers
  const none = Promise.resolve([])
  const withCells = parts.turns && parts.cells !== false
  const of = (table: { trajectoryId: PgColumn }, order: SQL, policyOnly = false) =>
    sql`where ${isOneOf(table.trajectoryId, ids)} ${policyOnly ? ofPolicy : sql``} order by ${order}`
  const [
    heads,
    invocationRows,
    messageRows,
    turnRows,
    cellRows,
    callRows,
    subCallModels,
    scored,
    advantages,
  ] = await Promise.all([
    readers.trajectories.read(db, sql`where ${isOneOf(tables.trajectories.id, ids)}`),
    parts.turns ? invocations.read(db, of(tables.invocations, orders.invocations)) : none,
    parts.turns ? messages.read(db, of(tables.messages, orders.messages)) : none,
    parts.turns ? turns.read(db, of(tables.turns, orders.turns)) : none,
    withCells ? cells.read(db, of(tables.cells, orders.cells)) : none,
    parts.turns ? calls.read(db, of(tables.calls, orders.calls, !withCells)) : none,
    parts.turns && !withCells ? readSubCallModels(db, ids) : null,
    newestScores(db, ids),
    readAdvantages(db, ids),
  ])
  const protocols = await readProtocols(db, heads)
  const blobs = await readBlobs(db, [
    ...heads.map((head) => head.answerBlob),
    ...invocationRows.map((row) => row.answerBlob),
    ...messageRows.map((row) => row.contentBlob),
    ...cellRows.flatMap((row) => [row.codeBlob, row.stdoutBlob, row.stderrBlob, row.finalAnswerBlob]),
    ...callRows.flatMap((row) => [row.promptBlob, row.responseBlob, row.reasoningBlob]),
  ])
  const rowsOf = {
    invocations: byTrajectory(invocationRows),
    messages: byTrajectory(messageRows),
    turns: byTrajectory(turnRows),
    cells: byTrajectory(cellRows),
    calls: byTrajectory(callRows),
    advantages: byTrajectory(advantages),
  }
  return new Map(
    heads.flatMap((head) => {
      const { id } = head
      const protocol = protocols.get(head.runId)
      // A run goes only together with its trajectories.
      if (!protocol) return []
      const own = {
        invocations: rowsOf.invocations.get(id) ?? [],
        messages: rowsOf.messages.get(id) ?? [],
        turns: rowsOf.turns.get(id) ?? [],
        cells: rowsOf.cells.get(id) ?? [],
        calls: rowsOf.calls.get(id) ?? [],
      }
      const gained = (rowsOf.advantages.get(id) ?? []).map(({ trajectoryId: _id, ...advantage }) => advantage)
      const {
        turns: _t,
        calls: _n,
        cells: _m,
        answerTruncated: _a,
        ...row
      } = toTrajectoryRow(head, scored.get(id) ?? noScores)
      const { schemaVersion, sandbox, seed, attempt, divergence, originTrajectoryId, originTurns } = head
      const trajectory: ReadTrajectory = {
        ...row,
        answer: joinText(head.answer, head.answerBlob, blobs),
        schemaVersion,
        sandbox,
        protocol,
        seed,
        attempt,
        divergence,
        origin:
          originTrajectoryId === null ? null : { trajectoryId: originTrajectoryId, turns: originTurns ?? 0 },
        ...(gained.length > 0 ? { advantages: gained } : {}),
        ...(subCallModels === null ? {} : { subCallModels: subCallModels.get(id) ?? [] }),
        lostCalls: withCells ? lostCalls(own.turns, own.cells, own.calls, blobs) : [],
        invocations: buildTree(own.invocations, own.messages, own.turns, own.cells, own.calls, blobs),
      }
      return [[id, trajectory] as const]
    }),
  )
}

async function readProtocols(
  db: Reader,
  heads: { runId: string }[],
): Promise<Map<string, ReadTrajectory['protocol']>> {
  if (heads.length === 0) return new Map()
  const { id, protocol, protocolHash } = tables.runs
  const wanted = [...new Set(heads.map(({ runId }) => runId))]
  const rows = await db
    .select({ runId: id, id: protocol, hash: protocolHash })
    .from(tables.runs)
    .where(isOneOf(id, wanted))
    .prepare('protocols')
    .execute()
  return new Map(rows.map(({ runId, ...found }) => [runId, found]))
}

function byTrajectory<Row extends { trajectoryId: string }>(rows: Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, (row) => row.trajectoryId)
}

const ofPolicy = sql`and ${tables.calls.kind} = 'policy'`

/** Of calls that started no child: a child's own turns tell its model. */
async function readSubCallModels(
  db: Reader,
  ids: string[],
): Promise<Map<string, NonNullable<ReadTrajectory['subCallModels']>>> {
  const { trajectoryId, model, provider, scripted, kind, childInvocationId } = tables.calls
  const rows = await db
    .selectDistinct({ trajectoryId, model, provider, scripted })
    .from(tables.calls)
    .where(and(isOneOf(trajectoryId, ids), ne(kind, 'policy'), isNull(childInvocationId)))
  const found = new Map<string, { model: string; provider: string; scripted: boolean }[]>()
  for (const { trajectoryId: id, ...one } of rows) {
    const list = found.get(id)
    if (list) list.push(one)
    else found.set(id, [one])
  }
  return found
}

function hasTokens({ promptTokens, completionTokens }: typeof tables.calls): SQL<boolean> {
  return sql<boolean>`${promptTokens} is not null and ${completionTokens} is not null`
}

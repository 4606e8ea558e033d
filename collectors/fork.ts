// Forks: a new trajectory that begins with the first root turns of a stored one. Their rows are copied
// under ids of the new trajectory, which is then taken up like one that was cut short there: cells are
// replayed, and the policy goes on from the copied history. Copied calls cost nothing again.
import { deriveId } from '../src/ids.ts'
import type { JournalEntry, Store, TrajectoryJournal } from '../src/store/contract.ts'
import { rootId } from './replay.ts'

export interface ForkOrigin {
  trajectoryId: string
  /** Root turns taken over. */
  turns: number
}

/** Copies the beginning of `origin` into the journal of `target`; doing it twice changes nothing. */
export async function copyBeginning(
  store: Store,
  origin: ForkOrigin,
  target: { id: string; runId: string },
): Promise<void> {
  await store.append(forkEntries(await store.readJournal(origin.trajectoryId), origin, target))
}

export function forkEntries(
  journal: TrajectoryJournal,
  origin: ForkOrigin,
  target: { id: string; runId: string },
): JournalEntry[] {
  const oldRoot = rootId(origin.trajectoryId)
  const newRoot = rootId(target.id)
  const turns = journal.turns.filter((turn) => turn.invocationId === oldRoot && turn.index < origin.turns)
  const kept = keptIds(
    journal,
    turns.map((turn) => turn.id),
  )
  const ids = new Map([[oldRoot, newRoot]])
  for (const turn of turns) {
    const newTurn = deriveId(newRoot, 'turn', turn.index)
    ids.set(turn.id, newTurn)
    ids.set(turn.callId, deriveId(newTurn, 'policy'))
    for (const cell of journal.cells.filter((row) => row.turnId === turn.id)) {
      const newCell = deriveId(newTurn, 'cell', cell.index)
      ids.set(cell.id, newCell)
      for (const call of journal.calls.filter((row) => row.cellId === cell.id))
        ids.set(call.id, deriveId(newCell, 'call', call.order))
    }
  }
  const renamed = (id: string): string => ids.get(id) ?? deriveId(target.id, 'copied', id)
  const maybe = (id: string | null | undefined): string | null => (id ? renamed(id) : null)
  const place = { runId: target.runId, trajectoryId: target.id }
  // The message that asks for the first fresh turn belongs to the copied history.
  const next = journal.turns.find((turn) => turn.invocationId === oldRoot && turn.index === origin.turns)
  const rootMessages = next?.promptMessages ?? Number.POSITIVE_INFINITY

  return [
    ...journal.invocations
      .filter((row) => kept.invocations.has(row.id) || row.id === oldRoot)
      .map((row): JournalEntry => {
        const ended = row.id === oldRoot ? { stopReason: null, answer: null, endedAt: null } : {}
        const names = {
          id: renamed(row.id),
          parentCellId: maybe(row.parentCellId),
          parentCallId: maybe(row.parentCallId),
        }
        return { table: 'invocations', row: { ...row, ...names, ...ended, ...place } }
      }),
    ...journal.messages
      .filter(
        (row) =>
          kept.invocations.has(row.invocationId) ||
          (row.invocationId === oldRoot && row.index < rootMessages),
      )
      .map((row): JournalEntry => ({
        table: 'messages',
        row: { ...row, invocationId: renamed(row.invocationId), ...place },
      })),
    ...journal.calls
      .filter((row) => kept.calls.has(row.id))
      .map((row): JournalEntry => {
        const free =
          row.costUsd === null || row.costUsd === undefined ? {} : { costUsd: 0, costSource: 'origin' }
        const names = {
          id: renamed(row.id),
          invocationId: renamed(row.invocationId),
          cellId: maybe(row.cellId),
          batchId: maybe(row.batchId),
          childInvocationId: maybe(row.childInvocationId),
          tokenBaseCallId: maybe(row.tokenBaseCallId),
        }
        return { table: 'calls', row: { ...row, ...names, ...free, ...place } }
      }),
    ...journal.turns
      .filter((row) => kept.turns.has(row.id))
      .map((row): JournalEntry => {
        const names = {
          id: renamed(row.id),
          invocationId: renamed(row.invocationId),
          callId: renamed(row.callId),
        }
        return { table: 'turns', row: { ...row, ...names, ...place } }
      }),
    ...journal.cells
      .filter((row) => kept.cells.has(row.id))
      .map((row): JournalEntry => {
        const names = {
          id: renamed(row.id),
          invocationId: renamed(row.invocationId),
          turnId: renamed(row.turnId),
        }
        return { table: 'cells', row: { ...row, ...names, ...place } }
      }),
  ]
}

/** Everything below the given root turns, children of children included. */
function keptIds(journal: TrajectoryJournal, rootTurns: string[]) {
  const turns = new Set(rootTurns)
  const cells = new Set<string>()
  const calls = new Set<string>()
  const invocations = new Set<string>()
  let grown = true
  while (grown) {
    const before = turns.size + cells.size + calls.size + invocations.size
    for (const row of journal.turns) if (invocations.has(row.invocationId)) turns.add(row.id)
    for (const row of journal.cells) if (turns.has(row.turnId)) cells.add(row.id)
    for (const row of journal.turns) if (turns.has(row.id)) calls.add(row.callId)
    for (const row of journal.calls) if (row.cellId && cells.has(row.cellId)) calls.add(row.id)
    for (const row of journal.invocations)
      if (row.parentCellId && cells.has(row.parentCellId)) invocations.add(row.id)
    grown = turns.size + cells.size + calls.size + invocations.size > before
  }
  return { turns, cells, calls, invocations }
}

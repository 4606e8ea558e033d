// A trajectory that ended elsewhere, recorded as if it had been collected here: for importers and tests.
// Invariant: what is read back is what was given, but for ids of the trajectory and its run.
import type { JournalEntry, PlannedTrajectory, Store } from '../src/store/contract.ts'
import type { Call, Invocation, Trajectory } from '../src/trajectory.ts'

interface Place {
  runId: string
  trajectoryId: string
}

/** Errors raised: StoreError, also when the planned trajectory is done already. */
export async function recordWhole(
  store: Store,
  runId: string,
  planned: PlannedTrajectory,
  given: Trajectory,
): Promise<void> {
  const place = { runId, trajectoryId: planned.id }
  const now = new Date().toISOString()
  const startedAt = given.startedAt ?? now
  const endedAt = given.endedAt ?? now
  await store.beginTrajectory(planned.id, startedAt)
  for (const invocation of given.invocations) {
    for (const entries of invocationEntries(place, invocation, startedAt, given.protocol.hash)) {
      await store.append(entries)
    }
    if (invocation.stopReason !== null) {
      const { stopReason, answer } = invocation
      await store.endInvocation(invocation.id, { stopReason, answer, endedAt })
    }
  }
  const lost = given.lostCalls.map((call) =>
    callEntry(place, call, { invocationId: given.invocations[0]?.id ?? planned.id, cellId: null }),
  )
  await store.append(lost)
  const turns = given.invocations.flatMap((invocation) => invocation.turns)
  const cells = turns.flatMap((turn) => turn.cells)
  await store.endTrajectory(
    planned.id,
    {
      status: given.status === 'failed' ? 'failed' : 'done',
      stopReason: given.stopReason ?? 'no_code',
      answer: given.answer,
      error: given.error as Parameters<Store['endTrajectory']>[1]['error'],
      sandbox: given.sandbox,
      inputTokens: given.usage.inputTokens,
      outputTokens: given.usage.outputTokens,
      turns: turns.length,
      cells: cells.length,
      calls: given.usage.calls,
      failedCells: cells.filter((cell) => cell.error !== null || cell.death !== null).length,
      maxDepth: Math.max(0, ...given.invocations.map((invocation) => invocation.depth)),
      costUsd: given.usage.costUsd,
    },
    endedAt,
  )
}

/** One list a turn, so that no transaction holds a whole trajectory. */
function* invocationEntries(
  place: Place,
  invocation: Invocation,
  startedAt: string,
  protocolHash: string,
): Generator<JournalEntry[]> {
  const { id, depth, parentCellId, turns } = invocation
  const model = turns[0]?.call.model ?? ''
  yield [{ table: 'invocations', row: { ...place, id, depth, parentCellId, model, protocolHash, startedAt } }]
  let stored: Call['messages'] = []
  for (const turn of turns) {
    const entries: JournalEntry[] = []
    const { messages } = turn.call
    // A turn is sent a stretch of the invocation's messages; one that begins anew gets a stretch of its own.
    const extended = stored.every((message, index) => sameMessage(message, messages[index]))
    const promptStart = extended ? 0 : stored.length
    const known = extended ? stored.length : 0
    for (const [index, { role, content }] of messages.entries()) {
      if (index < known) continue
      const row = { ...place, invocationId: id, index: promptStart + index, role, content }
      entries.push({ table: 'messages', row })
    }
    stored = extended ? messages : [...stored, ...messages]
    entries.push(callEntry(place, turn.call, { invocationId: id, cellId: null }))
    const { index, forced, compaction } = turn
    const promptMessages = promptStart + messages.length
    const callId = turn.call.id
    entries.push({
      table: 'turns',
      row: {
        ...place,
        id: turn.id,
        invocationId: id,
        index,
        callId,
        promptStart,
        promptMessages,
        forced,
        compaction,
      },
    })
    for (const { calls, ...cell } of turn.cells) {
      for (const call of calls) entries.push(callEntry(place, call, { invocationId: id, cellId: cell.id }))
      const began = calls[0]?.startedAt ?? turn.call.startedAt
      const row = { ...place, ...cell, invocationId: id, turnId: turn.id, startedAt: began }
      entries.push({ table: 'cells', row: row as Extract<JournalEntry, { table: 'cells' }>['row'] })
    }
    yield entries
  }
}

function sameMessage(
  message: Call['messages'][number],
  other: Call['messages'][number] | undefined,
): boolean {
  return message.role === other?.role && message.content === other.content
}

function callEntry(
  place: Place,
  call: Call,
  owner: { invocationId: string; cellId: string | null },
): JournalEntry {
  const { messages, response, usage, invocationId, ...rest } = call
  const prompt = owner.cellId === null ? null : messages.map(({ content }) => content).join('\n\n')
  const row = {
    ...place,
    ...rest,
    ...owner,
    childInvocationId: invocationId,
    prompt,
    response: response.text,
    reasoning: response.reasoning,
    finishReason: response.finishReason,
    inputTokens: usage?.inputTokens ?? null,
    outputTokens: usage?.outputTokens ?? null,
    cachedTokens: usage?.cachedTokens ?? null,
    reasoningTokens: usage?.reasoningTokens ?? null,
    costUsd: usage?.costUsd ?? null,
    costSource: usage?.costUsd === null || usage === null ? 'none' : 'provider',
    tokenSource: 'none',
  }
  return { table: 'calls', row: row as Extract<JournalEntry, { table: 'calls' }>['row'] }
}

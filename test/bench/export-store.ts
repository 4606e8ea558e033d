// A store with trajectories for the export benchmark: rows as export-rows.ts makes them, journaled as a
// collector would, with token arrays on demand.
import { join } from 'node:path'
import { createTokenChains } from '../../src/models/token-deltas.ts'
import { seededRandom } from '../../src/tasks/random.ts'
import { type JournalEntry, openStore, type Store } from '../../src/store/index.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { aCall, aCell, aMessage, anEnd, anInvocation, aPlannedRun, aTurn, now } from '../store/fixtures.ts'
import { makeRows, turnsPerTrajectory } from './export-rows.ts'

interface Message {
  role: string
  content: string
}

/** `rows` root turns; with `tokensPerTurn`, ids and logprobs of so many for each response and what precedes it. */
export async function fillStore(
  rows: number,
  tokensPerTurn = 0,
): Promise<{ store: Store; runId: string; place: string }> {
  const place = await temporaryDirectory('bench-store')
  const store = await openStore(join(place, 'store'))
  const trajectories = Math.ceil(rows / turnsPerTrajectory)
  const { runId, planned } = await aPlannedRun(store, place, {
    tasks: Math.ceil(trajectories / 4),
    rollouts: 4,
    run: { scripted: false },
  })
  const random = seededRandom('tokens', 1)
  const batch = 2000
  for (let first = 0; first < trajectories; first += batch) {
    const count = Math.min(batch, trajectories - first)
    const made = await makeRows(count * turnsPerTrajectory, first)
    for (const [index, { id }] of planned.slice(first, first + count).entries()) {
      const turns = made.rows.slice(index * turnsPerTrajectory, (index + 1) * turnsPerTrajectory)
      await store.beginTrajectory(id, now())
      await store.append(journal({ runId, trajectoryId: id }, turns, tokensPerTurn, () => random.next()))
      await store.endTrajectory(id, anEnd({ answer: 'so', turns: turns.length }), now())
    }
  }
  return { store, runId, place }
}

function journal(
  place: { runId: string; trajectoryId: string },
  rows: Record<string, unknown>[],
  tokensPerTurn: number,
  random: () => number,
): JournalEntry[] {
  const invocation = anInvocation(place)
  const entries: JournalEntry[] = [{ table: 'invocations', row: invocation }]
  const chains = createTokenChains()
  let sequence = new Int32Array(0)
  let known = 0
  for (const [index, row] of rows.entries()) {
    const prompt = row['prompt'] as Message[]
    const [said] = row['completion'] as Message[]
    for (const [at, { role, content }] of prompt.entries()) {
      if (at < known) continue
      entries.push({ table: 'messages', row: aMessage(place, invocation.id, { index: at, role, content }) })
    }
    known = prompt.length
    const call = aCall(place, invocation.id, {
      response: said?.content ?? '',
      scripted: false,
      sampling: { temperature: 1 },
    })
    if (tokensPerTurn > 0) {
      // Frequent ids are small ones, as in a real vocabulary.
      const ids = Int32Array.from({ length: tokensPerTurn }, () => Math.floor(150_000 * random() ** 4))
      const whole = Int32Array.from([...sequence, ...ids.subarray(0, tokensPerTurn >> 1)])
      const completion = ids.subarray(tokensPerTurn >> 1)
      const logprobs = Float32Array.from(completion, () => Math.log(1 - random() ** 3 * 0.99))
      const placed = chains.place(invocation.id, call.id ?? '', {
        source: 'engine',
        prompt: whole,
        completion,
        logprobs,
      })
      Object.assign(call, {
        tokenSource: 'engine',
        tokenBaseCallId: placed.baseCallId,
        promptTokens: placed.prompt,
        completionTokens: completion,
        logprobs,
      })
      sequence = Int32Array.from([...whole, ...completion])
    }
    const turn = aTurn(place, invocation.id, call.id ?? '', { index, promptMessages: prompt.length })
    const cell = aCell(place, invocation.id, turn.id ?? '', { code: said?.content.slice(0, 300) ?? '' })
    entries.push({ table: 'calls', row: call }, { table: 'turns', row: turn }, { table: 'cells', row: cell })
  }
  return entries
}

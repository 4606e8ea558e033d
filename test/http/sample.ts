// A real store with a few runs to look at: one with a trajectory full of hostile text among believable ones,
// one scripted, one that failed, one that goes on.
import { recordWhole } from '../../collectors/record-whole.ts'
import { newId } from '../../src/ids.ts'
import { hashOf } from '../../src/hash.ts'
import type { JournalEntry, Store } from '../../src/store/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import * as rows from '../store/fixtures.ts'
import { fillStore } from '../support/fill.ts'
import { makeHostile, markup } from './hostile.ts'
import type { Made } from './hostile.ts'

export interface Sample {
  store: Store
  /** As it was given, under the ids that the store gave it. */
  made: Made
  /** Of the hostile trajectory, which is its first. */
  runId: string
  /** The other rollout of the same task: the same until its second cell. */
  siblingId: string
  /** A turn whose call has tokens of the engine. */
  tokens: { trajectoryId: string; turnId: string }
  /** Filled with 12 tasks of 4 rollouts each. */
  filledRunId: string
}

export async function makeSample(store: Store, directory: string): Promise<Sample> {
  const [filledRunId = '', otherId = ''] = await fillStore(store, {
    runs: 2,
    tasks: 12,
    rollouts: 4,
    calls: 8,
    directory,
  })
  await store.updateRun(otherId, { status: 'interrupted' })
  let tokens = { trajectoryId: '', turnId: '' }
  for (const name of ['demo', `needle-1M ${markup}`]) {
    const options = { tasks: 2, rollouts: 1, run: { name, scripted: name === 'demo', tags: [markup] } }
    const { runId, planned } = await rows.aPlannedRun(store, directory, options)
    for (const { id } of planned) {
      const place = { runId, trajectoryId: id }
      await store.beginTrajectory(id, rows.now())
      const entries = withTokens(rows.aTurnsEntries(place, name))
      await store.append(entries)
      const [turnId = ''] = entries.flatMap((entry) => (entry.table === 'turns' ? [entry.row.id] : []))
      tokens = { trajectoryId: id, turnId }
      await store.endTrajectory(id, rows.anEnd({ answer: name }), rows.now())
      await store.addScores([rows.aScore(place)])
    }
    await store.updateRun(runId, { status: name === 'demo' ? 'done' : 'failed' })
  }
  const hostile = await recordHostile(store, directory)
  return { store, ...hostile, tokens, filledRunId }
}

/** 300 ids read, 60 sampled, from certain to hardly likely, the last without a logprob. */
function withTokens(entries: JournalEntry[]): JournalEntry[] {
  for (const entry of entries) {
    if (entry.table !== 'calls') continue
    Object.assign(entry.row, {
      tokenSource: 'engine',
      promptTokens: Int32Array.from({ length: 300 }, (_, index) => 1000 + index),
      completionTokens: Int32Array.from({ length: 60 }, (_, index) => 15_000 + 37 * index),
      logprobs: Float32Array.from({ length: 60 }, (_, index) =>
        index === 59 ? NaN : -((index % 13) ** 2) / 30,
      ),
    })
  }
  return entries
}

async function recordHostile(
  store: Store,
  directory: string,
): Promise<{ runId: string; siblingId: string; made: Made }> {
  const run = rows.aRun({
    name: 'refunds-qwen3-coder',
    model: 'Qwen/Qwen3-Coder-30B',
    rollouts: 2,
    scripted: true,
    tags: ['march', markup],
    protocolHash: 'c0ffee'.repeat(10),
  })
  const made = makeHostile(run.id)
  await store.createRun(run)
  const task = await rows.aTask(directory, made.trajectory.taskId, {
    prompt: `Which customer was refunded twice in March? ${markup}`,
    answer: 'C-1043, 119.80',
  })
  await store.addTasks(run.id, rows.streamOf([task]), 2, 7)
  const [planned, sibling] = await store.pendingTrajectories(run.id)
  if (!planned || !sibling) throw new Error('nothing was planned')
  made.trajectory.id = planned.id
  await recordWhole(store, run.id, planned, made.trajectory)
  await recordWhole(store, run.id, sibling, withNewIds(makeHostile(run.id).trajectory))
  const place = { runId: run.id, trajectoryId: planned.id }
  await store.addScores(
    made.trajectory.scores.map(({ details, error, ...score }, index) => ({
      ...rows.aScore(place),
      ...score,
      id: newId(),
      optionsHash: hashOf({ index }),
      details: details as null,
      error: error as null,
    })),
  )
  const child = made.trajectory.invocations.find(({ depth }) => depth === 1)
  await store.addScores([
    rows.aScore({ ...place, trajectoryId: sibling.id }, { value: 0 }),
    rows.aScore(place, { reward: 'subtasks', value: 0.75, invocationId: child?.id ?? null }),
  ])
  await store.updateRun(run.id, { status: 'done', endedAt: rows.now() })
  return { runId: run.id, siblingId: sibling.id, made }
}

/** The same rollout until its second cell. */
function withNewIds(trajectory: Trajectory): Trajectory {
  const cell = trajectory.invocations[0]?.turns[1]?.cells[0]
  if (cell) cell.code = `# another way\n${cell.code}`
  return trajectory
}

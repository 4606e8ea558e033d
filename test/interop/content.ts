// Trajectories with every kind of value that has ever gone wrong in a Parquet reader or writer.
import { createHash } from 'node:crypto'
import { makeCall, makeCell, makeRun, makeTask, makeTrajectory, makeTurns } from '../datasets/fixtures.ts'
import type { MemoryTask } from '../datasets/memory-store.ts'
import type { StoredRun } from '../../src/store/contract.ts'
import type { Trajectory } from '../../src/trajectory.ts'

const texts = [
  'plain',
  '',
  '😀 👩‍👩‍👧 é e\u0301 日本語 ﷽ \u200f',
  'a\u0000b\u0000',
  'cut \ud83d here',
  `'";--\\\r\n\t\u0001\u2028`,
  'long 😀 '.repeat(20_000),
]
const numbers = [0, 1, 0.1, -1.5, 1e-9, 5e-324, 1.7976931348623157e308, 1 / 3, null]
const counts = [0, 1, 2 ** 31, 2 ** 53 - 1]
const instants = ['1969-12-31T23:59:59.999Z', '2026-01-02T03:04:05.678Z', '9999-12-31T23:59:59.999Z', null]

/** The same on every call: 12 tasks, 3 rollouts each. */
export function interopContent(): { runs: StoredRun[]; tasks: MemoryTask[]; trajectories: Trajectory[] } {
  const tasks = Array.from({ length: 12 }, (_, index) =>
    makeTask(`task-${index}`, {
      prompt: pick(texts, index) || 'empty',
      answer: index % 3 === 0 ? null : { text: pick(texts, index) ?? '' },
      metadata: { '😀': [index, null, 'é'] },
    }),
  )
  const trajectories = tasks.flatMap((task, index) =>
    [0, 1, 2].map((rollout) => trajectoryOf(task, index * 3 + rollout, rollout)),
  )
  return { runs: [makeRun('run-1', { policyVersion: 'step-100' })], tasks, trajectories }
}

/** The same trajectories with 3 MB of text each that compresses little: several row groups in a file. */
export function largeContent(): ReturnType<typeof interopContent> {
  const content = interopContent()
  const trajectories = content.trajectories.map(({ runId, taskId, rollout, id }) => {
    const noise = createHash('shake256', { outputLength: 2_250_000 }).update(id).digest('base64')
    return makeTrajectory(runId, taskId, rollout, { turns: makeTurns(taskId, [noise]) })
  })
  return { ...content, trajectories }
}

function pick<Item>(items: Item[], index: number): Item {
  return items[index % items.length] as Item
}

function trajectoryOf(task: MemoryTask, index: number, rollout: number): Trajectory {
  const calls = Array.from({ length: index % 4 }, (_, order) =>
    makeCall({
      kind: order % 2 === 0 ? 'llm' : 'rlm',
      order,
      depth: 1,
      messages: [{ role: 'user', content: pick(texts, index + order) }],
      response: { text: order === 1 ? null : pick(texts, order), reasoning: null, finishReason: null },
      error: order === 1 ? { boundary: 'model', code: 'timeout', message: 'é' } : null,
      usage:
        order === 2
          ? null
          : {
              inputTokens: pick(counts, index),
              outputTokens: pick(counts, order),
              cachedTokens: 0,
              reasoningTokens: 0,
              costUsd: pick(numbers, order),
            },
      latencyMs: pick(numbers, index + order),
    }),
  )
  const cells = Array.from({ length: index % 3 }, (_, number) =>
    makeCell({ index: number, stdout: pick(texts, index + number), stderr: pick(texts, number), calls }),
  )
  const replies = texts.slice(0, 1 + (index % texts.length))
  // Some rollouts of a task part at a turn of their own, so that they make pairs.
  if (index % 2 === 0) replies[Math.min(rollout, replies.length - 1)] = `reply ${rollout}`
  return makeTrajectory('run-1', task.id, rollout, {
    turns: makeTurns(task.prompt, replies, cells),
    reward: pick(numbers, index),
    answer: index % 5 === 0 ? null : pick(texts, index),
    scores: pick(
      [[], [{ reward: 'exact', version: '1', value: null, weight: 1, error: null, details: null }]],
      index,
    ),
    usage: {
      inputTokens: pick(counts, index),
      outputTokens: pick(counts, index + 1),
      calls: index,
      costUsd: pick(numbers, index + 3),
    },
    startedAt: pick(instants, index),
    endedAt: pick(instants, index + 1),
  })
}

/** Trees as a collector makes them, every id once: a root with cells, sub-calls and a child. */
export function treeContent(): { runs: StoredRun[]; tasks: MemoryTask[]; trajectories: Trajectory[] } {
  const tasks = Array.from({ length: 4 }, (_, index) => makeTask(`task-${index}`))
  const trajectories = tasks.flatMap((task, index) =>
    [0, 1].map((rollout) => {
      const name = `${index}-${rollout}`
      const subCalls = [0, 1].map((order) =>
        makeCall({ id: `sub-${name}-${order}`, kind: 'llm', depth: 1, order, model: 'small-1' }),
      )
      const started = makeCall({
        id: `sub-${name}-2`,
        kind: 'rlm',
        depth: 1,
        order: 2,
        invocationId: `child-${name}`,
      })
      const cell = makeCell({ id: `cell-${name}`, stdout: 'found 😀\n', calls: [...subCalls, started] })
      const failed = makeCell({
        id: `cell-${name}-2`,
        error: { type: 'ValueError', message: 'bad', traceback: 'Traceback: ValueError: bad' },
      })
      const turns = makeTurns(task.prompt, ['```repl\nlook()\n```', '```repl\nfail()\n```', 'It is so.'], [])
      if (turns[0] && turns[1]) {
        turns[0].cells = [cell]
        turns[1].cells = [failed]
      }
      const common = { stopReason: 'answered', answer: 'It is so.' } as const
      const childTurns = makeTurns('a part', ['a part of it'], []).map((turn) => ({
        ...turn,
        id: `child-${name}-turn`,
      }))
      return makeTrajectory('run-1', task.id, rollout, {
        reward: rollout,
        invocations: [
          { id: `root-${name}`, depth: 0, parentCellId: null, turns, ...common },
          { id: `child-${name}`, depth: 1, parentCellId: cell.id, turns: childTurns, ...common },
        ],
      })
    }),
  )
  return { runs: [makeRun('run-1')], tasks, trajectories }
}

// A store with a few runs to look at: one finished, one under way, one scripted, one that failed.
import type { ReadStore } from '../../api/http/read-store.ts'
import { newId } from '../../src/ids.ts'
import type { RunSummary } from '../../src/store/contract.ts'
import type { StopReason, Trajectory, TrajectoryRow } from '../../src/trajectory.ts'
import { makeHostile, markup } from './hostile.ts'
import type { Made } from './hostile.ts'
import { memoryStore } from './memory-store.ts'
import type { MemoryData } from './memory-store.ts'

export interface Sample {
  store: ReadStore
  data: MemoryData
  made: Made
  runId: string
}

export function makeSample(datasets: MemoryData['datasets'] = []): Sample {
  const runs = [
    makeRun(
      { name: 'refunds-qwen3-coder', done: 62, failed: 2, meanReward: 0.613, costUsd: 4.8812, calls: 1604 },
      35,
    ),
    makeRun(
      {
        name: 'oolong-trec-coarse',
        status: 'running',
        done: 41,
        failed: 0,
        trajectories: 256,
        meanReward: 0.448,
        costUsd: 2.107,
        calls: 733,
        tasks: 64,
        endedAt: null,
      },
      4,
    ),
    makeRun(
      {
        name: 'demo',
        model: 'scripted',
        scripted: true,
        costUsd: null,
        meanReward: 1,
        done: 8,
        trajectories: 8,
        tasks: 8,
        rollouts: 1,
        calls: 24,
        inputTokens: 5210,
        outputTokens: 812,
      },
      60 * 26,
    ),
    makeRun(
      {
        name: `needle-1M ${markup}`,
        status: 'failed',
        done: 3,
        failed: 61,
        meanReward: 0,
        costUsd: 0.0131,
        calls: 77,
        tags: [markup],
      },
      60 * 50,
    ),
    makeRun(
      {
        name: 'browsecomp-plus-depth2',
        status: 'interrupted',
        done: 120,
        failed: 1,
        trajectories: 400,
        meanReward: 0.287,
        costUsd: 61.4,
        calls: 48_210,
        inputTokens: 412_000_000,
        outputTokens: 9_800_000,
        tasks: 100,
      },
      60 * 24 * 9,
    ),
  ]
  const [main] = runs
  if (!main) throw new Error('no run')
  const made = makeHostile(main.id)
  const rows = [
    toRow(made.trajectory),
    ...Array.from({ length: 63 }, (_, index) => makeRow(main.id, index + 1)),
  ]
  main.stopReasons = countBy(rows.map((row) => row.stopReason ?? 'none'))
  const data = { runs, rows, trajectories: [made.trajectory], datasets }
  return { store: memoryStore(data), data, made, runId: main.id }
}

function makeRun(change: Partial<RunSummary>, minutesAgo: number): RunSummary {
  const createdAt = new Date(Date.now() - minutesAgo * 60_000).toISOString()
  return {
    id: newId(),
    name: 'run',
    status: 'done',
    config: { name: 'run', limits: { maxTurns: 30, maxDepth: 2 }, sampling: { temperature: 1 } },
    configHash: 'ab'.repeat(32),
    protocol: 'rlm',
    protocolHash: 'cd'.repeat(32),
    model: 'Qwen/Qwen3-Coder-30B',
    policyVersion: null,
    scripted: false,
    seed: 7,
    codeVersion: '0.1.0',
    tags: ['march'],
    tasks: 16,
    rollouts: 4,
    createdAt,
    startedAt: createdAt,
    endedAt: new Date(Date.parse(createdAt) + 1_312_000).toISOString(),
    trajectories: 64,
    done: 64,
    failed: 0,
    meanReward: null,
    costUsd: 0,
    inputTokens: 3_810_442,
    outputTokens: 402_118,
    calls: 0,
    stopReasons: { answered: 51, max_turns: 9, no_code: 2, model_error: 2 },
    ...change,
  }
}

const reasons: StopReason[] = [
  'answered',
  'answered',
  'answered',
  'max_turns',
  'answered',
  'max_tokens',
  'answered',
]

function makeRow(runId: string, index: number): TrajectoryRow {
  const failed = index === 20 || index === 43
  const stopReason = failed ? 'model_error' : (reasons[index % reasons.length] ?? null)
  const value = failed ? null : stopReason === 'answered' ? ([1, 1, 0.5, 1, 0][index % 5] ?? 0) : 0
  return {
    id: newId(),
    runId,
    taskId: `refunds-${String(Math.floor(index / 4)).padStart(4, '0')}`,
    rollout: index % 4,
    status: failed ? 'failed' : 'done',
    stopReason,
    answer:
      stopReason === 'answered' ? `C-${1043 + index * 17}, ${(59.9 + index).toFixed(2)} in total` : null,
    turns: 3 + (index % 9),
    calls: 6 + ((index * 7) % 31),
    cells: 3 + (index % 9),
    usage: {
      inputTokens: 21_000 + index * 911,
      outputTokens: 2100 + index * 37,
      calls: 6 + ((index * 7) % 31),
      costUsd: 0.0312 + index / 900,
    },
    scores: [{ reward: 'exact', version: '1', value, weight: 1, error: null, details: null }],
    reward: value,
    scripted: false,
    error: failed ? { boundary: 'model', code: 'unauthorized', message: '401: the key is not valid' } : null,
    startedAt: '2026-11-20T09:14:07.000Z',
    endedAt: '2026-11-20T09:16:02.000Z',
  }
}

function toRow({ invocations, ...trajectory }: Trajectory): TrajectoryRow {
  const turns = invocations.flatMap((invocation) => invocation.turns)
  const { schemaVersion: _s, sandbox: _b, protocol: _p, seed: _d, attempt: _a, ...rest } = trajectory
  const { divergence: _v, origin: _o, lostCalls: _l, ...row } = rest
  const cells = turns.reduce((sum, turn) => sum + turn.cells.length, 0)
  return { ...row, turns: turns.length, calls: trajectory.usage.calls, cells }
}

function countBy(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

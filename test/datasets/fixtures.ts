// Small runs, tasks and trajectories for the tests of the datasets.
import { sha256Hex } from '../../src/hash.ts'
import type { StoredRun } from '../../src/store/contract.ts'
import type { Call, Cell, Trajectory, Turn } from '../../src/trajectory.ts'
import type { MemoryTask } from './memory-store.ts'

const instant = '2026-02-03T04:05:06.789Z'

export function makeRun(id: string, changes: Partial<StoredRun> = {}): StoredRun {
  return {
    id,
    name: `run ${id}`,
    status: 'done',
    config: {},
    configHash: sha256Hex(id),
    protocol: 'rlm',
    protocolHash: sha256Hex('rlm'),
    model: 'policy-1',
    policyVersion: null,
    scripted: false,
    seed: 1,
    codeVersion: '0.1.0',
    tags: [],
    tasks: 1,
    rollouts: 1,
    createdAt: instant,
    startedAt: instant,
    endedAt: instant,
    ...changes,
  }
}

export function makeTask(id: string, changes: Partial<MemoryTask> = {}): MemoryTask {
  const prompt = `What is ${id}?`
  return {
    id,
    hash: sha256Hex(id),
    prompt,
    answer: id,
    metadata: { level: 1 },
    context: `All of ${id}.`,
    ...changes,
  }
}

export function makeCall(changes: Partial<Call> = {}): Call {
  return {
    id: 'call',
    kind: 'policy',
    model: 'policy-1',
    provider: 'openai',
    scripted: false,
    messages: [{ role: 'user', content: 'question' }],
    response: { text: 'answer', reasoning: null, finishReason: 'stop' },
    usage: { inputTokens: 10, outputTokens: 5, cachedTokens: 0, reasoningTokens: 0, costUsd: null },
    attempts: 1,
    error: null,
    latencyMs: 12.5,
    startedAt: instant,
    order: 0,
    batchId: null,
    batchIndex: null,
    depth: 0,
    requestId: null,
    sampling: {},
    invocationId: null,
    tokenSource: 'none',
    ...changes,
  }
}

export function makeCell(changes: Partial<Cell> = {}): Cell {
  return {
    id: 'cell',
    index: 0,
    code: 'print(1)',
    stdout: '1\n',
    stderr: '',
    stdoutCharacters: 2,
    stderrCharacters: 0,
    error: null,
    death: null,
    durationMs: 3.25,
    computeMs: 3,
    variables: [],
    finalAnswer: null,
    calls: [],
    ...changes,
  }
}

/** `replies` are the policy's responses; each turn's prompt is the one before with its reply and a result. */
export function makeTurns(question: string, replies: string[], cells: Cell[] = [makeCell()]): Turn[] {
  const messages = [
    { role: 'system', content: 'You have a REPL.' },
    { role: 'user', content: question },
  ]
  return replies.map((text, index) => {
    const call = makeCall({
      messages: [...messages],
      response: { text, reasoning: null, finishReason: 'stop' },
    })
    messages.push({ role: 'assistant', content: text }, { role: 'user', content: `result ${index}` })
    return {
      id: `turn-${index}`,
      index,
      forced: false,
      compaction: false,
      extendsPrevious: null,
      call,
      cells,
    }
  })
}

export function makeTrajectory(
  run: string,
  task: string,
  rollout: number,
  changes: Partial<Trajectory> & { turns?: Turn[] } = {},
): Trajectory {
  const id = `${run}/${task}/${rollout}`
  const { turns = makeTurns(`What is ${task}?`, ['```repl\nprint(1)\n```', `It is ${task}.`]), ...rest } =
    changes
  return {
    id,
    runId: run,
    taskId: task,
    rollout,
    status: 'done',
    stopReason: 'answered',
    answer: task,
    usage: { inputTokens: 20, outputTokens: 10, calls: turns.length, costUsd: null },
    scores: [{ reward: 'exact', version: '1', value: 1, weight: 1, error: null, details: null }],
    reward: 1,
    scripted: false,
    error: null,
    startedAt: instant,
    endedAt: instant,
    schemaVersion: 1,
    sandbox: 'namespace',
    protocol: { id: 'rlm', hash: sha256Hex('rlm') },
    seed: 1,
    attempt: 1,
    divergence: null,
    origin: null,
    lostCalls: [],
    invocations: [{ id: 'root', depth: 0, parentCellId: null, stopReason: 'answered', answer: task, turns }],
    ...rest,
  }
}

/** One run of `tasks` tasks with `rollouts` rollouts each. */
export function makeContent(tasks: number, rollouts: number, run = 'run-1') {
  const names = Array.from({ length: tasks }, (_, index) => `task-${index}`)
  return {
    runs: [makeRun(run)],
    tasks: names.map((name) => makeTask(name)),
    trajectories: names.flatMap((name) =>
      Array.from({ length: rollouts }, (_, rollout) => makeTrajectory(run, name, rollout)),
    ),
  }
}

// Runs single rollouts of scripted policies in a real sandbox and a real store, and reads them back.
import path from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { newRun } from '../../api/compose.ts'
import { planRun, runJob } from '../../collectors/job.ts'
import { createProtocol, type ProtocolOptions } from '../../collectors/protocols/index.ts'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import type { Json } from '../../src/json.ts'
import { createTableModel, type Model, type ModelRequest } from '../../src/models/index.ts'
import { runFileSchema, type RunFile } from '../../src/run-file.ts'
import type { Sandbox } from '../../src/sandbox.ts'
import { openStore, type Store } from '../../src/store/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { removeDirectory, temporaryDirectory } from './directory.ts'

export interface Setting {
  context?: Json
  limits?: RunFile['limits']
  prompt?: string
  protocol?: ProtocolOptions['id'] | ProtocolOptions
  sub?: (request: ModelRequest, signal: AbortSignal) => Promise<string> | string
  /** In place of `sub`. */
  subModel?: Model
  child?: Model
  /** In place of the table of responses. */
  policy?: Model
  /** Null: the policy's server counts nothing. */
  tokensPerCall?: { inputTokens: number; outputTokens: number } | null
  costPerCall?: number
}

/** Gives its responses one after the other, whatever it is asked. */
export function sequenceModel(responses: string[], name = 'sequence'): Model {
  let next = 0
  return functionModel(name, () => responses[next++] ?? 'out of responses')
}

function functionModel(name: string, answer: NonNullable<Setting['sub']>): Model {
  return {
    name,
    provider: 'test',
    scripted: true,
    check: async () => {},
    async complete(request, signal) {
      const text = await answer(request, signal)
      const usage = {
        inputTokens: request.messages[0]?.content.length ?? 0,
        outputTokens: text.length,
        cachedTokens: 0,
        reasoningTokens: 0,
      }
      return {
        text,
        reasoning: null,
        finishReason: 'stop',
        usage,
        costUsd: null,
        costSource: 'none',
        tokens: null,
        requestId: null,
        model: name,
        attempts: 1,
        raw: {},
      }
    },
  }
}

function priced(model: Model, setting: Setting): Model {
  const { tokensPerCall, costPerCall } = setting
  return {
    ...model,
    async complete(request, signal) {
      const response = await model.complete(request, signal)
      const counted = tokensPerCall && { ...tokensPerCall, cachedTokens: 0, reasoningTokens: 0 }
      const usage = counted === undefined ? response.usage : counted
      return { ...response, usage, costUsd: costPerCall ?? null }
    },
  }
}

/** The tools of a test: where rollouts run and where they are stored. */
export interface Workbench {
  directory: string
  store: Store
  sandbox: Sandbox
}

/** Sets up a workbench for all tests of a file; it is there once they run. */
export function useWorkbench(name: string): Workbench {
  const bench = {} as Workbench
  beforeAll(async () => {
    bench.directory = await temporaryDirectory(name)
    bench.store = await openStore(path.join(bench.directory, 'store'))
    bench.sandbox = await openSandbox({})
  })
  afterAll(async () => {
    await bench.sandbox.close()
    await bench.store.close()
    await removeDirectory(bench.directory)
  })
  return bench
}

/** Runs one rollout of one task and gives it as it was stored. */
export async function roll(
  { store, sandbox }: Workbench,
  responses: string[],
  setting: Setting = {},
): Promise<Trajectory> {
  const config = runFileSchema.parse({
    name: 'loop',
    tasks: 'none',
    model: { provider: 'scripted', name: 'table' },
    limits: { maxTurns: 5, cellSeconds: 10, ...setting.limits },
  })
  const { protocol: given = 'rlm' } = setting
  const protocol = createProtocol(typeof given === 'string' ? { id: given } : given)
  const policy = priced(setting.policy ?? createTableModel(responses), setting)
  const sub = setting.subModel ?? (setting.sub ? functionModel('sub', setting.sub) : policy)
  const child = setting.child ? priced(setting.child, setting) : policy
  const models = {
    policy,
    sub,
    child,
    named: new Map([policy, sub, child].map((model) => [model.name, model])),
  }
  const value = setting.context ?? 'ctx text'
  const taskset = {
    name: 'one',
    async *tasks() {
      const context =
        typeof value === 'string' ? { kind: 'text' as const, text: value } : { kind: 'json' as const, value }
      yield { id: 'one', prompt: setting.prompt ?? 'What?', context, answer: null, metadata: {} }
    },
  }
  const run = newRun({ config, configHash: 'x', protocol, models, rewards: [], taskset, scripted: true })
  await store.createRun(run)
  const job = { store, runId: run.id, config, signal: new AbortController().signal, emit: () => {} }
  await planRun({ ...job, taskset })
  await runJob({ ...job, protocol, sandbox: protocol.setup ? sandbox : null, models, score: null })
  const { items } = await store.listTrajectories(run.id, { limit: 1 })
  return await store.readTrajectory(items[0]?.id ?? '')
}

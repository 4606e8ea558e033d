// One rollout of one task: a scripted policy, the real sandbox, a real store.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { newRun } from '../../api/compose.ts'
import { planRun, runJob } from '../../collectors/job.ts'
import { createProtocol, type ProtocolOptions } from '../../collectors/protocols/index.ts'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import type { Json } from '../../src/json.ts'
import { createTableModel, type Model } from '../../src/models/index.ts'
import { runFileSchema, type RunFile } from '../../src/run-file.ts'
import { openStore } from '../../src/store/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { temporaryDirectory } from '../support/directory.ts'

export interface Roll {
  context?: Json
  prompt?: string
  limits?: RunFile['limits']
  protocol?: ProtocolOptions
  tokensPerCall?: { inputTokens: number; outputTokens: number }
  costPerCall?: number
}

export interface Rolling {
  roll(responses: string[], options?: Roll): Promise<Trajectory>
  close(): Promise<void>
}

export async function startRolling(): Promise<Rolling> {
  const directory = await temporaryDirectory('rolling')
  const store = await openStore(path.join(directory, 'store'))
  const sandbox = await openSandbox({})
  return {
    async roll(responses, options = {}) {
      const config = runFileSchema.parse({
        name: 'rolling',
        tasks: 'none',
        model: { provider: 'scripted', name: 'table' },
        limits: { maxTurns: 5, cellSeconds: 10, ...options.limits },
      })
      const protocol = createProtocol(options.protocol ?? { id: 'rlm' })
      const policy = withUsage(createTableModel(responses), options)
      const models = { policy, sub: policy, child: policy, named: new Map([[policy.name, policy]]) }
      const value = options.context ?? 'ctx text'
      const context =
        typeof value === 'string' ? { kind: 'text' as const, text: value } : { kind: 'json' as const, value }
      const taskset = {
        name: 'one',
        async *tasks() {
          yield { id: 'one', prompt: options.prompt ?? 'What?', context, answer: null, metadata: {} }
        },
      }
      const run = newRun({ config, configHash: 'x', protocol, models, rewards: [], taskset, scripted: true })
      await store.createRun(run)
      const job = { store, runId: run.id, config, signal: new AbortController().signal, emit: () => {} }
      await planRun({ ...job, taskset })
      await runJob({ ...job, protocol, sandbox: protocol.setup ? sandbox : null, models, score: null })
      const { items } = await store.listTrajectories(run.id, { limit: 1 })
      return await store.readTrajectory(items[0]?.id ?? '')
    },
    async close() {
      await sandbox.close()
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function withUsage(model: Model, { tokensPerCall, costPerCall }: Roll): Model {
  return {
    ...model,
    async complete(request, signal) {
      const response = await model.complete(request, signal)
      const usage = tokensPerCall ? { ...tokensPerCall, cachedTokens: 0, reasoningTokens: 0 } : response.usage
      return { ...response, usage, costUsd: costPerCall ?? null }
    },
  }
}

export function turnsOf(trajectory: Trajectory) {
  return trajectory.invocations[0]?.turns ?? []
}

export const code = (text: string): string => `\`\`\`repl\n${text}\n\`\`\``
export const answer = (text: string): string =>
  code(`answer['content'] = ${JSON.stringify(text)}\nanswer['ready'] = True`)

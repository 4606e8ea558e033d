// What stands behind the interfaces that rewards use: models as judges, with a cache of their replies, and
// the sandbox for checkers in Python, opened when the first one runs.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { openSandbox } from '../collectors/sandbox/index.ts'
import { DescentError } from '../src/errors.ts'
import { hashOf } from '../src/hash.ts'
import type { Json } from '../src/json.ts'
import { embed } from '../src/models/embeddings.ts'
import { createModel } from '../src/models/index.ts'
import type { Judge, JudgeCall, PythonCheck, PythonRunner, RewardTools } from '../src/reward-tools.ts'
import type { ModelConfig } from '../src/run-file.ts'
import type { Sandbox } from '../src/sandbox.ts'

export interface OpenRewardTools {
  tools: RewardTools
  /** Ends the sandbox, if one was opened. */
  close(): Promise<void>
}

/** `cacheDirectory`: where judges' replies are kept between runs; without it, in this process only. */
export function openRewardTools(options: { cacheDirectory?: string; signal: AbortSignal }): OpenRewardTools {
  const judges = new Map<string, Judge>()
  const cache = openCache(options.cacheDirectory)
  let sandbox: Promise<Sandbox> | null = null

  function judge(config: ModelConfig): Judge {
    const key = hashOf(config)
    const found = judges.get(key) ?? createJudge(config, cache, options.signal)
    judges.set(key, found)
    return found
  }

  return {
    tools: {
      judge,
      python: createPythonRunner(async () => await (sandbox ??= openSandbox())),
      embed: async (config, texts) => await embed(config, texts, options.signal),
      signal: options.signal,
    },
    async close() {
      await (await sandbox?.catch(() => null))?.close()
    },
  }
}

interface JudgeCache {
  get(key: string): Promise<JudgeCall | null>
  set(key: string, call: JudgeCall): Promise<void>
}

function openCache(directory: string | undefined): JudgeCache {
  const kept = new Map<string, JudgeCall>()
  const fileOf = (key: string) => path.join(directory ?? '', `${key}.json`)
  return {
    async get(key) {
      const known = kept.get(key)
      if (known || directory === undefined) return known ?? null
      const text = await readFile(fileOf(key), 'utf8').catch(() => null)
      return text === null ? null : (JSON.parse(text) as JudgeCall)
    },
    async set(key, call) {
      if (directory === undefined) {
        kept.set(key, call)
        return
      }
      await mkdir(directory, { recursive: true })
      // Two processes may write the same reply: each makes its file whole, then names it.
      const part = `${fileOf(key)}.${process.pid}`
      await writeFile(part, JSON.stringify(call))
      await rename(part, fileOf(key))
    },
  }
}

function createJudge(config: ModelConfig, cache: JudgeCache, signal: AbortSignal): Judge {
  const model = createModel(config)
  const { provider, name, baseUrl } = config
  /** Equal questions that are open at the same time are asked once. */
  const open = new Map<string, Promise<JudgeCall>>()

  async function ask(
    key: string,
    ...[messages, sampling, seed]: Parameters<Judge['ask']>
  ): Promise<JudgeCall> {
    const known = await cache.get(key)
    if (known) return { ...known, cached: true, costUsd: 0, latencyMs: 0, attempts: 0 }
    const started = performance.now()
    const response = await model.complete({ messages, sampling, wantTokens: false, seed }, signal)
    const call: JudgeCall = {
      model: response.model,
      messages,
      sampling,
      text: response.text,
      usage: response.usage,
      costUsd: response.costUsd,
      latencyMs: performance.now() - started,
      attempts: response.attempts,
      cached: false,
    }
    await cache.set(key, call)
    return call
  }

  return {
    name: config.name,
    async ask(messages, sampling, seed) {
      const key = hashOf({ provider, name, baseUrl, messages, sampling, seed })
      const running = open.get(key) ?? ask(key, messages, sampling, seed).finally(() => open.delete(key))
      open.set(key, running)
      return await running
    },
  }
}

// The request is data in `context`, so nothing of an answer is ever part of the code. What the checker
// prints is kept apart from what it returns.
const call = `
import json as _json
_request = context
checker_result = _json.dumps(check(_request["answer"], _request["gold"], _request["task"]))
`

function createPythonRunner(openOne: () => Promise<Sandbox>): PythonRunner {
  return {
    async check({ code, seconds, ...request }: PythonCheck) {
      const sandbox = await openOne()
      const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-check-'))
      try {
        const file = path.join(scratch, 'request.json')
        const text = JSON.stringify(request)
        await writeFile(file, text)
        const session = await sandbox.open({
          contexts: [{ path: file, format: 'json', bytes: Buffer.byteLength(text) }],
          setup: { functions: [], answer: 'none', showVars: false, withoutBuiltins: [], strict: false },
          limits: {
            cellSeconds: seconds,
            memoryBytes: 512 * 2 ** 20,
            outputCharacters: 20_000,
            openCalls: 1,
            callsPerCell: 1,
          },
        })
        try {
          const noCalls = async () => await Promise.reject(new Error('a checker makes no calls'))
          const defined = await session.execute(code, { onCall: noCalls })
          const ran =
            defined.error || defined.death ? defined : await session.execute(call, { onCall: noCalls })
          const problem = ran.death?.detail ?? ran.error?.traceback
          if (problem !== undefined) {
            const late = ran.death?.reason === 'timeout' || ran.error?.type === 'KeyboardInterrupt'
            const reason = late
              ? `took longer than ${seconds} s`
              : ran.death
                ? `was ended (${ran.death.reason})`
                : `raised ${ran.error?.type}: ${ran.error?.message}`
            throw new DescentError(
              'reward',
              'checker_failed',
              `the checker ${reason}\n${problem}`.slice(0, 4000),
            )
          }
          const value = await session.variable('checker_result')
          if (value === null) throw new DescentError('reward', 'checker_failed', 'the checker left no result')
          return {
            value: JSON.parse(value) as Json,
            stdout: defined.stdout + (ran === defined ? '' : ran.stdout),
          }
        } finally {
          await session.close()
        }
      } finally {
        await rm(scratch, { recursive: true, force: true })
      }
    },
  }
}

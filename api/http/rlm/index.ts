// RLMs behind the chat door: each configuration, named by its run file, answers requests by rollouts that are
// recorded in a run of its own. The run begins with the first request and is done when the server ends; what
// a killed server left of it is taken up by the next one.
import { openRun, type Asked, type AskedTask, type OpenRun } from '../../../collectors/open-run.ts'
import { openSandbox } from '../../../collectors/sandbox/index.ts'
import type { Sandbox } from '../../../src/sandbox.ts'
import { UsageError } from '../../../src/errors.ts'
import type { Store } from '../../../src/store/contract.ts'
import { newRun, scorer, type PreparedRun } from '../../compose.ts'
import { openRewardTools } from '../../reward-tools.ts'

export interface ServedModel {
  /** The name of the configuration, which a request gives as its model. */
  id: string
  /** Seconds of Unix time at which the server began to serve it. */
  created: number
}

export interface Rlm {
  readonly models: readonly ServedModel[]
  /** Errors raised: UsageError `model_not_found`, `busy`, `closed`. */
  ask(model: string, task: AskedTask, cancel: AbortSignal): Promise<Asked & { runId: string }>
  /** Cancels what is going on and ends the runs. */
  close(): Promise<void>
}

/** Errors raised: UsageError when two configurations share a name; SandboxError when there is no sandbox. */
export async function openRlm(
  store: Store,
  prepared: PreparedRun[],
  onError: (error: unknown) => void = () => {},
): Promise<Rlm> {
  const created = Math.floor(Date.now() / 1000)
  const configurations = new Map<string, Configuration>()
  for (const one of prepared) {
    const { name } = one.config
    if (configurations.has(name))
      throw new UsageError(`--rlm: two run files have the name "${name}": requests could not tell them apart`)
    configurations.set(name, await openConfiguration(store, one, onError))
  }
  return {
    models: [...configurations.keys()].map((id) => ({ id, created })),
    async ask(model, task, cancel) {
      const configuration = configurations.get(model)
      if (!configuration) {
        const known = [...configurations.keys()].map((name) => `"${name}"`).join(', ')
        const detail = `There is no model ${JSON.stringify(model)}; there is ${known}.`
        throw new UsageError(detail, { code: 'model_not_found' })
      }
      const run = await configuration.run()
      return { ...(await run.ask(task, cancel)), runId: run.runId }
    },
    async close() {
      await Promise.all([...configurations.values()].map(async (one) => await one.close()))
    },
  }
}

interface Configuration {
  run(): Promise<OpenRun>
  close(): Promise<void>
}

async function openConfiguration(
  store: Store,
  prepared: PreparedRun,
  onError: (error: unknown) => void,
): Promise<Configuration> {
  const { config, protocol, models, rewards } = prepared
  const sandbox: Sandbox | null = protocol.setup
    ? await openSandbox({ minIsolation: config.minIsolation })
    : null
  const ending = new AbortController()
  const rewardTools = openRewardTools({ signal: ending.signal })
  let opened: Promise<OpenRun> | null = null
  let closing: Promise<void> | null = null

  async function open(): Promise<OpenRun> {
    const left = await store.findInterrupted(prepared.configHash)
    const runId = left?.id ?? (await begin())
    const score = rewards.length > 0 ? scorer(store, runId, rewards, rewardTools.tools) : null
    return await openRun({ store, runId, config, protocol, sandbox, models, score, onError })
  }

  async function end(): Promise<void> {
    const run = await opened?.catch(() => null)
    await run?.close()
    ending.abort(new Error('the server ends'))
    await Promise.all([sandbox?.close(), rewardTools.close()])
  }

  async function begin(): Promise<string> {
    const row = newRun(prepared)
    await store.createRun(row)
    return row.id
  }

  return {
    async run() {
      if (closing) throw new UsageError('the server is stopping', { code: 'closed' })
      opened ??= open()
      try {
        return await opened
      } catch (error) {
        opened = null
        throw error
      }
    },
    async close() {
      await (closing ??= end())
    },
  }
}

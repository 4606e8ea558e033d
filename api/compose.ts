// Where the wings meet: from a run file to everything that a job needs.
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { z } from 'zod'
import {
  createProtocol,
  type Protocol,
  type ProtocolOptions,
  type Tool,
} from '../collectors/protocols/index.ts'
import type { ScoreTrajectory } from '../collectors/job.ts'
import type { RunModels } from '../collectors/rollout.ts'
import type { WeightedReward } from '../rewards/index.ts'
import { scoreTrajectory } from '../rewards/score.ts'
import { checkDatasetPlan } from '../src/datasets/check-plan.ts'
import { ModelError, UsageError } from '../src/errors.ts'
import { hashOf } from '../src/hash.ts'
import { newId } from '../src/ids.ts'
import type { Json } from '../src/json.ts'
import { createModel } from '../src/models/index.ts'
import { version } from '../src/package.ts'
import type { RewardTools } from '../src/reward-tools.ts'
import { runFileSchema, type RunConfig, type ToolConfig } from '../src/run-file.ts'
import type { NewRun, Store, StoredRun } from '../src/store/contract.ts'
import type { Taskset } from '../src/tasks/task.ts'
import { openTaskset } from '../src/tasks/index.ts'
import { requestsTaskset } from '../src/tasks/requests.ts'
import { schemaVersion } from '../src/trajectory.ts'
import { parseYaml } from '../src/yaml.ts'
import { openRewards } from './rewards.ts'

export interface PreparedRun {
  config: RunConfig
  /** Equal for two starts of the same job: same run file, prompts, code of the protocol, task file. */
  configHash: string
  protocol: Protocol
  models: RunModels
  rewards: WeightedReward[]
  taskset: Taskset
  scripted: boolean
}

/** Errors raised: UsageError for everything that the run file gets wrong. */
export async function readRunFile(file: string): Promise<RunConfig> {
  return await readYaml(runFileSchema, file)
}

const servedFileSchema = runFileSchema.partial({ tasks: true })

/**
 * A run file made ready for tasks that come one at a time; those that it names are not read. Errors raised:
 * UsageError for everything else that it gets wrong.
 */
export async function prepareServed(file: string): Promise<PreparedRun> {
  const config = await readYaml(servedFileSchema, file)
  const { maxTasks: _most, ...rest } = config
  const served = { ...rest, tasks: { taskset: requestsTaskset.name, options: {} }, rollouts: 1 }
  return await prepareRun(served, path.dirname(path.resolve(file)))
}

async function readYaml<Schema extends z.ZodType>(schema: Schema, file: string): Promise<z.output<Schema>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file}: cannot be read (${error.code ?? error.message})`)
  })
  return parseYaml(schema, text, file)
}

/** Errors raised: UsageError when a server does not answer, or refuses the key or the name of the model. */
export async function checkModels({ models }: PreparedRun, signal: AbortSignal): Promise<void> {
  for (const model of new Set([models.policy, models.sub, models.child])) {
    await model.check(signal).catch((error: unknown) => {
      signal.throwIfAborted()
      if (error instanceof ModelError)
        throw new UsageError(`model ${model.name}: ${error.message}`, { cause: error })
      throw error
    })
  }
}

/**
 * `directory`: what the run file's paths are relative to. `texts`: those that a stored run used, in place
 * of what the files say now. Errors raised: UsageError.
 */
export async function prepareRun(
  given: RunConfig,
  directory: string,
  texts?: Record<string, string>,
): Promise<PreparedRun> {
  const config = await withToolSources(given, directory)
  const protocol =
    texts === undefined
      ? await openProtocol(config, directory)
      : createProtocol({ ...protocolOptions(config), texts })
  const rewards = await openRewards(config.rewards, directory)
  const taskset = openTaskset(config.tasks, directory)
  if (taskset.refusesStorage !== undefined) throw new UsageError(`tasks: ${taskset.refusesStorage}`)
  checkPrices(config)
  if (config.dataset) checkDatasetPlan(config.dataset)
  const models = openModels(config)
  const tasksFile = typeof config.tasks === 'string' ? config.tasks : config.tasks.options['path']
  const tasksStamp =
    typeof tasksFile === 'string' ? await fileStamp(path.resolve(directory, tasksFile)) : null
  const scripted = [models.policy, models.sub, models.child].some((model) => model.scripted)
  // What is made of the trajectories later does not make it another job.
  const { dataset: _dataset, ...job } = config
  const configHash = hashOf({ config: job, protocol: protocol.hash, tasksStamp })
  return { config, configHash, protocol, models, rewards, taskset, scripted }
}

async function openProtocol(config: RunConfig, directory: string): Promise<Protocol> {
  const { systemPromptFile } = config.protocol
  const options = protocolOptions(config)
  if (!systemPromptFile) return createProtocol(options)
  const systemPrompt = await readNamedFile('protocol.systemPromptFile', systemPromptFile, directory)
  return createProtocol({ ...options, systemPrompt })
}

/** `maxDepth: 0` is the reference's plain call: no REPL at all. */
function protocolOptions(config: RunConfig): ProtocolOptions {
  const { protocol } = config
  const tools = (config.tools ?? []).map(toTool)
  if (config.limits.maxDepth === 0 && protocol.id !== 'direct')
    return { ...protocol, id: 'direct', variant: undefined, tools }
  return { ...protocol, tools }
}

function toTool({ name, description, python, data }: ToolConfig): Tool {
  return python === undefined
    ? { name, description, value: data ?? null }
    : { name, description, source: python }
}

/** The config with the sources of its tools in it, so that a run can be repeated from its own row. */
async function withToolSources(config: RunConfig, directory: string): Promise<RunConfig> {
  if (config.tools === undefined) return config
  const tools: ToolConfig[] = []
  for (const { pythonFile, ...tool } of config.tools) {
    if (pythonFile === undefined) tools.push(tool)
    else tools.push({ ...tool, python: await readNamedFile(`tools: ${tool.name}`, pythonFile, directory) })
  }
  return { ...config, tools }
}

async function readNamedFile(what: string, name: string, directory: string): Promise<string> {
  const file = path.resolve(directory, name)
  return await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${what}: ${file} cannot be read (${error.code ?? error.message})`)
  })
}

/** A limit in dollars that nothing could be counted against would be no limit. */
function checkPrices(config: RunConfig): void {
  const { maxCostUsd, child } = config.limits
  if (maxCostUsd === undefined && child?.maxCostUsd === undefined) return
  for (const field of ['model', 'subModel', 'childModel'] as const) {
    const model = config[field]
    if (!model || model.provider === 'scripted' || model.prices) continue
    throw new UsageError(
      `${maxCostUsd === undefined ? 'limits.child.maxCostUsd' : 'limits.maxCostUsd'} needs the prices of ${field} ${model.name}: give ${field}.prices {input, output} in dollars per million tokens, or "provider" when the server reports costs`,
    )
  }
}

function openModels(config: RunConfig): RunModels {
  const policy = createModel(config.model)
  const sub = config.subModel ? createModel(config.subModel) : policy
  const child = config.childModel ? createModel(config.childModel) : policy
  const named = new Map([policy, sub, child].map((model) => [model.name, model]))
  return { policy, sub, child, named }
}

async function fileStamp(file: string): Promise<Json> {
  const facts = await stat(file).catch(() => null)
  return facts && { file, size: facts.size, modified: facts.mtimeMs }
}

/** `queued`: its rollouts are for workers, and no other process takes the run up. */
export function newRun(prepared: PreparedRun, { queued = false } = {}): NewRun {
  const { config, protocol, configHash } = prepared
  const mark = queued ? { queued } : {}
  return {
    id: newId(),
    name: config.name,
    status: 'pending',
    config: { ...config, protocolTexts: protocol.texts, ...mark } as unknown as Record<string, Json>,
    configHash: queued ? hashOf({ queued: configHash }) : configHash,
    protocol: protocol.id,
    protocolHash: protocol.hash,
    model: config.model.name,
    policyVersion: config.policyVersion ?? null,
    scripted: prepared.scripted,
    seed: config.seed,
    codeVersion: version,
    tags: config.tags,
    rollouts: config.rollouts,
    schemaVersion,
  }
}

/** Whether the rollouts of a run are for workers (`descent worker`). */
export function isQueued(run: StoredRun): boolean {
  return run.config['queued'] === true
}

/** The config of a stored run, and the texts of its protocol. Errors raised: UsageError. */
export function storedConfig(run: StoredRun): { config: RunConfig; texts: Record<string, string> } {
  const { protocolTexts, queued: _queued, ...config } = run.config
  if (config['proxy'] === true || config['imported'] === true)
    throw new UsageError(
      `run ${run.id} was collected elsewhere and only recorded here: it has no run file to go by`,
    )
  const parsed = runFileSchema.safeParse(config)
  if (!parsed.success)
    throw new UsageError(
      `run ${run.id} was made by another version of Descent (${run.codeVersion}) and cannot be taken up by this one`,
    )
  return { config: parsed.data, texts: protocolTexts as Record<string, string> }
}

/** The protocol of a stored run, without its models: enough to execute its cells again. */
export function storedProtocol(run: StoredRun): { config: RunConfig; protocol: Protocol } {
  const { config, texts } = storedConfig(run)
  return { config, protocol: createProtocol({ ...protocolOptions(config), texts }) }
}

/** A stored run made ready again, for taking it up without its file. */
export async function prepareStoredRun(run: StoredRun, directory: string): Promise<PreparedRun> {
  const { config, texts } = storedConfig(run)
  return await prepareRun(config, directory, texts)
}

/** Scores a stored trajectory with `rewards` and stores the scores; those that compare a group are left out. */
export function scorer(
  store: Store,
  runId: string,
  rewards: WeightedReward[],
  tools: RewardTools = {},
): ScoreTrajectory {
  return async (trajectoryId) => {
    const turns = rewards.some(({ bound }) => bound.seesTurns)
    const trajectory = await store.readTrajectory(trajectoryId, { turns })
    const task = await store.readTask(runId, trajectory.taskId)
    const scores = await scoreTrajectory(rewards, task, trajectory, tools)
    await store.addScores(scores.map((score) => ({ ...score, id: newId(), runId, trajectoryId })))
    const whole = scores.filter(({ invocationId }) => !invocationId)
    const values = whole.map((score) =>
      score.value === null || score.value === undefined ? null : score.weight * score.value,
    )
    const reward = values.reduce<number | null>(
      (sum, value) => (sum === null || value === null ? null : sum + value),
      0,
    )
    return { reward: whole.length === 0 ? null : reward }
  }
}

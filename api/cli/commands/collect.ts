// `descent collect`: runs a job. The same command, given again after an interruption, takes it up.
import path from 'node:path'
import { planRun, runJob } from '../../../collectors/job.ts'
import { openSandbox } from '../../../collectors/sandbox/index.ts'
import { scoreRun } from '../../../rewards/stage.ts'
import { UsageError } from '../../../src/errors.ts'
import type { RunSummary, Store, StoredRun } from '../../../src/store/contract.ts'
import { skippingBadRows } from '../../../src/tasks/index.ts'
import {
  checkModels,
  isQueued,
  newRun,
  prepareRun,
  prepareStoredRun,
  readRunFile,
  scorer,
  type PreparedRun,
} from '../../compose.ts'
import { openRewardTools } from '../../reward-tools.ts'
import { formatCount, formatDuration, formatMoney, formatScore } from '../format.ts'
import { onInterrupt } from '../interrupt.ts'
import type { RunHead } from '../live-state.ts'
import { showProgress, type Progress } from '../progress.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export interface CollectOptions extends StoreOption {
  json?: boolean
  resume?: string
  new?: boolean
  dryRun?: boolean
  plain?: boolean
  skipBadRows?: boolean
}

export async function collect(runFile: string | undefined, options: CollectOptions): Promise<void> {
  if (!runFile && !options.resume) throw new UsageError('collect: name a run file, or a run with --resume')
  const fromFile = runFile ? await prepareFile(runFile, options) : null
  if (options.dryRun && fromFile) {
    await dryRun(fromFile, options)
    return
  }
  await usingStore(options, async (store) => {
    const { prepared, run } = await chooseRun(store, fromFile, options)
    const summary = await collectRun(store, prepared, run, options)
    const skipped = prepared.taskset.skipped?.()
    if (skipped && skipped.count > 0)
      say(`${skipped.count} bad rows left out: ${skipped.examples.join('; ')}`)
    if (options.json) printJson(result(summary))
    else say(summaryText(summary))
    if (summary.done === 0 && summary.failed > 0) process.exitCode = 1
  })
}

async function prepareFile(runFile: string, { skipBadRows }: CollectOptions): Promise<PreparedRun> {
  const config = await readRunFile(runFile)
  const tasks = skipBadRows ? skippingBadRows(config.tasks) : config.tasks
  return await prepareRun({ ...config, tasks }, path.dirname(path.resolve(runFile)))
}

/** The run to work on: the one asked for, an interrupted one of the same job, or none (a new one is made). */
async function chooseRun(
  store: Store,
  fromFile: PreparedRun | null,
  options: CollectOptions,
): Promise<{ prepared: PreparedRun; run: StoredRun | null }> {
  if (options.resume) {
    const run = await store.findRun(options.resume)
    if (isQueued(run))
      throw new UsageError(
        `run ${run.id} is for workers: take it up with POST /v1/runs/{run}/resume, and start descent worker`,
      )
    const prepared = await prepareStoredRun(run, process.cwd())
    if (fromFile && fromFile.protocol.hash !== prepared.protocol.hash) {
      throw new UsageError(
        `run ${run.id} was collected with other prompts than the run file has now; start a new run with --new`,
      )
    }
    return { prepared, run }
  }
  if (!fromFile) throw new UsageError('collect: name a run file, or a run with --resume')
  const run = options.new ? null : await store.findInterrupted(fromFile.configHash)
  if (run) say(`taking up the interrupted run ${run.id} (--new starts another)`)
  return { prepared: fromFile, run }
}

/** Runs a prepared job to its end, with the live view. Errors raised: as `runJob`, `planRun`. */
export async function collectRun(
  store: Store,
  prepared: PreparedRun,
  existing: StoredRun | null,
  options: { plain?: boolean },
): Promise<RunSummary> {
  const { config, protocol, models } = prepared
  const interrupt = onInterrupt()
  await checkModels(prepared, interrupt.signal)
  const sandbox = protocol.setup ? await openSandbox({ minIsolation: config.minIsolation }) : null
  const rewardTools = openRewardTools({ signal: interrupt.signal })
  let progress: Progress | null = null
  try {
    progress = showProgress(runHead(prepared), options)
    const { emit } = progress
    interrupt.heard(() => progress?.stopping())
    const runId = existing?.id ?? (await createRun(store, prepared))
    const job = { store, runId, config, signal: interrupt.signal, emit }
    if (existing === null || existing.status === 'pending')
      await planRun({ ...job, taskset: prepared.taskset })
    const { rewards } = prepared
    const score = rewards.length > 0 ? scorer(store, runId, rewards, rewardTools.tools) : null
    const summary = await runJob({ ...job, protocol, sandbox, models, score })
    const group = rewards.filter(({ bound }) => bound.scoreGroup)
    if (group.length === 0) return summary
    const { tools } = rewardTools
    await scoreRun({ store, runId, rewards: group, tools, concurrency: 8, signal: interrupt.signal })
    return await store.summarizeRun(runId)
  } finally {
    progress?.end()
    interrupt.dispose()
    await Promise.all([sandbox?.close(), rewardTools.close()])
  }
}

/** What the live view says of a run before it starts. */
function runHead({ config, protocol, models }: PreparedRun): RunHead {
  const { maxTurns, maxDepth, maxCalls, maxTokens, maxTimeSeconds, maxCostUsd } = config.limits
  const limits = [
    `${maxTurns} turns`,
    maxDepth > 1 ? `depth ${maxDepth}` : null,
    maxCalls ? `${formatCount(maxCalls)} calls` : null,
    maxTokens ? `${formatCount(maxTokens)} tokens` : null,
    maxTimeSeconds ? formatDuration(maxTimeSeconds * 1000) : null,
    maxCostUsd ? formatMoney(maxCostUsd) : null,
  ].filter((limit) => limit !== null)
  return {
    name: config.name,
    models: [...new Set([models.policy.name, models.sub.name])].join(' → '),
    setup: `${protocol.id}, ${config.rollouts} rollouts a task, ${config.concurrency} at once; at most ${limits.join(', ')}`,
    budgetUsd: maxCostUsd ?? null,
  }
}

async function createRun(store: Store, prepared: PreparedRun): Promise<string> {
  const run = newRun(prepared)
  await store.createRun(run)
  return run.id
}

async function dryRun(prepared: PreparedRun, options: CollectOptions): Promise<void> {
  let tasks = 0
  for await (const _ of prepared.taskset.tasks()) {
    tasks += 1
    if (tasks === prepared.config.maxTasks) break
  }
  const trajectories = tasks * prepared.config.rollouts
  if (options.json)
    printJson({ tasks, rollouts: prepared.config.rollouts, trajectories, configHash: prepared.configHash })
  else
    say(
      `${prepared.config.name}: ${tasks} tasks × ${prepared.config.rollouts} rollouts = ${trajectories} trajectories; nothing was run`,
    )
}

export function result(summary: RunSummary) {
  return {
    runId: summary.id,
    trajectories: summary.trajectories,
    done: summary.done,
    failed: summary.failed,
    meanReward: summary.meanReward,
    costUsd: summary.costUsd,
  }
}

export function summaryText(summary: RunSummary): string {
  const failed = summary.failed > 0 ? `, ${summary.failed} failed (the same command tries them again)` : ''
  return (
    `run ${summary.id}\n` +
    `    ${summary.done} of ${summary.trajectories} trajectories${failed}, mean reward ${formatScore(summary.meanReward)}\n` +
    `    ${formatCount(summary.calls)} calls, ${formatCount(summary.inputTokens + summary.outputTokens)} tokens, cost ${formatMoney(summary.costUsd)}`
  )
}

// Rollouts at token level for reinforcement learning: one row per branch of an invocation, with what the
// policy sampled, how likely it was, and what it was worth. A token is trained in one row only: a branch
// masks what an earlier one sampled, and a fork what it took over.
import { Bool, Float64, Int32, Utf8 } from 'apache-arrow'
import type { Invocation, Trajectory } from '../../trajectory.ts'
import { storedCredit, storedMethod, type TurnCredit } from '../advantages.ts'
import type { RecipeRow } from '../arrow.ts'
import { defineRecipe, type GroupContext, optional, required } from '../recipe.ts'
import { float32s, int32s, int8s, strings } from './shapes.ts'
import { branchesOf, engineTurns, type Place, placesOf, sequenceOf, type TokenTurn } from './token-turns.ts'

export const rlRollouts = defineRecipe({
  name: 'rl-rollouts',
  version: '1',
  description:
    'Rollouts at token level: ids of the engine, mask, logprobs, temperatures and advantages, with group and policy version.',
  trainers: [
    'prime-rl (TrainingSample: token_ids, mask, logprobs, temperatures, advantages)',
    'verl and SkyRL (prompt = the first `prompt_length` ids, response = the rest, with mask and logprobs)',
  ],
  statuses: ['done'],
  options: ['children', 'maxTokens', 'advantage', 'currentPolicy', 'maxStaleness', 'missingLogprobs'],
  needsTokens: true,
  columns: [
    required('token_ids', int32s(), 'The whole sequence, as the engine read and sampled it.'),
    required('mask', int8s(), '1 for tokens that the policy sampled and that this row trains; else 0.'),
    optional('logprobs', float32s(), 'Of the sampled tokens, 0 elsewhere; null where one is missing.'),
    optional(
      'temperatures',
      float32s(),
      'At which each trained token was sampled, 0 elsewhere; null when unknown.',
    ),
    optional(
      'advantages',
      float32s(),
      'Advantage times weight of each trained token, 0 elsewhere; null when never scored, or a turn has none.',
    ),
    required('prompt_length', new Int32(), 'Tokens before the first sampled one.'),
    required('tokens', new Int32(), 'Length of `token_ids`.'),
    required('trained_tokens', new Int32(), 'Ones in `mask`: at least 1.'),
    optional('reward', new Float64(), 'Weighted sum of the scores of the whole trajectory.'),
    optional(
      'advantage',
      new Float64(),
      "The trajectory's, by the method of `--advantage`; with `stored:METHOD` that of the row, null where its turns differ.",
    ),
    required(
      'loss_weight',
      new Float64(),
      'Product of 1 / siblings up to the root, so that many children do not outweigh their parent; 1 for the root. With `stored:METHOD` what the method gave.',
    ),
    required('group_id', new Utf8(), 'Run and task: the rollouts that are compared.'),
    required('group_size', new Int32(), 'Selected rollouts in the group.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    optional('policy_version', new Utf8(), 'The oldest policy that sampled a token of the row.'),
    required('policy_versions', strings(), 'All policies that sampled tokens of the row, oldest first.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'The rollout.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('task_hash', new Utf8(), 'Content hash of the task: equal over runs and files.'),
    required('invocation_id', new Utf8(), 'The invocation whose conversation it is.'),
    optional('parent_invocation_id', new Utf8(), 'The invocation that started it; null for the root.'),
    optional('parent_cell_id', new Utf8(), 'The cell that started it; null for the root.'),
    required('depth', new Int32(), '0 for the root.'),
    required('siblings', new Int32(), 'Invocations that the same parent started, this one included.'),
    required('sibling', new Int32(), 'Which of them, from 0.'),
    required('branch', new Int32(), 'Which branch of the invocation, from 0; above 0 after a compaction.'),
    required('branches', new Int32(), 'Branches of the invocation.'),
    required('turns', new Int32(), 'Responses in the row.'),
    optional('stop_reason', new Utf8(), 'Why the invocation ended.'),
    required('truncated', new Bool(), 'True when a limit cut off the last response.'),
    required('model', new Utf8(), 'The model that answered, as the server knows it.'),
    required('env_name', new Utf8(), 'How the model was talked to: the protocol.'),
    required('scripted', new Bool(), 'True when no model but a script answered: never train on it.'),
  ],
  loading: [
    {
      trainer: 'prime-rl',
      language: 'python',
      text: `from prime_rl.transports.rollouts.types import TrainingSample

names = ["token_ids", "mask", "logprobs", "temperatures", "env_name", "advantages"]
samples = [
    TrainingSample(**{name: row[name] for name in names} | {"mask": [bool(bit) for bit in row["mask"]]})
    for row in train
]`,
    },
    {
      trainer: 'verl and SkyRL',
      language: 'python',
      text: `import numpy as np

row = train.with_format("numpy")[0]
prompt, response = np.split(row["token_ids"], [row["prompt_length"]])
mask, logprobs = row["mask"][row["prompt_length"]:], row["logprobs"][row["prompt_length"]:]`,
    },
  ],
  limits: ['Off-policy as soon as the policy was updated: `policy_version` says which one sampled a row.'],

  async *groupRows({ task, members, read }, context) {
    const groups = Map.groupBy(members, ({ run }) => run.id)
    const stored = storedMethod(context.options.advantage)
    const advantageOf = new Map<string, number | null>()
    for (const group of groups.values()) {
      const advantages = context.advantages(group.map(({ reward }) => reward))
      for (const [index, { id }] of group.entries()) advantageOf.set(id, advantages[index] ?? null)
    }
    for await (const trajectory of read()) {
      const tokens = await context.readTokens(trajectory.id)
      const places = placesOf(trajectory)
      const member = members.find(({ id }) => id === trajectory.id)
      let creditOf: ReturnType<typeof storedCredit> | null = null
      const common = {
        reward: trajectory.reward,
        advantage: advantageOf.get(trajectory.id) ?? null,
        group_id: `${trajectory.runId}/${task.id}`,
        group_size: groups.get(trajectory.runId)?.length ?? 1,
        rollout: trajectory.rollout,
        run_id: trajectory.runId,
        trajectory_id: trajectory.id,
        task_id: task.id,
        task_hash: task.hash,
        env_name: trajectory.protocol.id,
      }
      for (const invocation of trajectory.invocations) {
        if (invocation.depth > 0 && !context.options.children) continue
        const leaveOut = (reason: string) => context.leaveOut(reason, [trajectory])
        const turns = engineTurns(invocation, tokens, leaveOut)
        if (!turns) {
          leaveOut('invocations without token ids of the engine')
          continue
        }
        const place = places.get(invocation.id)
        const taken = invocation.depth === 0 ? (trajectory.origin?.turns ?? 0) : 0
        const inTree = weightOf(trajectory, invocation, places)
        const ofTrajectory = common.advantage === null ? null : { value: common.advantage, weight: inTree }
        if (stored !== null) creditOf ??= storedCredit(trajectory, stored)
        const credit = creditOf
        const branches = branchesOf(turns)
        for (const [number, branch] of branches.entries()) {
          const made = rowOf(
            branch,
            taken,
            (turnId) => (credit ? credit(invocation.id, turnId, inTree) : ofTrajectory),
            member?.run.policyVersion ?? null,
            context,
          )
          if ('reason' in made) {
            leaveOut(made.reason)
            continue
          }
          const row = {
            ...common,
            loss_weight: inTree,
            ...made.row,
            invocation_id: invocation.id,
            parent_invocation_id: place?.parentInvocationId ?? null,
            parent_cell_id: invocation.parentCellId,
            depth: invocation.depth,
            siblings: place?.siblings ?? 1,
            sibling: place?.sibling ?? 0,
            branch: number,
            branches: branches.length,
            stop_reason: invocation.stopReason,
          }
          yield { row, members: [trajectory] }
        }
      }
    }
  },
})

function rowOf(
  branch: TokenTurn[],
  taken: number,
  creditOf: (turnId: string) => TurnCredit | null,
  runVersion: string | null,
  { options }: GroupContext,
): { row: RecipeRow } | { reason: string } {
  const trained = branch.filter(({ turn }) => turn.index >= taken)
  const sequence = sequenceOf(branch, ({ turn }) => turn.index >= taken)
  const last = branch.at(-1)
  if (!last || sequence.trained === 0) return { reason: 'branches in which nothing is trained' }
  if (options.maxTokens !== null && sequence.ids.length > options.maxTokens) {
    return { reason: `sequences of more than ${options.maxTokens} tokens` }
  }
  const versions = versionsOf(trained, runVersion)
  const stale = staleness(versions, options.currentPolicy, options.maxStaleness)
  if (stale !== null) return { reason: stale }
  const logprobs = logprobsOf(branch, taken, sequence.ids.length)
  if (!logprobs && options.missingLogprobs === 'drop') {
    return { reason: 'branches in which a sampled token has no logprob' }
  }
  const credits = trained.map(({ turn }) => creditOf(turn.id))
  return {
    row: {
      token_ids: sequence.ids,
      mask: sequence.mask,
      logprobs,
      temperatures: temperaturesOf(branch, taken, sequence.ids.length),
      advantages: credits.includes(null) ? null : advantagesOf(branch, taken, sequence.ids.length, creditOf),
      ...sharedCredit(credits),
      prompt_length: sequence.promptLength,
      tokens: sequence.ids.length,
      trained_tokens: sequence.trained,
      policy_version: versions[0] ?? null,
      policy_versions: versions,
      turns: branch.length,
      truncated: last.turn.call.response.finishReason === 'length',
      model: last.turn.call.model,
      scripted: branch.some(({ turn }) => turn.call.scripted),
    },
  }
}

/** Calls `visit` with each trained response and where its tokens begin and end. */
function forTrained(
  branch: TokenTurn[],
  taken: number,
  visit: (turn: TokenTurn, start: number, end: number) => void,
): void {
  let at = 0
  for (const turn of branch) {
    const start = at + turn.added.length
    at = start + turn.completion.length
    if (turn.turn.index >= taken) visit(turn, start, at)
  }
}

/** Null when a trained token has none, or NaN: a trainer would make NaN of all weights. */
function logprobsOf(branch: TokenTurn[], taken: number, length: number): Float32Array | null {
  const all = new Float32Array(length)
  let whole = true
  forTrained(branch, taken, ({ logprobs }, start) => {
    if (logprobs && !logprobs.includes(Number.NaN)) all.set(logprobs, start)
    else whole = false
  })
  return whole ? all : null
}

function temperaturesOf(branch: TokenTurn[], taken: number, length: number): Float32Array | null {
  const all = new Float32Array(length)
  let known = true
  forTrained(branch, taken, ({ turn }, start, end) => {
    const { temperature } = turn.call.sampling
    if (typeof temperature === 'number') all.fill(temperature, start, end)
    else known = false
  })
  return known ? all : null
}

function advantagesOf(
  branch: TokenTurn[],
  taken: number,
  length: number,
  creditOf: (turnId: string) => TurnCredit | null,
): Float32Array {
  const all = new Float32Array(length)
  forTrained(branch, taken, ({ turn }, start, end) => {
    const { value, weight } = creditOf(turn.id) ?? { value: 0, weight: 0 }
    all.fill(value * weight, start, end)
  })
  return all
}

/** What all turns of a row share; where they have no weight, that of the tree stays. */
function sharedCredit(credits: (TurnCredit | null)[]): { advantage: number | null; loss_weight?: number } {
  const [first = null] = credits
  if (first === null) return { advantage: null }
  const isOne = credits.every((credit) => credit?.value === first.value)
  return { advantage: isOne ? first.value : null, loss_weight: first.weight }
}

/** Distinct; by their last number where all have one, else in the order in which they sampled. */
function versionsOf(trained: TokenTurn[], ofRun: string | null): string[] {
  const versions = [...new Set(trained.flatMap(({ policyVersion }) => policyVersion ?? ofRun ?? []))]
  const numbers = new Map(versions.map((version) => [version, versionNumber(version)]))
  if ([...numbers.values()].includes(null)) return versions
  return versions.toSorted((a, b) => (numbers.get(a) ?? 0) - (numbers.get(b) ?? 0))
}

/** `step-120` is 120; null without a number. */
function versionNumber(version: string): number | null {
  const found = /\d+(?=\D*$)/.exec(version)
  return found ? Number(found[0]) : null
}

/** Why the row is left out; null when it is not. */
function staleness(versions: string[], current: number | null, most: number): string | null {
  if (current === null) return null
  const numbers = versions.map(versionNumber)
  const [oldest] = numbers
  if (oldest === undefined || numbers.includes(null)) return 'branches whose policy has no numbered version'
  return current - (oldest ?? 0) > most ? `branches of policies more than ${most} versions old` : null
}

/**
 * As in L(node) = own loss + (1/k) Σ L(child) over its k children. Source: alphaXiv, "Reinforcing Recursive
 * Language Models" (2026-05-12), SkyRL pull request 1596.
 */
function weightOf(trajectory: Trajectory, invocation: Invocation, places: Map<string, Place>): number {
  let weight = 1
  for (let at = places.get(invocation.id); at; at = places.get(at.parentInvocationId ?? '')) {
    weight /= at.siblings
  }
  return trajectory.invocations.length === 1 ? 1 : weight
}

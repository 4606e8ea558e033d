// ATIF 1.7, the Agent Trajectory Interchange Format: a document per trajectory. A root turn is an agent
// step, a cell its tool call `python`, and every sub-call an embedded sub-agent trajectory that the cell's
// result refers to. Source: harbor-framework/harbor, rfcs/0001-trajectory-format.md.
import type { CallTokens } from '../../store/contract.ts'
import type { Call, Cell, Invocation, Trajectory, Turn } from '../../trajectory.ts'
import { codeVersion } from '../code-version.ts'
import { defineRecipe, type RecipeTask } from '../recipe.ts'
import { errorText, outputOf, present, stepsOf } from './conversation.ts'

type Tokens = ReadonlyMap<string, CallTokens>

export const atif = defineRecipe({
  name: 'atif',
  version: '1',
  description:
    'ATIF 1.7, a document a line: turns as agent steps, cells as tool calls, sub-calls as embedded sub-agent trajectories.',
  trainers: ['whatever reads ATIF 1.7'],
  statuses: ['done', 'failed'],
  options: [],
  documents: 'together',
  needsTokens: true,
  columns: [],
  loading: [
    {
      trainer: 'ATIF',
      language: 'python',
      text: `import glob, json

from atif import Trajectory  # pip install atif

for path in glob.glob("FOLDER/*.jsonl"):
    for line in open(path, encoding="utf-8"):
        print(Trajectory.model_validate(json.loads(line)).agent.name)`,
    },
  ],

  *rows(trajectory, task, { tokens, run }) {
    const root = trajectory.invocations.find(({ depth }) => depth === 0)
    if (!root) return
    const taken = trajectory.origin?.turns ?? 0
    const document = {
      ...invocationDocument(trajectory, root, tokens, run.model, taken),
      session_id: trajectory.runId,
      extra: rootExtra(trajectory, task, run.policyVersion),
    }
    yield { documents: [document] }
  },
})

function rootExtra(trajectory: Trajectory, task: RecipeTask, policyVersion: string | null) {
  return present({
    task_id: task.id,
    task_hash: task.hash,
    question: task.prompt,
    rollout: trajectory.rollout,
    status: trajectory.status,
    stop_reason: trajectory.stopReason,
    answer: trajectory.answer,
    reward: trajectory.reward,
    scores: trajectory.scores.map(({ reward, version, value, weight }) => ({
      reward,
      version,
      value,
      weight,
    })),
    error: trajectory.error && errorText(trajectory.error),
    protocol_hash: trajectory.protocol.hash,
    policy_version: policyVersion,
    scripted: trajectory.scripted,
  })
}

/** One invocation with the sub-calls of its cells; a child invocation is one of them, with its own. */
function invocationDocument(
  trajectory: Trajectory,
  invocation: Invocation,
  tokens: Tokens,
  model: string,
  taken: number,
): Record<string, unknown> {
  const children: Record<string, unknown>[] = []
  const steps: Record<string, unknown>[] = []
  const add = (step: Record<string, unknown>) => steps.push({ step_id: steps.length + 1, ...step })
  for (const { turn, added, rewritten } of stepsOf(invocation)) {
    for (const { role, content } of added) {
      // After a compaction the history is told anew: it must not be trained again.
      const copied = rewritten ? { is_copied_context: true } : {}
      add({ source: sourceOf(role), message: content, ...copied })
    }
    for (const cell of turn.cells) {
      for (const call of cell.calls) children.push(subCallDocument(trajectory, call, tokens))
    }
    add(agentStep(turn, tokens, turn.index < taken))
  }
  const { inputTokens, outputTokens, costUsd } = trajectory.usage
  const isRoot = invocation.depth === 0
  return {
    schema_version: 'ATIF-v1.7',
    trajectory_id: isRoot ? trajectory.id : invocation.id,
    agent: { name: `descent/${trajectory.protocol.id}`, version: codeVersion(), model_name: model },
    steps,
    ...(children.length > 0 ? { subagent_trajectories: children } : {}),
    ...(isRoot
      ? {
          final_metrics: present({
            total_prompt_tokens: inputTokens,
            total_completion_tokens: outputTokens,
            total_cost_usd: costUsd,
            total_steps: steps.length,
          }),
        }
      : {}),
  }
}

function sourceOf(role: string): 'system' | 'user' | 'agent' {
  if (role === 'system') return 'system'
  return role === 'assistant' ? 'agent' : 'user'
}

function agentStep(turn: Turn, tokens: Tokens, isCopied: boolean): Record<string, unknown> {
  const { call, cells } = turn
  return present({
    ...answerOf(call, tokens),
    source: 'agent',
    tool_calls:
      cells.length === 0
        ? null
        : cells.map(({ id, code }) => ({ tool_call_id: id, function_name: 'python', arguments: { code } })),
    observation: cells.length === 0 ? null : { results: cells.map(resultOf) },
    llm_call_count: 1,
    is_copied_context: isCopied ? true : null,
    extra: present({
      turn: turn.index,
      forced: turn.forced ? true : null,
      error: call.error && errorText(call.error),
    }),
  })
}

function resultOf(cell: Cell): Record<string, unknown> {
  return present({
    source_call_id: cell.id,
    content: outputOf(cell),
    subagent_trajectory_ref:
      cell.calls.length === 0 ? null : cell.calls.map((call) => ({ trajectory_id: documentId(call) })),
    extra: { duration_ms: cell.durationMs },
  })
}

/** An `rlm` call that started a child is that child; any other is a prompt and its answer. */
function subCallDocument(trajectory: Trajectory, call: Call, tokens: Tokens): Record<string, unknown> {
  const child =
    call.invocationId === null ? null : trajectory.invocations.find(({ id }) => id === call.invocationId)
  if (child) return invocationDocument(trajectory, child, tokens, call.model, 0)
  const prompts = call.messages.map(({ role, content }, index) => ({
    step_id: index + 1,
    source: sourceOf(role),
    message: content,
  }))
  const extra = present({ kind: call.kind, error: call.error && errorText(call.error) })
  return {
    schema_version: 'ATIF-v1.7',
    trajectory_id: documentId(call),
    agent: { name: `descent/${call.kind}`, version: codeVersion(), model_name: call.model },
    steps: [
      ...prompts,
      { step_id: prompts.length + 1, source: 'agent', ...answerOf(call, tokens), llm_call_count: 1, extra },
    ],
  }
}

function documentId(call: Call): string {
  return call.invocationId ?? call.id
}

function answerOf(call: Call, tokens: Tokens): Record<string, unknown> {
  const own = tokens.get(call.id)
  const { usage } = call
  const ids = own?.completion ?? null
  // JSON has no NaN: logprobs with a gap are left out.
  const logprobs = own?.logprobs && !own.logprobs.includes(Number.NaN) ? own.logprobs : null
  return present({
    message: call.response.text ?? '',
    reasoning_content: call.response.reasoning,
    model_name: call.model,
    timestamp: call.startedAt,
    metrics:
      usage || ids
        ? present({
            prompt_tokens: usage?.inputTokens,
            completion_tokens: usage?.outputTokens,
            cached_tokens: usage?.cachedTokens,
            cost_usd: usage?.costUsd,
            completion_token_ids: ids,
            logprobs: ids ? logprobs : null,
          })
        : null,
  })
}

// Episodes of verifiers v1, one a line, as its `traces.jsonl` holds them. Each message is a node once, and a
// history that was rewritten is a branch; every invocation of the tree has its own root in the one graph.
// Source: PrimeIntellect-ai/verifiers, verifiers/v1/{episode,trace,graph}.py, TRACE_VERSION 1.
import type { CallTokens } from '../../store/contract.ts'
import type { Call, Invocation, Trajectory } from '../../trajectory.ts'
import { codeVersion } from '../code-version.ts'
import { defineRecipe, type RecipeTask } from '../recipe.ts'
import { type Message, responseOf, sameMessage } from '../looks.ts'
import { engineTurns, type TokenTurn } from '../recipes/token-turns.ts'
import { errorText, stepsOf } from './conversation.ts'

interface Node extends Record<string, unknown> {
  parent: number | null
  message: Message
}

export const verifiersTraces = defineRecipe({
  name: 'verifiers-traces',
  version: '1',
  description:
    'Episodes of verifiers v1, one a line: a graph of messages with what the engine sampled, calls and rewards.',
  trainers: ['verifiers v1 (WireEpisode)'],
  statuses: ['done', 'failed'],
  options: [],
  documents: 'together',
  needsTokens: true,
  columns: [],
  loading: [
    {
      trainer: 'verifiers',
      language: 'python',
      text: `import glob

from verifiers.v1 import WireEpisode  # pip install verifiers

for path in glob.glob("FOLDER/*.jsonl"):
    for line in open(path, encoding="utf-8"):
        episode = WireEpisode.model_validate_json(line)
        print(episode.id, [len(trace.nodes) for trace in episode.traces])`,
    },
  ],

  *rows(trajectory, task, { tokens, run }) {
    const { protocol } = trajectory
    const errors = trajectory.error ? [errorOf(trajectory.error)] : []
    const episode = {
      id: trajectory.id,
      env: { id: `descent/${protocol.id}`, name: run.name },
      task: taskOf(task),
      group: { id: `${trajectory.runId}/${task.id}` },
      run: { type: 'eval', id: trajectory.runId, name: run.name },
      ok: trajectory.status === 'done',
      errors,
      traces: [{ ...traceOf(trajectory, tokens), task: taskOf(task), errors }],
    }
    yield { documents: [episode] }
  },
})

function taskOf(task: RecipeTask) {
  const data = { id: task.id, prompt: task.prompt, answer: task.answer, metadata: task.metadata }
  return { type: 'descent', data, key: task.hash, hash: task.hash }
}

function errorOf(error: { boundary: string; code: string; message: string }) {
  return { type: `${error.boundary}/${error.code}`, message: error.message }
}

function traceOf(trajectory: Trajectory, tokens: ReadonlyMap<string, CallTokens>) {
  const nodes: Node[] = []
  const calls: Record<string, unknown>[] = []
  for (const invocation of trajectory.invocations) {
    const byCall = tokenTurns(invocation, tokens)
    /** Indexes of the nodes from the root to the last response. */
    let path: number[] = []
    for (const turn of invocation.turns) {
      const { call } = turn
      const own = byCall.get(call.id)
      // The ids of a rewritten prompt are not those of the messages that it shares: it has a root of its own.
      if (own && !own.extends) path = []
      const shared = call.messages.findIndex(
        (message, index) => !sameMessage(nodes[path[index] ?? -1]?.message, message),
      )
      path = path.slice(0, shared === -1 ? call.messages.length : shared)
      for (const message of call.messages.slice(path.length)) {
        const parent = path.at(-1) ?? null
        nodes.push({ parent, message: messageOf(message), sampled: false, timestamp: seconds(call) })
        path.push(nodes.length - 1)
      }
      const text = responseOf(turn)
      calls.push(callOf(call, text === null ? null : nodes.length))
      if (text === null) continue
      nodes.push({
        parent: path.at(-1) ?? null,
        message: { role: 'assistant', content: text, ...reasoningOf(call) },
        sampled: true,
        timestamp: seconds(call),
        // The ids of the messages before stand on the response: the engine does not say whose they are.
        ...(own ? tokensOf(own) : {}),
      })
      path.push(nodes.length - 1)
    }
  }
  return {
    version: 1,
    id: trajectory.id,
    verifiers: { version: `descent ${codeVersion()}` },
    agent: { config: {}, name: 'agent', trainable: !trajectory.scripted },
    nodes,
    calls,
    rewards: Object.fromEntries(
      trajectory.scores.map(({ reward, value, weight }) => [
        reward,
        value === null ? null : { score: value, weight },
      ]),
    ),
    info: { rollout: trajectory.rollout, answer: trajectory.answer, scripted: trajectory.scripted },
    is_completed: trajectory.status === 'done',
    ok: trajectory.status === 'done',
    stop_condition: trajectory.stopReason,
  }
}

/** Those of the engine, where messages and ids agree about what extends what; else none. */
function tokenTurns(invocation: Invocation, tokens: ReadonlyMap<string, CallTokens>): Map<string, TokenTurn> {
  const sampled = engineTurns(invocation, tokens, () => undefined)
  const steps = stepsOf(invocation)
  const agree = sampled?.every((one, index) => index === 0 || one.extends === !steps[index]?.rewritten)
  if (!sampled || sampled.length < steps.length || !agree) return new Map()
  return new Map(sampled.map((one) => [one.turn.call.id, one]))
}

/** Roles that verifiers does not know are users. */
function messageOf({ role, content }: Message): Message {
  return { role: ['system', 'user', 'assistant'].includes(role) ? role : 'user', content }
}

function reasoningOf({ response }: Call): object {
  return response.reasoning === null ? {} : { reasoning_content: response.reasoning }
}

function tokensOf({ added, completion, logprobs }: TokenTurn): object {
  const complete = logprobs && !logprobs.includes(Number.NaN)
  return {
    token_ids: [...added, ...completion],
    mask: [...Array.from(added, () => false), ...Array.from(completion, () => true)],
    ...(complete ? { logprobs: [...logprobs] } : {}),
  }
}

function callOf(call: Call, node: number | null): Record<string, unknown> {
  const { usage, error } = call
  const { finishReason } = call.response
  const known = finishReason === 'stop' || finishReason === 'length' || finishReason === 'tool_calls'
  const start = seconds(call)
  return {
    node,
    model: call.model,
    finish_reason: known ? finishReason : null,
    // Prompt tokens of verifiers leave out those that were read from a cache.
    usage: usage && {
      prompt_tokens: Math.max(0, usage.inputTokens - usage.cachedTokens),
      completion_tokens: usage.outputTokens,
      cached_input_tokens: usage.cachedTokens,
      reasoning_tokens: usage.reasoningTokens,
      cost: usage.costUsd,
    },
    time: { start, end: start + (call.latencyMs ?? 0) / 1000 },
    error: error && { type: `${error.boundary}/${error.code}`, message: errorText(error) },
  }
}

function seconds({ startedAt }: Call): number {
  return Date.parse(startedAt) / 1000
}

// The stored tree as flat tables that join by ids: with `trajectories`, all that is stored of a rollout but
// its contexts. A row is an invocation, a turn, a cell, a call or a score.
import { Bool, Float64, Int32, Int64, TimestampMicrosecond, Utf8 } from 'apache-arrow'
import type { Call, Trajectory } from '../../trajectory.ts'
import type { RecipeRow } from '../arrow.ts'
import { defineRecipe, optional, type RecipeColumn, required } from '../recipe.ts'
import { conversation } from './shapes.ts'
import { placesOf } from './token-turns.ts'

const text = new Utf8()
const instant = new TimestampMicrosecond('UTC')

/** What every table begins with. */
const place = [
  required('run_id', text, 'The run that collected it.'),
  required('trajectory_id', text, 'The rollout.'),
]

interface Table {
  name: string
  description: string
  columns: RecipeColumn[]
  rows: (trajectory: Trajectory) => Iterable<RecipeRow>
}

function table({ name, description, columns, rows }: Table) {
  return defineRecipe({
    name,
    version: '1',
    description,
    trainers: [],
    statuses: ['done', 'failed'],
    options: [],
    columns: [...place, ...columns],
    loading: [
      {
        trainer: 'Analysis',
        language: 'python',
        text: `print(train.to_pandas().groupby("trajectory_id").size().describe())`,
      },
    ],
    *rows(trajectory) {
      for (const row of rows(trajectory))
        yield { run_id: trajectory.runId, trajectory_id: trajectory.id, ...row }
    },
  })
}

const invocations = table({
  name: 'invocations',
  description: 'One row per invocation: the root and its children, with where each was started.',
  columns: [
    required('invocation_id', text, 'Its id.'),
    optional('parent_invocation_id', text, 'The invocation that started it; null for the root.'),
    optional('parent_cell_id', text, 'The cell that started it; null for the root.'),
    required('depth', new Int32(), '0 for the root.'),
    required('turns', new Int32(), 'Its turns.'),
    optional('stop_reason', text, 'Why it ended.'),
    optional('answer', text, 'Its final answer.'),
  ],
  *rows(trajectory) {
    const places = placesOf(trajectory)
    for (const { id, parentCellId, depth, turns, stopReason, answer } of trajectory.invocations) {
      yield {
        invocation_id: id,
        parent_invocation_id: places.get(id)?.parentInvocationId ?? null,
        parent_cell_id: parentCellId,
        depth,
        turns: turns.length,
        stop_reason: stopReason,
        answer,
      }
    }
  },
})

const turns = table({
  name: 'turns',
  description:
    'One row per turn of any invocation: the call of the policy, in `calls`, and how many cells it ran.',
  columns: [
    required('turn_id', text, 'Its id.'),
    required('invocation_id', text, 'The invocation it is a turn of.'),
    required('turn', new Int32(), 'Which turn, from 0.'),
    required('forced', new Bool(), 'True for the one last answer that is asked for at a limit.'),
    required('call_id', text, 'The call of the policy.'),
    required('cells', new Int32(), 'Cells that it ran.'),
  ],
  *rows(trajectory) {
    for (const invocation of trajectory.invocations) {
      for (const { id, index, forced, call, cells } of invocation.turns) {
        yield {
          turn_id: id,
          invocation_id: invocation.id,
          turn: index,
          forced,
          call_id: call.id,
          cells: cells.length,
        }
      }
    }
  },
})

const cells = table({
  name: 'cells',
  description: 'One row per executed code block of any invocation, with what it showed.',
  columns: [
    required('cell_id', text, 'Its id.'),
    required('turn_id', text, 'The turn that ran it.'),
    required('invocation_id', text, 'The invocation.'),
    required('cell', new Int32(), 'Which cell of its turn, from 0.'),
    required('code', text, 'The code.'),
    required('stdout', text, 'What it printed.'),
    required('stderr', text, 'What it printed as errors.'),
    optional('error_type', text, 'The exception that ended it.'),
    optional('error_message', text, 'Its message.'),
    optional('traceback', text, 'Its traceback.'),
    optional('death', text, 'Why the REPL died in it.'),
    required('duration_ms', new Float64(), 'From start to end.'),
    required('compute_ms', new Float64(), 'Of that, not waiting for sub-calls.'),
    optional('final_answer', text, 'The answer that it set.'),
    required('variables', text, 'Names and types that it left, as JSON.'),
    required('calls', new Int32(), 'Sub-calls that it made.'),
  ],
  *rows(trajectory) {
    for (const invocation of trajectory.invocations) {
      for (const turn of invocation.turns) {
        for (const cell of turn.cells) {
          yield {
            cell_id: cell.id,
            turn_id: turn.id,
            invocation_id: invocation.id,
            cell: cell.index,
            code: cell.code,
            stdout: cell.stdout,
            stderr: cell.stderr,
            error_type: cell.error?.type,
            error_message: cell.error?.message,
            traceback: cell.error?.traceback,
            death: cell.death && `${cell.death.reason}: ${cell.death.detail}`,
            duration_ms: cell.durationMs,
            compute_ms: cell.computeMs,
            final_answer: cell.finalAnswer,
            variables: JSON.stringify(cell.variables),
            calls: cell.calls.length,
          }
        }
      }
    }
  },
})

const calls = table({
  name: 'calls',
  description: 'One row per request to a model: of the policy, of sub-calls, and those that were lost.',
  columns: [
    required('call_id', text, 'Its id.'),
    required('kind', text, '`policy`, `llm` or `rlm`.'),
    optional('turn_id', text, 'The turn, for a call of the policy.'),
    optional(
      'cell_id',
      text,
      'The cell, for a sub-call. Both are null for a call that no turn or cell holds.',
    ),
    optional('child_invocation_id', text, 'The invocation that an `rlm` call started.'),
    required('order', new Int32(), 'Which sub-call of its cell, from 0.'),
    optional('batch_id', text, 'Shared by the calls of one batch.'),
    required('depth', new Int32(), '0 for a call of the root.'),
    required('model', text, 'The model, as the server knows it.'),
    required('provider', text, 'How it was reached.'),
    required('messages', conversation(), 'The messages exactly as they were sent.'),
    optional('response', text, 'The answer; null when the call failed.'),
    optional('reasoning', text, 'Reasoning that came beside it.'),
    optional('finish_reason', text, 'Why the model stopped.'),
    optional('input_tokens', new Int64(), 'Sent; null when the server did not count.'),
    optional('output_tokens', new Int64(), 'Received.'),
    optional('cached_tokens', new Int64(), 'Of the sent ones, read from a cache.'),
    optional('cost_usd', new Float64(), 'Dollars; null when prices are unknown.'),
    required('attempts', new Int32(), 'Requests until it answered or was given up.'),
    optional('error', text, 'As `boundary/code: message`.'),
    optional('latency_ms', new Float64(), 'Of the attempt that answered.'),
    required('started_at', instant, 'When it was sent (UTC).'),
    required('sampling', text, 'The sampling parameters, as JSON.'),
    required('token_source', text, '`engine` when token ids are stored, else `none`.'),
    required('scripted', new Bool(), 'True when a script answered in place of a model.'),
  ],
  *rows(trajectory) {
    for (const { turns: list } of trajectory.invocations) {
      for (const turn of list) {
        yield callRow(turn.call, turn.id, null)
        for (const cell of turn.cells) for (const call of cell.calls) yield callRow(call, null, cell.id)
      }
    }
    for (const call of trajectory.lostCalls) yield callRow(call, null, null)
  },
})

function callRow(call: Call, turnId: string | null, cellId: string | null): RecipeRow {
  const { response, usage, error } = call
  return {
    call_id: call.id,
    kind: call.kind,
    turn_id: turnId,
    cell_id: cellId,
    child_invocation_id: call.invocationId,
    order: call.order,
    batch_id: call.batchId,
    depth: call.depth,
    model: call.model,
    provider: call.provider,
    messages: call.messages,
    response: response.text,
    reasoning: response.reasoning,
    finish_reason: response.finishReason,
    input_tokens: usage?.inputTokens,
    output_tokens: usage?.outputTokens,
    cached_tokens: usage?.cachedTokens,
    cost_usd: usage?.costUsd,
    attempts: call.attempts,
    error: error && `${error.boundary}/${error.code}: ${error.message}`,
    latency_ms: call.latencyMs,
    started_at: call.startedAt,
    sampling: JSON.stringify(call.sampling),
    token_source: call.tokenSource,
    scripted: call.scripted,
  }
}

const scores = table({
  name: 'scores',
  description: 'One row per score of a trajectory: not scored is null with its error, never 0.',
  columns: [
    required('reward', text, 'The name of the reward.'),
    required('version', text, 'Its version.'),
    optional('value', new Float64(), 'What it gave; null when it failed.'),
    required('weight', new Float64(), 'Its part in the weighted sum.'),
    optional('error', text, 'As `boundary/code: message`.'),
    optional('details', text, 'What the reward tells of its value, as JSON.'),
  ],
  *rows(trajectory) {
    for (const { reward, version, value, weight, error, details } of trajectory.scores) {
      yield {
        reward,
        version,
        value,
        weight,
        error: error && `${error.boundary}/${error.code}: ${error.message}`,
        details: details && JSON.stringify(details),
      }
    }
  },
})

export const tables = [invocations, turns, cells, calls, scores]

// The tables. Narrow rows: whatever is filtered or sorted is a column; a text above its column's
// inline limit, or one that PostgreSQL cannot hold (NUL, lone surrogates), is a blob, and the column
// keeps a clean preview (see text.ts). Every large table carries `runId`, so that a run can be
// deleted, and one day partitioned, without joins. Rows are appended; only runs, trajectories and
// invocations change, when they end.
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { ErrorRecord } from '../errors.ts'
import type { Json } from '../json.ts'
import type { CellError, Death, SandboxLimit, Variable } from '../sandbox.ts'
import type { Divergence } from '../trajectory.ts'
import { decodeJson, encodeJson } from './json-column.ts'
import type { SearchTexts } from './search-texts.ts'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' })
/** Written from the texts of each weight (insert.ts), never read back. */
const tsvector = customType<{ data: SearchTexts; driverData: unknown }>({ dataType: () => 'tsvector' })
/** Any JSON value, also with strings that jsonb refuses; the driver has parsed what comes back. */
const json = customType<{ data: unknown; driverData: unknown }>({
  dataType: () => 'jsonb',
  toDriver: encodeJson,
  fromDriver: decodeJson,
})
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'string' })
/** The transaction that wrote the row last: what readers of changes go by (changes.ts says how). */
const revision = () =>
  xid8('revision')
    .notNull()
    .default(sql`pg_current_xact_id()`)
const count = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)

/** Content-addressed bytes, stored once. Key: SHA-256 of the uncompressed bytes. */
export const blobs = pgTable('blobs', {
  hash: bytea('hash').primaryKey(),
  size: bigint('size', { mode: 'number' }).notNull(),
  /** Bit 0: zstd. Bit 1: UTF-16LE text (lone surrogates), else UTF-8 or plain bytes. */
  codec: smallint('codec').notNull(),
  data: bytea('data'),
  uri: text('uri'),
  createdAt: instant('created_at').notNull().defaultNow(),
})

export const runs = pgTable(
  'runs',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    /** pending | running | done | interrupted | failed */
    status: text('status').notNull(),
    /** The resolved run file, system prompts included: the run can be repeated from it. */
    config: json('config').$type<Record<string, Json>>().notNull(),
    configHash: text('config_hash').notNull(),
    protocol: text('protocol').notNull(),
    protocolHash: text('protocol_hash').notNull(),
    model: text('model').notNull(),
    policyVersion: text('policy_version'),
    scripted: boolean('scripted').notNull(),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    codeVersion: text('code_version').notNull(),
    tags: text('tags')
      .array()
      .notNull()
      .default(sql`'{}'`),
    tasks: integer('tasks').notNull().default(0),
    rollouts: integer('rollouts').notNull(),
    schemaVersion: integer('schema_version').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    index('runs_config').on(t.configHash, t.id),
    // People name a row by the end of its id.
    index('runs_suffix').on(sql`reverse(${t.id}::text) text_pattern_ops`),
  ],
)

/** Tasks by content; shared by all runs. */
export const tasks = pgTable('tasks', {
  hash: text('hash').primaryKey(),
  prompt: text('prompt').notNull(),
  promptBlob: bytea('prompt_blob'),
  contextBlob: bytea('context_blob').notNull(),
  /** text | json */
  contextFormat: text('context_format').notNull(),
  contextType: text('context_type').notNull(),
  contextCharacters: bigint('context_characters', { mode: 'number' }).notNull(),
  contextBytes: bigint('context_bytes', { mode: 'number' }).notNull(),
  answer: json('answer').$type<Json>(),
  metadata: json('metadata').$type<Record<string, Json>>().notNull(),
  schemaVersion: integer('schema_version').notNull(),
})

export const runTasks = pgTable(
  'run_tasks',
  {
    runId: uuid('run_id').notNull(),
    position: integer('position').notNull(),
    taskId: text('task_id').notNull(),
    taskHash: text('task_hash').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.position] }),
    uniqueIndex('run_tasks_task').on(t.runId, t.taskId),
    index('run_tasks_hash').on(t.taskHash),
  ],
)

export const trajectories = pgTable(
  'trajectories',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    taskId: text('task_id').notNull(),
    taskHash: text('task_hash').notNull(),
    /** (runId, taskId) is the group; rollout counts from 0 within it. */
    rollout: integer('rollout').notNull(),
    position: integer('position').notNull(),
    /** pending | running | done | failed */
    status: text('status').notNull(),
    stopReason: text('stop_reason'),
    answer: text('answer'),
    answerBlob: bytea('answer_blob'),
    error: json('error').$type<ErrorRecord>(),
    attempt: integer('attempt').notNull().default(0),
    /** Where a replay of recorded cells first differed from the record; null when none did. */
    divergence: json('divergence').$type<Divergence>(),
    /** A fork: the trajectory, and how many of its root turns were taken over. */
    originTrajectoryId: uuid('origin_trajectory_id'),
    originTurns: integer('origin_turns'),
    seed: bigint('seed', { mode: 'number' }).notNull(),
    scripted: boolean('scripted').notNull(),
    sandbox: text('sandbox'),
    policyVersion: text('policy_version'),
    inputTokens: count('input_tokens'),
    outputTokens: count('output_tokens'),
    turns: integer('turns').notNull().default(0),
    cells: integer('cells').notNull().default(0),
    calls: integer('calls').notNull().default(0),
    failedCells: integer('failed_cells').notNull().default(0),
    maxDepth: integer('max_depth').notNull().default(0),
    /** Null while no call had a known price. */
    costUsd: doublePrecision('cost_usd'),
    /** The weighted sum of the scores that count (scores.ts); kept in step with them. */
    reward: doublePrecision('reward'),
    /** Whether its texts are in the index of full-text search (search-index.ts). */
    searchable: boolean('searchable').notNull().default(false),
    schemaVersion: integer('schema_version').notNull(),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
    revision: revision(),
  },
  (t) => [
    index('trajectories_reward').on(t.runId, t.reward, t.position, t.rollout),
    index('trajectories_cost').on(t.runId, t.costUsd, t.position, t.rollout),
    index('trajectories_turns').on(t.runId, t.turns, t.position, t.rollout),
    index('trajectories_calls').on(t.runId, t.calls, t.position, t.rollout),
    index('trajectories_tokens').on(
      t.runId,
      sql`(${t.inputTokens} + ${t.outputTokens})`,
      t.position,
      t.rollout,
    ),
    index('trajectories_seconds').on(
      t.runId,
      sql`extract(epoch from ${t.endedAt} - ${t.startedAt})`,
      t.position,
      t.rollout,
    ),
    // All that the figures of a group are made of.
    index('trajectories_group').on(t.runId, t.taskId, t.rollout, t.reward),
    index('trajectories_revision').on(t.runId, t.revision, t.id),
    uniqueIndex('trajectories_rollout').on(t.runId, t.taskId, t.rollout),
    index('trajectories_unsearchable')
      .on(t.runId, t.id)
      .where(sql`not ${t.searchable} and ${t.endedAt} is not null`),
    index('trajectories_list').on(t.runId, t.position, t.rollout),
    index('trajectories_status').on(t.runId, t.status, t.position, t.rollout),
    index('trajectories_origin')
      .on(t.originTrajectoryId)
      .where(sql`${t.originTrajectoryId} is not null`),
    index('trajectories_suffix').on(sql`reverse(${t.id}::text) text_pattern_ops`),
  ],
)

export const invocations = pgTable(
  'invocations',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    parentCellId: uuid('parent_cell_id'),
    parentCallId: uuid('parent_call_id'),
    depth: smallint('depth').notNull(),
    model: text('model').notNull(),
    protocolHash: text('protocol_hash').notNull(),
    stopReason: text('stop_reason'),
    answer: text('answer'),
    answerBlob: bytea('answer_blob'),
    startedAt: instant('started_at').notNull(),
    endedAt: instant('ended_at'),
  },
  (t) => [index('invocations_trajectory').on(t.trajectoryId)],
)

/** An invocation's messages, each once; a turn refers to a prefix of them. */
export const messages = pgTable(
  'messages',
  {
    invocationId: uuid('invocation_id').notNull(),
    index: integer('index').notNull(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    role: text('role').notNull(),
    content: text('content').notNull(),
    contentBlob: bytea('content_blob'),
  },
  (t) => [
    primaryKey({ columns: [t.invocationId, t.index] }),
    index('messages_trajectory').on(t.trajectoryId),
  ],
)

export const turns = pgTable(
  'turns',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    invocationId: uuid('invocation_id').notNull(),
    index: integer('index').notNull(),
    callId: uuid('call_id').notNull(),
    /** The invocation's messages that were sent: from the first, 0 unless a compaction came before, … */
    promptStart: integer('prompt_start').notNull().default(0),
    /** … to the last, exclusive. */
    promptMessages: integer('prompt_messages').notNull(),
    forced: boolean('forced').notNull().default(false),
    /** The reply is a summary that takes the place of the messages before it. */
    compaction: boolean('compaction').notNull().default(false),
    revision: revision(),
  },
  (t) => [
    uniqueIndex('turns_index').on(t.invocationId, t.index),
    index('turns_trajectory').on(t.trajectoryId),
  ],
)

export const cells = pgTable(
  'cells',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    invocationId: uuid('invocation_id').notNull(),
    turnId: uuid('turn_id').notNull(),
    index: integer('index').notNull(),
    code: text('code').notNull(),
    codeBlob: bytea('code_blob'),
    stdout: text('stdout').notNull(),
    stdoutBlob: bytea('stdout_blob'),
    stderr: text('stderr').notNull(),
    stderrBlob: bytea('stderr_blob'),
    stdoutCharacters: bigint('stdout_characters', { mode: 'number' }).notNull(),
    stderrCharacters: bigint('stderr_characters', { mode: 'number' }).notNull(),
    error: json('error').$type<CellError>(),
    death: json('death').$type<Death>(),
    variables: json('variables').$type<Variable[]>().notNull(),
    finalAnswer: text('final_answer'),
    finalAnswerBlob: bytea('final_answer_blob'),
    durationMs: doublePrecision('duration_ms').notNull(),
    computeMs: doublePrecision('compute_ms').notNull(),
    /** The limits of the sandbox that it reached, also when it went on. */
    limits: text('limits')
      .array()
      .$type<SandboxLimit[]>()
      .notNull()
      .default(sql`'{}'`),
    startedAt: instant('started_at').notNull(),
    revision: revision(),
  },
  (t) => [uniqueIndex('cells_index').on(t.turnId, t.index), index('cells_trajectory').on(t.trajectoryId)],
)

export const calls = pgTable(
  'calls',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    /** The invocation whose policy or cell made the call. */
    invocationId: uuid('invocation_id').notNull(),
    cellId: uuid('cell_id'),
    /** policy | llm | rlm */
    kind: text('kind').notNull(),
    /** Position among the sub-calls of the cell; 0 for a policy call. */
    order: integer('order').notNull(),
    batchId: uuid('batch_id'),
    batchIndex: integer('batch_index'),
    depth: smallint('depth').notNull(),
    childInvocationId: uuid('child_invocation_id'),
    model: text('model').notNull(),
    /** The name that the server says answered. */
    responseModel: text('response_model'),
    provider: text('provider').notNull(),
    scripted: boolean('scripted').notNull(),
    /** A sub-call's prompt; null for a policy call, whose prompt is a prefix of the messages. */
    prompt: text('prompt'),
    promptBlob: bytea('prompt_blob'),
    sampling: json('sampling').$type<Record<string, Json>>().notNull(),
    response: text('response'),
    responseBlob: bytea('response_blob'),
    reasoning: text('reasoning'),
    reasoningBlob: bytea('reasoning_blob'),
    finishReason: text('finish_reason'),
    inputTokens: integer('input_tokens'),
    outputTokens: integer('output_tokens'),
    cachedTokens: integer('cached_tokens'),
    reasoningTokens: integer('reasoning_tokens'),
    costUsd: doublePrecision('cost_usd'),
    costSource: text('cost_source').notNull(),
    attempts: integer('attempts').notNull(),
    error: json('error').$type<ErrorRecord>(),
    latencyMs: doublePrecision('latency_ms'),
    requestId: text('request_id'),
    policyVersion: text('policy_version'),
    /** engine | none */
    tokenSource: text('token_source').notNull(),
    /** The call whose prompt + completion this prompt extends exactly; token blobs are then deltas. */
    tokenBaseCallId: uuid('token_base_call_id'),
    promptTokens: bytea('prompt_tokens'),
    completionTokens: bytea('completion_tokens'),
    logprobs: bytea('logprobs'),
    raw: json('raw').$type<Record<string, Json>>(),
    startedAt: instant('started_at').notNull(),
    revision: revision(),
  },
  (t) => [index('calls_trajectory').on(t.trajectoryId), index('calls_cell').on(t.cellId)],
)

/** Appended, never updated: the newest row of a (trajectory, target, reward, version, options) counts. */
export const scores = pgTable(
  'scores',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    invocationId: uuid('invocation_id'),
    turnId: uuid('turn_id'),
    reward: text('reward').notNull(),
    version: text('version').notNull(),
    options: json('options').$type<Json>().notNull(),
    optionsHash: text('options_hash').notNull(),
    weight: doublePrecision('weight').notNull(),
    value: doublePrecision('value'),
    error: json('error').$type<ErrorRecord>(),
    details: json('details').$type<Record<string, Json>>(),
    author: text('author').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (t) => [index('scores_trajectory').on(t.trajectoryId), index('scores_run').on(t.runId, t.reward)],
)

/** What a credit method made of scores; a method with the same options replaces its rows. */
export const advantages = pgTable(
  'advantages',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    /** Null for the trajectory as a whole, … */
    invocationId: uuid('invocation_id'),
    /** … and for an invocation as a whole. */
    turnId: uuid('turn_id'),
    method: text('method').notNull(),
    version: text('version').notNull(),
    options: json('options').$type<Json>().notNull(),
    optionsHash: text('options_hash').notNull(),
    /** What it was computed from. */
    reward: doublePrecision('reward'),
    value: doublePrecision('value').notNull(),
    /** Factor of its part of the loss. */
    weight: doublePrecision('weight').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (t) => [
    index('advantages_trajectory').on(t.trajectoryId),
    index('advantages_run').on(t.runId, t.method, t.optionsHash),
  ],
)

export const datasets = pgTable('datasets', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  recipe: text('recipe').notNull(),
  recipeVersion: text('recipe_version').notNull(),
  selection: json('selection').$type<Record<string, Json>>().notNull(),
  options: json('options').$type<Record<string, Json>>().notNull(),
  directory: text('directory').notNull(),
  files: json('files').$type<Json[]>().notNull(),
  rows: bigint('rows', { mode: 'number' }).notNull(),
  funnel: json('funnel').$type<Json[]>().notNull(),
  scripted: boolean('scripted').notNull(),
  schemaVersion: integer('schema_version').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
})

/** Selections of trajectories that were saved under a name: the newest plan counts. */
export const selections = pgTable('selections', {
  name: text('name').primaryKey(),
  plan: json('plan').$type<Record<string, Json>>().notNull(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
})

/** What full-text search looks in: a row for each cell, call and final answer, by its id. */
export const searchTexts = pgTable(
  'search_texts',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    /** cell | call | trajectory: whose id it is. */
    kind: text('kind').notNull(),
    /** Weight A: code, B: outputs, C: prompts, D: answers. */
    document: tsvector('document').notNull(),
  },
  (t) => [
    index('search_texts_document').using('gin', t.document),
    index('search_texts_run').on(t.runId, t.id),
    index('search_texts_trajectory').on(t.trajectoryId),
  ],
)

/** What people say of a trajectory or of a part of it. */
export const annotations = pgTable(
  'annotations',
  {
    id: uuid('id').primaryKey(),
    runId: uuid('run_id').notNull(),
    trajectoryId: uuid('trajectory_id').notNull(),
    /** trajectory | invocation | turn | cell | call */
    target: text('target').notNull(),
    targetId: uuid('target_id').notNull(),
    /** good | bad, or a word of one's own; null for a note alone. */
    label: text('label'),
    note: text('note').notNull(),
    author: text('author').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (t) => [
    index('annotations_trajectory').on(t.trajectoryId),
    index('annotations_run').on(t.runId, t.label, t.id),
  ],
)

/** Access to the HTTP door. Of a token only its hash is kept. */
export const accessTokens = pgTable('access_tokens', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  /** SHA-256 of the secret, which is random: no salt, no stretching needed. */
  hash: bytea('hash').notNull().unique(),
  /** read | write | admin */
  scope: text('scope').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  expiresAt: instant('expires_at'),
  revokedAt: instant('revoked_at'),
})

/** Groups that were handed to a trainer: each at most once, unless the lease ran out. */
export const groupLeases = pgTable(
  'group_leases',
  {
    runId: uuid('run_id').notNull(),
    taskId: text('task_id').notNull(),
    leaseId: uuid('lease_id').notNull(),
    until: instant('until').notNull(),
    done: boolean('done').notNull().default(false),
  },
  (t) => [primaryKey({ columns: [t.runId, t.taskId] }), index('group_leases_lease').on(t.leaseId)],
)

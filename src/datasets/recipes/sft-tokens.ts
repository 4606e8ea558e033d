// Token ids with labels and masks, ready to train on: one row per branch of an invocation, or per turn.
import { Bool, Float64, Int32, Utf8 } from 'apache-arrow'
import { defineRecipe, optional, required } from '../recipe.ts'
import { int32s, int8s } from './shapes.ts'
import {
  branchesOf,
  engineTurns,
  placesOf,
  sequenceOf,
  templateTurns,
  type TokenSequence,
  type TokenTurn,
} from './token-turns.ts'

/** What PyTorch's cross entropy leaves out. */
const ignored = -100

export const sftTokens = defineRecipe({
  name: 'sft-tokens',
  version: '1',
  description:
    'Token ids with labels and loss masks: the ids of the engine where it gave them, else those of a named tokenizer and its chat template.',
  trainers: [
    'TRL SFTTrainer (input_ids, labels)',
    'SkyRL (input_ids, loss_mask)',
    'Axolotl (input_ids, attention_mask, labels)',
  ],
  statuses: ['done'],
  options: ['tokenizer', 'per', 'maxTokens', 'children'],
  needsTokens: true,
  columns: [
    required('input_ids', int32s(), 'The whole sequence.'),
    required('labels', int32s(), 'The same ids where the loss is taken; -100 elsewhere.'),
    required('attention_mask', int8s(), '1 for each token.'),
    required('loss_mask', int8s(), '1 where the loss is taken: tokens that the policy sampled; else 0.'),
    required(
      'token_source',
      new Utf8(),
      '`engine`: ids as they were sampled. `tokenizer`: made from the text.',
    ),
    optional(
      'tokenizer',
      new Utf8(),
      'Name of the tokenizer that made the ids; null for those of the engine.',
    ),
    optional('tokenizer_hash', new Utf8(), 'Hash of the tokenizer, its config and its chat template.'),
    required('tokens', new Int32(), 'Length of `input_ids`.'),
    required('trained_tokens', new Int32(), 'Ones in `loss_mask`: at least 1.'),
    required('run_id', new Utf8(), 'The run that collected it.'),
    required('trajectory_id', new Utf8(), 'The rollout.'),
    required('task_id', new Utf8(), 'The id of the task line.'),
    required('rollout', new Int32(), 'Which rollout of its task, from 0.'),
    required('invocation_id', new Utf8(), 'The invocation whose conversation it is.'),
    optional('parent_invocation_id', new Utf8(), 'The invocation that started it; null for the root.'),
    required('depth', new Int32(), '0 for the root.'),
    required('branch', new Int32(), 'Which branch of the invocation, from 0; above 0 after a compaction.'),
    required('turn', new Int32(), 'The last turn of the row.'),
    optional('reward', new Float64(), 'Weighted sum of the scores of the whole trajectory.'),
    optional('stop_reason', new Utf8(), 'Why the invocation ended.'),
    required('model', new Utf8(), 'The model that answered, as the server knows it.'),
    required('protocol', new Utf8(), 'How the model was talked to.'),
    required('protocol_hash', new Utf8(), 'Hash of the protocol, its prompts included.'),
    optional('policy_version', new Utf8(), 'The version of the policy, when the run named one.'),
    required('scripted', new Bool(), 'True when no model but a script answered: never train on it.'),
  ],
  loading: [
    {
      trainer: 'TRL',
      language: 'python',
      text: `from trl import SFTConfig, SFTTrainer

train = train.select_columns(["input_ids", "labels"])
SFTTrainer(model="MODEL", args=SFTConfig(max_length=None), train_dataset=train).train()`,
    },
    {
      trainer: 'SkyRL',
      language: 'sh',
      text: `pretokenized_dataset_paths="['FILE']"`,
    },
    {
      trainer: 'Axolotl',
      language: 'yaml',
      text: `datasets:
  - path: DIRECTORY
    name: CONFIG
    split: train
    type:`,
    },
  ],
  limits: ['Ids are of one tokenizer and one chat template: another model family cannot use them.'],

  *rows(trajectory, task, { run, options, tokens, tokenizer, leaveOut }) {
    const places = placesOf(trajectory)
    for (const invocation of trajectory.invocations) {
      if (invocation.depth > 0 && !options.children) continue
      const fromEngine = engineTurns(invocation, tokens, leaveOut)
      if (!fromEngine && !tokenizer) {
        leaveOut('invocations without token ids of the engine: name a tokenizer')
        continue
      }
      const turns = fromEngine ?? (tokenizer ? templateTurns(invocation, tokenizer, leaveOut) : [])
      const taken = invocation.depth === 0 ? (trajectory.origin?.turns ?? 0) : 0
      for (const [branch, sequence, last] of sequences(turns, options.per, taken)) {
        if (sequence.trained === 0) {
          leaveOut('sequences in which nothing is trained')
          continue
        }
        if (options.maxTokens !== null && sequence.ids.length > options.maxTokens) {
          leaveOut(`sequences of more than ${options.maxTokens} tokens`)
          continue
        }
        yield {
          input_ids: sequence.ids,
          labels: labelsOf(sequence),
          attention_mask: new Int8Array(sequence.ids.length).fill(1),
          loss_mask: sequence.mask,
          token_source: fromEngine ? 'engine' : 'tokenizer',
          tokenizer: fromEngine ? null : (tokenizer?.name ?? null),
          tokenizer_hash: fromEngine ? null : (tokenizer?.hash ?? null),
          tokens: sequence.ids.length,
          trained_tokens: sequence.trained,
          run_id: trajectory.runId,
          trajectory_id: trajectory.id,
          task_id: task.id,
          rollout: trajectory.rollout,
          invocation_id: invocation.id,
          parent_invocation_id: places.get(invocation.id)?.parentInvocationId ?? null,
          depth: invocation.depth,
          branch,
          turn: last.turn.index,
          reward: trajectory.reward,
          stop_reason: invocation.stopReason,
          model: last.turn.call.model,
          protocol: trajectory.protocol.id,
          protocol_hash: trajectory.protocol.hash,
          policy_version: last.policyVersion ?? run.policyVersion,
          scripted: last.turn.call.scripted,
        }
      }
    }
  },
})

/** Branch number, sequence and last turn of each row. What a fork took over from its origin is not trained. */
function* sequences(
  turns: TokenTurn[],
  per: 'branch' | 'turn',
  taken: number,
): Generator<[branch: number, sequence: TokenSequence, last: TokenTurn]> {
  for (const [number, branch] of branchesOf(turns).entries()) {
    if (per === 'branch') {
      const last = branch.at(-1)
      if (last) yield [number, sequenceOf(branch, ({ turn }) => turn.index >= taken), last]
      continue
    }
    for (const [index, last] of branch.entries()) {
      const part = branch.slice(0, index + 1)
      yield [number, sequenceOf(part, (turn) => turn === last && turn.turn.index >= taken), last]
    }
  }
}

function labelsOf({ ids, mask }: TokenSequence): Int32Array {
  const labels = new Int32Array(ids.length)
  for (let index = 0; index < ids.length; index += 1)
    labels[index] = mask[index] === 1 ? (ids[index] ?? ignored) : ignored
  return labels
}

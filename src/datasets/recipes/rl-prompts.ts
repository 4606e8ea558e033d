// One row per task, for on-line RL: the question, the gold answer and where the context is, under the
// names that several trainers look for. No tree is read: rewards come from what lists know.
import { Bool, type DataType, Field, Float64, Int32, Int64, Struct, Utf8 } from 'apache-arrow'
import type { StoredRun } from '../../store/contract.ts'
import { defineRecipe, optional, required } from '../recipe.ts'
import { conversation } from './shapes.ts'

function struct(fields: Record<string, DataType>): Struct {
  return new Struct(Object.entries(fields).map(([name, type]) => new Field(name, type, true)))
}

const string = new Utf8()

export const rlPrompts = defineRecipe({
  name: 'rl-prompts',
  version: '2',
  description:
    'One row per task: what on-line RL starts a rollout from, with the gold answer to score it by.',
  trainers: [
    'verl (RLHFDataset: data_source, prompt, ability, reward_model, extra_info)',
    'TRL GRPOTrainer (prompt; other columns go to the reward functions)',
    'SkyRL (data_source, prompt, env_class, reward_spec, extra_info)',
    'verifiers (prompt, answer, info)',
    'NeMo Gym (responses_create_params)',
  ],
  statuses: ['done', 'failed', 'running', 'pending'],
  options: ['contexts'],
  columns: [
    required(
      'prompt',
      conversation(),
      'One user message: the question that the root sees, without the protocol.',
    ),
    required('data_source', string, 'The taskset: by this name a trainer picks the reward function.'),
    required('ability', string, 'Category of the task: `ability` of its metadata, else `rlm`.'),
    required(
      'reward_model',
      struct({ style: string, ground_truth: string }),
      'For verl: `rule`, and the gold answer (JSON when it is not a string; null when there is none).',
    ),
    required('env_class', string, 'For SkyRL: `rlm`.'),
    required(
      'reward_spec',
      struct({ method: string, ground_truth: string }),
      'For SkyRL: as `reward_model`.',
    ),
    required(
      'extra_info',
      struct({
        split: string,
        index: new Int32(),
        task_id: string,
        task_hash: string,
        context_path: string,
        context_type: string,
        context_characters: new Int64(),
        metadata: string,
      }),
      'The split, the number of the task (the group), and what is known of the task. `metadata` is JSON.',
    ),
    optional('answer', string, 'The gold answer, as in `reward_model`.'),
    required(
      'info',
      struct({
        root_prompt: string,
        context: string,
        context_path: string,
        task_id: string,
        task_hash: string,
      }),
      'For verifiers. `context` is the text of the context with `contexts: inline`, else null.',
    ),
    required(
      'responses_create_params',
      struct({ input: conversation() }),
      'For NeMo Gym: the prompt as the input of the Responses API.',
    ),
    required('task_id', string, 'The id of the task line.'),
    required('task_hash', string, 'Content hash of the task: equal over runs and files.'),
    required('rollouts', new Int32(), 'Selected trajectories of the task.'),
    optional('mean_reward', new Float64(), 'Mean reward of those that have one; null when none has.'),
    optional('pass_rate', new Float64(), 'Share of those with a reward that are correct.'),
    required(
      'scripted',
      new Bool(),
      'True when a script made the rollouts: the two columns before mean nothing.',
    ),
  ],
  loading: [
    {
      trainer: 'verl',
      language: 'sh',
      text: `python3 -m verl.trainer.main_ppo \\
  data.train_files=FILE data.prompt_key=prompt \\
  data.reward_fn_key=data_source`,
    },
    {
      trainer: 'TRL',
      language: 'python',
      text: `from trl import GRPOConfig, GRPOTrainer

def reward(completions, reward_model, **columns):
    return [float(one["ground_truth"] in str(said)) for said, one in zip(completions, reward_model)]

GRPOTrainer(model="MODEL", reward_funcs=reward, args=GRPOConfig(), train_dataset=train).train()`,
    },
    {
      trainer: 'SkyRL',
      language: 'sh',
      text: `data.train_data="['FILE']"`,
    },
    {
      trainer: 'verifiers',
      language: 'python',
      text: `# The rows of a taskset of your own.
row = train[0]
print(row["prompt"], row["answer"], row["info"]["context_path"])`,
    },
    {
      trainer: 'NeMo Gym',
      language: 'yaml',
      text: `# It reads JSON lines: export with --format jsonl.
datasets:
  - name: train
    type: train
    jsonl_fpath: FOLDER/train-00000-of-00001.jsonl`,
    },
  ],
  limits: ['The prompts are the questions alone: what a model answered is not here.'],

  async *groupRows({ index, split, task, members }, { threshold, placeContext }) {
    const [first] = members
    if (!first) return
    const rewards = members.flatMap(({ reward }) => (reward === null ? [] : [reward]))
    const share = (list: number[]) =>
      rewards.length === 0 ? null : list.reduce((sum, value) => sum + value, 0) / rewards.length
    const truth =
      task.answer === null || typeof task.answer === 'string' ? task.answer : JSON.stringify(task.answer)
    const { ability } = task.metadata
    const { path, text } = await placeContext(task)
    const identity = { task_id: task.id, task_hash: task.hash, context_path: path }
    const row = {
      prompt: [{ role: 'user', content: task.prompt }],
      data_source: sourceName(first.run),
      ability: typeof ability === 'string' ? ability : 'rlm',
      reward_model: { style: 'rule', ground_truth: truth },
      env_class: 'rlm',
      reward_spec: { method: 'rule', ground_truth: truth },
      extra_info: {
        ...identity,
        split,
        index,
        context_type: task.contextType,
        context_characters: task.contextCharacters,
        metadata: JSON.stringify(task.metadata),
      },
      answer: truth,
      info: { ...identity, root_prompt: task.prompt, context: text },
      responses_create_params: { input: [{ role: 'user', content: task.prompt }] },
      task_id: task.id,
      task_hash: task.hash,
      rollouts: members.length,
      mean_reward: share(rewards),
      pass_rate: share(rewards.map((reward) => Number(reward >= threshold))),
      scripted: members.some(({ scripted }) => scripted),
    }
    yield { row, members }
  },
})

/** The taskset's name, or that of the task file without folders and ending. */
function sourceName(run: StoredRun): string {
  const { tasks } = run.config
  if (tasks !== null && typeof tasks === 'object' && !Array.isArray(tasks)) {
    if (typeof tasks['taskset'] === 'string') return tasks['taskset']
  }
  const file = typeof tasks === 'string' ? (tasks.split(/[\\/]/).at(-1) ?? '') : ''
  return file.replace(/\.[^.]*$/, '') || run.name
}

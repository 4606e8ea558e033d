// README.md of an export: a Hugging Face dataset card. Its YAML names the files of each split, so
// that `load_dataset` finds them, here and on the Hub.
import { stringify } from 'yaml'
import type { ManifestFacts } from './manifest.ts'
import { type RecipeColumn, typeName } from './recipe.ts'
import { type Split, splits } from './split.ts'
import type { RewardSummary } from './statistics.ts'

const sizes: [number, string][] = [
  [1e3, 'n<1K'],
  [1e4, '1K<n<10K'],
  [1e5, '10K<n<100K'],
  [1e6, '100K<n<1M'],
  [1e7, '1M<n<10M'],
  [1e8, '10M<n<100M'],
  [1e9, '100M<n<1B'],
]

export function createCard(facts: ManifestFacts): string {
  const { recipe, statistics } = facts
  const present = splits.filter((split) => statistics.splits[split].rows > 0)
  const warning = statistics.scripted
    ? '**SCRIPTED: some or all of these rows were made by a script, not by a model. They are for tests of ' +
      'the pipeline. Never train on them.**\n\n'
    : ''
  return `---
${frontMatter(facts, present)}---

# ${inline(facts.runs.map((run) => run.name).join(', '))}: ${recipe.name}

${warning}${recipe.description} Trajectories of Recursive Language Models, collected and exported with Descent.

${table(
  ['split', 'rows', 'trajectories', 'tasks'],
  present.map((split) => {
    const { rows, trajectories, tasks } = statistics.splits[split]
    return [split, rows, trajectories, tasks]
  }),
)}

All rollouts of a task are in one split. Recipe \`${recipe.name}\`, version ${recipe.version}. ${
    recipe.trainers.length > 0 ? `For: ${recipe.trainers.join('; ')}.` : 'For analysis and conversion.'
  }

## Load it

\`DIRECTORY\` is where this file lies, or the name of the repository on the Hub.

\`\`\`python
from datasets import load_dataset

train = load_dataset("DIRECTORY", split="${present[0] ?? 'train'}")
\`\`\`

\`\`\`python
${recipe.example}
\`\`\`

\`\`\`sql
-- DuckDB
SELECT * FROM 'DIRECTORY/data/*.parquet' LIMIT 10;
\`\`\`

## Columns

${table(['column', 'type', 'meaning'], recipe.columns.map(columnRow))}

## How it was collected

${table(
  ['run', 'id', 'model', 'protocol', 'policy version', 'scripted'],
  facts.runs.map((run) => [
    inline(run.name),
    `\`${run.id}\``,
    inline(run.model),
    `${inline(run.protocol)} (\`${run.protocolHash.slice(0, 12)}\`)`,
    inline(run.policyVersion ?? '-'),
    run.scripted ? '**SCRIPTED**' : 'no',
  ]),
)}

${
  statistics.models.length > 0
    ? `Models that were called: ${statistics.models.map((model) => `\`${inline(model)}\``).join(', ')}.`
    : 'The rows hold nothing that a model said.'
}

Stop reasons: ${Object.entries(statistics.stopReasons)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ')}.

## Rewards

${rewardText(statistics.rewards)}

## Selection

${table(
  ['step', 'trajectories', 'rows'],
  facts.funnel.map(({ step, trajectories, rows }) => [step, trajectories, rows ?? '']),
)}

Rows keep the order of tasks, rollouts and turns: shuffle in the trainer. \`manifest.json\` holds the options, the hash of every file and the identity of the runs.${
    facts.repairedStrings > 0
      ? ` In ${facts.repairedStrings} strings, lone surrogates became U+FFFD, as UTF-8 cannot hold them.`
      : ''
  }
`
}

function frontMatter(facts: ManifestFacts, present: Split[]): string {
  const { recipe, statistics, rows } = facts
  return stringify({
    pretty_name: `${facts.runs.map((run) => run.name).join(', ')} (${recipe.name})`,
    license: 'unknown',
    task_categories: ['text-generation'],
    tags: unique([
      'descent',
      'rlm',
      'recursive-language-models',
      'trajectories',
      recipe.name,
      ...(recipe.trainers.some((trainer) => trainer.startsWith('TRL')) ? ['trl'] : []),
      ...(statistics.scripted ? ['scripted'] : []),
    ]),
    size_categories: [sizes.find(([limit]) => rows < limit)?.[1] ?? '1B<n<10B'],
    configs: [
      {
        config_name: 'default',
        default: true,
        data_files: present.map((split) => ({ split, path: `data/${split}-*.parquet` })),
      },
    ],
  })
}

function unique(words: string[]): string[] {
  return [...new Set(words)]
}

/** Text of users inside a line of Markdown: no line breaks, pipes, backticks or tags of its own. */
function inline(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[`|]/g, "'").replaceAll('<', '&lt;')
}

function table(head: string[], body: (string | number)[][]): string {
  const lines = [head, head.map(() => '---'), ...body]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function columnRow({ name, type, nullable, meaning }: RecipeColumn): string[] {
  return [`\`${name}\``, `\`${typeName(type)}\`${nullable ? ', may be null' : ''}`, meaning]
}

function rewardText(rewards: RewardSummary | null): string {
  if (!rewards) return 'No trajectory here has a reward.'
  const { scored, unscored, mean, minimum, maximum, bins } = rewards
  const most = Math.max(...bins.map((bin) => bin.trajectories))
  const lines = bins.map(({ from, to, trajectories }) => {
    const bar = '#'.repeat(Math.ceil((trajectories / most) * 40))
    return `${from.toFixed(3).padStart(9)} to ${to.toFixed(3).padStart(9)} ${String(trajectories).padStart(8)} ${bar}`
  })
  return `${scored} trajectories with a reward, ${unscored} without. Mean ${mean.toFixed(4)}, from ${minimum} to ${maximum}.

\`\`\`
${lines.map((line) => line.trimEnd()).join('\n')}
\`\`\``
}

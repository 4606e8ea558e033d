// README.md of an export: a Hugging Face dataset card. Its YAML names the files of each split, so
// that `load_dataset` finds them, here and on the Hub.
import { stringify } from 'yaml'
import { cleaningSection } from './clean/card-section.ts'
import type { ConfigFacts, ManifestFacts } from './manifest.ts'
import { type RecipeColumn, typeName } from './recipe.ts'
import { type Split, splits } from './split.ts'
import type { RewardSummary, Statistics } from './statistics.ts'

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
  const { configs } = facts
  const scripted = configs.some(({ statistics }) => statistics.scripted)
  const warning = scripted
    ? '**SCRIPTED: some or all of these rows were made by a script, not by a model. They are for tests of ' +
      'the pipeline. Never train on them.**\n\n'
    : ''
  const [only] = configs
  const title = configs.map(({ recipe }) => recipe.name).join(', ')
  const about =
    configs.length === 1
      ? `${only?.recipe.description ?? ''} `
      : `${configs.length} configs of the same trajectories, one for each recipe. `
  const models = unique(configs.flatMap(({ statistics }) => statistics.models)).toSorted()
  return `---
${frontMatter(facts)}---

# ${inline(facts.runs.map((run) => run.name).join(', '))}: ${title}

${warning}${about}Trajectories of Recursive Language Models, collected and exported with Descent.

${table(
  ['config', 'split', 'rows', 'trajectories', 'tasks'],
  configs.flatMap(({ name, statistics }) =>
    presentIn(statistics).map((split) => {
      const { rows, trajectories, tasks } = statistics.splits[split]
      return [name, split, rows, trajectories, tasks]
    }),
  ),
)}

${splitText(facts)} \`DIRECTORY\` below is where this file lies, or the name of the repository on the Hub.

${configs.map((config) => configText(config, configs.length === 1)).join('\n')}
${cleaningSection(facts.cleaning)}## How it was collected

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
  models.length > 0
    ? `Models that were called: ${models.map((model) => `\`${inline(model)}\``).join(', ')}. Their licences say what may be done with what they wrote.`
    : 'The rows hold nothing that a model said.'
}${tokenizerText(facts)}

Rows keep the order of tasks, rollouts and turns: shuffle in the trainer. \`manifest.json\` holds the options, the hash of every file and the identity of the runs; \`descent export --from-manifest manifest.json\` makes the same files again.
`
}

function presentIn(statistics: Statistics): Split[] {
  return splits.filter((split) => statistics.splits[split].rows > 0)
}

function splitText({ split, settings }: ManifestFacts): string {
  if (split.unit === 'document') {
    return 'All tasks about one document are in one split, with all their rollouts.'
  }
  return settings.splitBy === 'document'
    ? 'All tasks are about one document, so the splits are made of whole tasks: all rollouts of a task are in one split.'
    : 'All rollouts of a task are in one split.'
}

function tokenizerText({ tokenizer }: ManifestFacts): string {
  if (!tokenizer) return ''
  return `\n\nToken ids that no engine gave are of the tokenizer \`${inline(tokenizer.name)}\` (hash \`${tokenizer.hash.slice(0, 12)}\`) and its chat template; the column \`token_source\` says which are.`
}

/** What a person wants to know of one recipe: how to load it, its columns, what went in. */
function configText(config: ConfigFacts, alone: boolean): string {
  const { name, recipe, statistics, folder, funnel, repairedStrings } = config
  const [split = 'train'] = presentIn(statistics)
  const heading = (text: string) => (alone ? `## ${text}` : `### ${text}`)
  const isTable = !recipe.documents
  return `${alone ? '' : `## ${name}\n\n${recipe.description}\n\n`}Recipe \`${recipe.name}\`, version ${recipe.version}. ${
    recipe.trainers.length > 0 ? `For: ${recipe.trainers.join('; ')}.` : 'For analysis and conversion.'
  }

${heading('Load it')}

\`\`\`python
from datasets import load_dataset

train = load_dataset("DIRECTORY"${alone ? '' : `, "${name}"`}, split="${split}")
\`\`\`

\`\`\`python
${recipe.example}
\`\`\`
${
  isTable
    ? `
\`\`\`sql
-- DuckDB
SELECT * FROM 'DIRECTORY/${folder}/*.${extensionOf(config)}' LIMIT 10;
\`\`\`

${heading('Columns')}

${table(['column', 'type', 'meaning'], recipe.columns.map(columnRow))}
`
    : ''
}
${heading('Rewards')}

${rewardText(statistics.rewards)}

Stop reasons: ${Object.entries(statistics.stopReasons)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ')}.

${heading('Selection')}

${table(
  ['step', 'trajectories', 'rows'],
  funnel.map(({ step, trajectories, rows }) => [step, trajectories, rows ?? '']),
)}
${
  repairedStrings > 0
    ? `\nIn ${repairedStrings} strings, lone surrogates became U+FFFD, as UTF-8 cannot hold them.\n`
    : ''
}`
}

function extensionOf({ files }: ConfigFacts): string {
  return files[0]?.path.split('.').at(-1) ?? 'parquet'
}

function frontMatter(facts: ManifestFacts): string {
  const { configs } = facts
  const rows = configs.reduce((sum, config) => sum + config.rows, 0)
  const names = configs.map(({ recipe }) => recipe.name)
  return stringify({
    pretty_name: `${facts.runs.map((run) => run.name).join(', ')} (${names.join(', ')})`,
    license: 'unknown',
    task_categories: ['text-generation'],
    tags: unique([
      'descent',
      'rlm',
      'recursive-language-models',
      'trajectories',
      ...names,
      ...(configs.some(({ recipe }) => recipe.trainers.some((trainer) => trainer.startsWith('TRL')))
        ? ['trl']
        : []),
      ...(configs.some(({ statistics }) => statistics.scripted) ? ['scripted'] : []),
    ]),
    size_categories: [sizes.find(([limit]) => rows < limit)?.[1] ?? '1B<n<10B'],
    configs: configs.map((config, index) => ({
      config_name: config.name,
      ...(index === 0 ? { default: true } : {}),
      data_files: presentIn(config.statistics).map((split) => ({
        split,
        path: `${config.folder}/${split}-*.${extensionOf(config)}`,
      })),
    })),
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

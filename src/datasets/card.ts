// README.md of an export: a Hugging Face dataset card. Its YAML names the files of each split, so
// that `load_dataset` finds them, here and on the Hub, and takes nothing else for data.
import { stringify } from 'yaml'
import { figuresText } from './card/figures.ts'
import { plotPrefix, redactedGroups } from './card/files.ts'
import { limitSection } from './card/limits.ts'
import { fenced, inline, table } from './card/markdown.ts'
import { modelSection } from './card/models.ts'
import { promptSection, promptsOf } from './card/prompts.ts'
import { cleaningSection } from './clean/card-section.ts'
import type { ConfigFacts, ManifestFacts } from './manifest.ts'
import { type RecipeColumn, typeName } from './recipe.ts'
import { type Split, splits } from './split.ts'
import type { Statistics } from './statistics.ts'

const sizes: [number, string][] = [
  [1e3, 'n<1K'],
  [1e4, '1K<n<10K'],
  [1e5, '10K<n<100K'],
  [1e6, '100K<n<1M'],
  [1e7, '1M<n<10M'],
  [1e8, '10M<n<100M'],
  [1e9, '100M<n<1B'],
]

/** The text of the card. What it links to is made by `cardFiles`. */
export function createCard(facts: ManifestFacts): string {
  const { configs, runs } = facts
  const title = configs.map(({ recipe }) => recipe.name).join(', ')
  return `---
${frontMatter(facts)}---

# ${inline(runs.map((run) => run.name).join(', '))}: ${title}

${aboutText(facts)}

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

${configs.map((config) => configText(facts, config)).join('\n')}
${cleaningSection(facts.cleaning)}
## How it was collected

${table(
  ['run', 'id', 'model', 'protocol', 'policy version', 'scripted'],
  runs.map((run) => [
    inline(run.name),
    `\`${run.id}\``,
    inline(run.model),
    `${inline(run.protocol)} (\`${run.protocolHash.slice(0, 12)}\`)`,
    inline(run.policyVersion ?? '-'),
    run.scripted ? '**SCRIPTED**' : 'no',
  ]),
)}

Rows keep the order of tasks, rollouts and turns: shuffle in the trainer.${tokenizerText(facts)} \`manifest.json\` holds the options, the hash of every file and the identity of the runs; \`descent export --from-manifest manifest.json\` makes the same files again.

${modelSection(facts)}
${promptSection(runs, promptsOf(runs, redactedGroups(facts.cleaning)))}
${limitSection(facts)}`
}

function aboutText({ configs }: ManifestFacts): string {
  const [only] = configs
  const about =
    configs.length === 1
      ? (only?.recipe.description ?? '')
      : `${configs.length} configs of the same trajectories, one for each recipe.`
  const scripted = configs.some(({ statistics }) => statistics.scripted)
  const warning =
    '**SCRIPTED: some or all of these rows were made by a script, not by a model. They are for tests of ' +
    'the pipeline. Never train on them.**\n\n'
  return `${scripted ? warning : ''}${about} Trajectories of Recursive Language Models, collected and exported with Descent.`
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
  return ` Token ids that no engine gave are of the tokenizer \`${inline(tokenizer.name)}\` (hash \`${tokenizer.hash.slice(0, 12)}\`) and its chat template; the column \`token_source\` says which are.`
}

/** What a person wants to know of one recipe: how to load it, its columns, what went in. */
function configText(facts: ManifestFacts, config: ConfigFacts): string {
  const { name, recipe, statistics, funnel, repairedStrings, example } = config
  const alone = facts.configs.length === 1
  const heading = (text: string) => (alone ? `## ${text}` : `### ${text}`)
  const about = `Recipe \`${recipe.name}\`, version ${recipe.version}. ${
    recipe.trainers.length > 0 ? `For: ${recipe.trainers.join('; ')}.` : 'For analysis and conversion.'
  }`
  const parts = [
    ...(alone ? [] : [`## ${name}`, recipe.description]),
    about,
    heading('Load it'),
    ...loadingTexts(config, alone),
    ...(recipe.documents
      ? []
      : [heading('Columns'), table(['column', 'type', 'meaning'], recipe.columns.map(columnRow))]),
    ...(example === null ? [] : [heading('Example'), 'The first row; what is long is cut.', example]),
    heading('Statistics'),
    figuresText(statistics, plotPrefix(facts, name)),
    heading('Selection'),
    table(
      ['step', 'trajectories', 'rows'],
      funnel.map(({ step, trajectories, rows }) => [inline(step), trajectories, rows ?? '']),
    ),
  ]
  if (repairedStrings > 0) {
    parts.push(`In ${repairedStrings} strings, lone surrogates became U+FFFD, as UTF-8 cannot hold them.`)
  }
  return `${parts.join('\n\n')}\n`
}

function loadingTexts(config: ConfigFacts, alone: boolean): string[] {
  const { name, recipe, statistics, folder, files } = config
  const [split = 'train'] = presentIn(statistics)
  const place = `DIRECTORY/${folder}`
  const first = files.find((file) => file.split === split)?.path
  const load = `from datasets import load_dataset

train = load_dataset("DIRECTORY"${alone ? '' : `, "${name}"`}, split="${split}")`
  const trainers = recipe.loading.map(({ trainer, language, text }) => {
    const told = text
      // The only config needs no name.
      .replace(alone ? /^.*CONFIG.*\n/gm : /CONFIG/g, alone ? '' : name)
      .replaceAll('FOLDER', place)
      .replaceAll('FILE', first === undefined ? place : `DIRECTORY/${first}`)
    return `${trainer}:\n\n${fenced(told, language)}`
  })
  const query = `SELECT * FROM '${place}/*.${extensionOf(config)}' LIMIT 10;`
  return [
    fenced(load, 'python'),
    ...trainers,
    ...(recipe.documents ? [] : [`DuckDB:\n\n${fenced(query, 'sql')}`]),
  ]
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
    license: facts.settings.license ?? 'unknown',
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

function columnRow({ name, type, nullable, meaning }: RecipeColumn): string[] {
  return [`\`${name}\``, `\`${typeName(type)}\`${nullable ? ', may be null' : ''}`, meaning]
}

// What `descent export` takes for selection, cleaning and repair, from words to typed options.
import { parse } from 'yaml'
import { cleaningRules, type ExportOptions, repairRules } from '../../../src/datasets/index.ts'
import { UsageError } from '../../../src/errors.ts'
import { formatTable } from '../format.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson } from '../store-option.ts'

export interface CurationCommandOptions {
  maxPerTaskset?: string
  balance?: boolean
  includeSensitive?: string
  clean?: string[]
  evaluation?: string[]
  cleanTokenizer?: string
  license?: string
  modelLicense?: string[]
  /** True when no rule is named. */
  repair?: string[] | true
  repairOff?: string[]
  listRules?: boolean
}

/** Only what was given. Errors raised: UsageError naming the option. */
export function curationOptions(options: CurationCommandOptions): Partial<ExportOptions> {
  const { maxPerTaskset, balance, includeSensitive, clean, evaluation, cleanTokenizer } = options
  const { license, modelLicense } = options
  const repair = repairsOf(options)
  return {
    ...(maxPerTaskset === undefined
      ? {}
      : { maxPerTaskset: wholeNumber(maxPerTaskset, '--max-per-taskset', 1) }),
    ...(balance === undefined ? {} : { balance }),
    ...(includeSensitive === undefined ? {} : { includeSensitive: reasonOf(includeSensitive) }),
    ...(clean === undefined ? {} : { clean: clean.flatMap((rules) => rules.split(',')) }),
    ...(repair.length === 0 ? {} : { repair }),
    ...(evaluation === undefined ? {} : { evaluation: evaluation.map(evaluationOf) }),
    ...(cleanTokenizer === undefined ? {} : { cleanTokenizer }),
    ...(license === undefined ? {} : { license }),
    ...(modelLicense === undefined ? {} : { modelLicenses: Object.fromEntries(modelLicense.map(licenseOf)) }),
  }
}

function repairsOf({ repair, repairOff = [] }: CurationCommandOptions): string[] {
  const wanted = repair === true ? ['all'] : (repair ?? []).flatMap((rules) => rules.split(','))
  return [...wanted, ...repairOff.flatMap((rules) => rules.split(',')).map((name) => `-${name}`)]
}

/** `MODEL=LICENSE`; the name of a model may hold `=`. */
function licenseOf(given: string): [string, string] {
  const at = given.lastIndexOf('=')
  if (at > 0 && at < given.length - 1) return [given.slice(0, at), given.slice(at + 1)]
  throw new UsageError(`--model-license ${given}: give MODEL=LICENSE, such as Qwen/Qwen3-8B=apache-2.0`)
}

function reasonOf(given: string): string {
  if (given.trim() !== '') return given
  throw new UsageError('--include-sensitive: say why in a few words; the manifest keeps the reason')
}

/** A task file, a taskset, or a taskset with options: `oolong-synth={path: questions.jsonl}`. */
function evaluationOf(given: string): NonNullable<ExportOptions['evaluation']>[number] {
  const [, taskset = '', options] = /^([a-z][a-z\d-]*)(?:=(\{[\s\S]*\}))?$/.exec(given) ?? []
  if (taskset === '') return given
  if (options === undefined) return { taskset }
  try {
    return { taskset, options: parse(options) as Record<string, unknown> }
  } catch (error) {
    throw new UsageError(`--evaluation ${given}: the options are not YAML`, { cause: error })
  }
}

/** `--list-rules`. */
export function listRules(json: boolean): void {
  const rules = [
    ...cleaningRules.map(({ name, version, meaning, value }) => ({
      kind: 'clean',
      rule: name,
      version,
      takes: value === null ? '' : 'words' in value ? value.words.join(' or ') : 'a number',
      meaning,
    })),
    ...repairRules.map(({ name, version, meaning }) => ({
      kind: 'repair',
      rule: name,
      version,
      takes: '',
      meaning,
    })),
  ]
  if (json) {
    for (const rule of rules) printJson(rule)
    return
  }
  const lines = rules.map(({ kind, rule, takes, meaning }) => [kind, rule, takes, meaning])
  process.stdout.write(`${formatTable(['kind', 'rule', 'takes', 'what'], lines)}\n`)
}

// Cleaning and repair as an export does them: options read, one pass over all that was selected, the
// selection of each recipe cut down, and the funnel and the report of what went.
import { UsageError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { loadChatTokenizer } from '../chat-tokenizer.ts'
import type { CurationSettings } from '../curation-options.ts'
import { type OpenReplayer, parseRepairs, type RepairRule, type Rescore } from '../repairs/index.ts'
import type { FunnelStep, Selected } from '../selection.ts'
import {
  type Cleaned,
  type CleaningJob,
  cleanTrajectories,
  isRedaction,
  type RuleCount,
  type Verdict,
} from './clean.ts'
import { cleanedStore } from './cleaned-store.ts'
import { type Evaluation, readEvaluation } from './evaluation.ts'
import { parseRules, type Rule } from './rules.ts'
import { openSpillFolder } from './spill.ts'

export interface CurationTools {
  /** Executes repaired turns again; without it `repair` is refused. */
  openReplayer?: OpenReplayer | undefined
  /** Scores an answer that a repair changed; without it such a turn is left out. */
  rescore?: Rescore | undefined
  /** Called after each trajectory that was judged. */
  onCleaned?: ((trajectories: number, of: number) => void) | undefined
}

/** What the manifest and the card tell of it. */
export interface CleaningReport {
  rules: { name: string; version: string; value: string | number | null }[]
  repairs: { name: string; version: string }[]
  removed: RuleCount[]
  redacted: RuleCount[]
  repaired: RuleCount[]
  repairedTurns: number
  notRepairedTurns: number
  /** Repaired turns that did not give the recorded result, and were left out. */
  notRepaired: RuleCount[]
  cutTurns: number
  /** Trajectories whose answer a repair changed, with rewards computed again. */
  rescored: number
  /** What was compared for contamination. */
  evaluation: { name: string; tasks: number }[]
}

export interface Curation {
  /** The store as recipes see it. */
  store: Store
  report: CleaningReport
  /** Of one recipe's selection. */
  apply(selected: Selected[]): { selected: Selected[]; funnel: FunnelStep[] }
  copyAudit(path: string): Promise<{ bytes: number; sha256: string; lines: number }>
  dispose(): Promise<void>
}

/** Checks what was asked for; null when nothing was. Errors raised: UsageError. */
export function curationRules(
  settings: CurationSettings,
  recipes: { name: string }[],
  tools: CurationTools,
): { rules: Rule[]; repairs: RepairRule[] } | null {
  const rules = parseRules(settings.clean ?? [])
  const repairs = parseRepairs(settings.repair ?? [])
  const named = (name: string) => rules.some((rule) => rule.name === name)
  if (named('contamination') !== (settings.evaluation ?? []).length > 0) {
    throw new UsageError(
      'clean: contamination and the evaluation tasksets go together: name both, or neither ' +
        '(--clean contamination --evaluation TASKSET-OR-FILE).',
    )
  }
  if (named('prompt-tokens') !== (settings.cleanTokenizer !== undefined)) {
    throw new UsageError(
      'clean: prompt-tokens and the tokenizer that counts go together: name both, or neither ' +
        '(--clean prompt-tokens=32768 --clean-tokenizer DIR).',
    )
  }
  const offPolicy = recipes.find(({ name }) => name === 'rl-rollouts')
  if (offPolicy && (repairs.length > 0 || rules.some(isRedaction))) {
    throw new UsageError(
      'rl-rollouts: repairs and redaction change what the policy said, and its logprobs are of what it said; ' +
        'export it without them (rules that drop are allowed: secrets=drop).',
    )
  }
  if (repairs.length > 0 && !tools.openReplayer) {
    throw new UsageError('repair: repaired turns have to be executed again, and there is no sandbox here.')
  }
  return rules.length + repairs.length === 0 ? null : { rules, repairs }
}

/** Errors raised: UsageError; those of the store and of the sandbox; the signal's reason when stopped. */
export async function curate(
  store: Store,
  selected: Selected[],
  { rules, repairs }: { rules: Rule[]; repairs: RepairRule[] },
  settings: CurationSettings,
  tools: CurationTools,
  signal: AbortSignal | undefined,
  written: CleaningJob['written'],
): Promise<Curation> {
  const { cleanTokenizer, evaluation: wanted = [] } = settings
  const tokenizer = cleanTokenizer === undefined ? null : await loadChatTokenizer(cleanTokenizer)
  const evaluation: Evaluation | null =
    wanted.length === 0 ? null : await readEvaluation(wanted, process.cwd(), signal)
  const spill = await openSpillFolder()
  try {
    const unique = [...new Map(selected.map((one) => [one.id, one])).values()]
    const openReplayer = tools.openReplayer ?? null
    const onProgress = tools.onCleaned
    const job = {
      store,
      rules,
      repairs,
      tokenizer,
      evaluation,
      openReplayer,
      rescore: tools.rescore,
      spill,
      written,
      signal,
      onProgress,
    }
    const cleaned = await cleanTrajectories(job, unique)
    return {
      store: cleanedStore(store, cleaned),
      report: reportOf(cleaned, rules, repairs, evaluation),
      apply: (members) => applyVerdicts(members, cleaned, rules, repairs),
      copyAudit: (path) => cleaned.audit.copyTo(path),
      dispose: () => spill.dispose(),
    }
  } catch (error) {
    await spill.dispose()
    throw error
  }
}

function applyVerdicts(
  members: Selected[],
  { verdicts, redacted, repairedTurns, notRepairedTurns, cutTurns, rescored }: Cleaned,
  rules: Rule[],
  repairs: RepairRule[],
): { selected: Selected[]; funnel: FunnelStep[] } {
  const judged = members.flatMap((member) => {
    const verdict = verdicts.get(member.id)
    return verdict ? [{ member, verdict }] : []
  })
  const isLeft = ({ droppedAt }: Verdict, step: number) => droppedAt === null || droppedAt > step
  const stepOf = (text: string, step: number): FunnelStep => {
    const left = judged.filter(({ verdict }) => isLeft(verdict, step))
    const turns = left.reduce((sum, { verdict }) => sum + (verdict.turns[step] ?? 0), 0)
    return { step: text, trajectories: left.length, turns }
  }
  const funnel = rules.map((rule, step) => {
    if (!isRedaction(rule)) return stepOf(rule.left, step)
    const touched = redacted.find((count) => count.rule === rule.name)?.trajectories ?? 0
    return stepOf(`${rule.name} redacted in ${touched}`, step)
  })
  if (repairs.length > 0) {
    const again = rescored > 0 ? `, ${rescored} with another answer scored again` : ''
    const done = `${repairedTurns} made${again}, ${notRepairedTurns} without the recorded result, ${cutTurns} turns after an answer cut`
    funnel.push(stepOf(`repairs (${done})`, rules.length))
  }
  const last = rules.length
  return {
    selected: judged
      .filter(({ verdict }) => isLeft(verdict, last))
      .map(({ member, verdict: { reward } }) => (reward === undefined ? member : { ...member, reward })),
    funnel,
  }
}

function reportOf(
  cleaned: Cleaned,
  rules: Rule[],
  repairs: RepairRule[],
  evaluation: Evaluation | null,
): CleaningReport {
  const { removed, redacted, repaired, notRepaired, repairedTurns, notRepairedTurns, cutTurns, rescored } =
    cleaned
  return {
    rules: rules.map(({ name, version, value }) => ({ name, version, value })),
    repairs: repairs.map(({ name, version }) => ({ name, version })),
    removed,
    redacted,
    repaired,
    notRepaired,
    repairedTurns,
    notRepairedTurns,
    cutTurns,
    rescored,
    evaluation: evaluation?.tasksets ?? [],
  }
}

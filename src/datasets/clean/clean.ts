// Cleaning and repair as one pass over what was selected, before anything is written: each trajectory is
// read once and judged by every rule in turn. What was removed or changed is in the audit, line by line;
// the trees stay in the store, and the edits are applied when they are read again (cleaned-store.ts).
import type { Store } from '../../store/contract.ts'
import type { Trajectory } from '../../trajectory.ts'
import type { ChatTokenizer } from '../chat-tokenizer.ts'
import { createReadAhead } from '../read-ahead.ts'
import { rootInvocation } from '../looks.ts'
import {
  type OpenReplayer,
  type Repair,
  type RepairRule,
  repairTrajectory,
  type Rescore,
} from '../repairs/index.ts'
import type { Selected } from '../selection.ts'
import { type Check, type CheckedTask, createCheck, type Finding } from './checks.ts'
import type { Edits, TurnEdit } from './edits.ts'
import { createOverlapReader, type Evaluation } from './evaluation.ts'
import type { Rule } from './rules.ts'
import { createRedactor, type SecretGroup } from './secrets.ts'
import type { Place, Spill, SpillFolder } from './spill.ts'
import { createTaskSecretReader } from './task-secrets.ts'

export interface CleaningJob {
  store: Store
  rules: Rule[]
  repairs: RepairRule[]
  tokenizer: ChatTokenizer | null
  evaluation: Evaluation | null
  openReplayer: OpenReplayer | null
  /** Scores of an answer that a repair changed; without it such a turn is left out. */
  rescore: Rescore | undefined
  spill: SpillFolder
  /** Whether the export writes tasks, and their contexts too: then both are looked through for secrets. */
  written: { tasks: boolean; contexts: boolean }
  signal: AbortSignal | undefined
  /** Called after each trajectory. */
  onProgress?: ((trajectories: number, of: number) => void) | undefined
}

/** What became of one trajectory: the step that dropped it, and root turns left after each step. */
export interface Verdict {
  droppedAt: number | null
  turns: number[]
  /** Of a trajectory whose answer was changed, and scored again. */
  reward?: number | null
}

export interface RuleCount {
  rule: string
  trajectories: number
  turns: number
}

export interface Cleaned {
  /** By trajectory id. */
  verdicts: ReadonlyMap<string, Verdict>
  editsOf(id: string): Promise<Edits | null>
  redacting: ReadonlySet<SecretGroup>
  /** Removed or redacted, by rule; of repairs, what was kept as repaired and what was dropped. */
  removed: RuleCount[]
  redacted: RuleCount[]
  repaired: RuleCount[]
  notRepaired: RuleCount[]
  repairedTurns: number
  notRepairedTurns: number
  cutTurns: number
  /** Trajectories with another answer than the recorded one, and its own scores. */
  rescored: number
  audit: Spill
}

type Action = 'trajectory dropped' | 'turn dropped' | 'redacted' | 'repaired' | 'turns cut'

/** One line of audit.jsonl. */
interface AuditLine {
  trajectory_id: string
  run_id: string
  task_id: string
  /** The index of the root turn; null for what is about the whole trajectory. */
  turn: number | null
  rule: string
  action: Action
  detail: string
  /** Of a repair: the response as it was and as it is, or would have been. */
  before?: string
  after?: string
}

/** Errors raised: those of the store and of the sandbox; the signal's reason when stopped. */
export async function cleanTrajectories(job: CleaningJob, selected: Selected[]): Promise<Cleaned> {
  const { store, rules, spill, signal } = job
  const audit = await spill.open('audit.jsonl')
  const edited = await spill.open('edits.jsonl')
  const checks = rules.map((rule) => ({ rule, check: createCheck(rule, job.tokenizer) }))
  const counter = createCounter()
  const verdicts = new Map<string, Verdict>()
  const places = new Map<string, Place>()
  const readOverlaps = job.evaluation ? createOverlapReader(store, job.evaluation, spill.path) : null
  const groups = rules.flatMap(({ name }) => (name === 'secrets' || name === 'emails' ? [name] : []))
  const { tasks, contexts } = job.written
  const readSecrets =
    tasks && groups.length > 0 ? createTaskSecretReader(store, groups, spill.path, contexts) : null
  const redacting: ReadonlySet<SecretGroup> = new Set(
    rules.filter(isRedaction).map(({ name }) => name as SecretGroup),
  )
  const source = createReadAhead(store, selected)
  const repaired = { made: 0, failed: 0, cut: 0, rescored: 0 }
  for (const member of selected) {
    signal?.throwIfAborted()
    const note = async (line: Omit<AuditLine, 'trajectory_id' | 'run_id' | 'task_id'>) => {
      const { id, run, taskId } = member
      // What it quotes is no secret either.
      const told = createRedactor(redacting)(line)
      await audit.append({ trajectory_id: id, run_id: run.id, task_id: taskId, ...told } satisfies AuditLine)
    }
    const trajectory = await source.readTrajectory(member.id)
    const stored = readOverlaps || readSecrets ? await source.readTask(member.run.id, member.taskId) : null
    const task: CheckedTask = {
      hash: member.taskHash,
      overlaps: stored && readOverlaps ? await readOverlaps(stored) : [],
      secrets: stored && readSecrets ? await readSecrets(stored) : new Map(),
    }
    const judged = await judge(trajectory, task, checks, counter, note)
    verdicts.set(member.id, judged.verdict)
    if (judged.verdict.droppedAt === null && job.openReplayer && job.repairs.length > 0) {
      const skip = new Set(judged.edits.map(({ turn }) => turn))
      const { repairs: mending, openReplayer, rescore } = job
      const repairs = await repairTrajectory(trajectory, mending, skip, openReplayer, { rescore, signal })
      for (const repair of repairs) {
        await noteRepair(repair, counter, note)
        repaired.cut += repair.cut
        if (repair.failure === null) repaired.made += 1
        else repaired.failed += 1
        const { rescored } = repair.edit
        if (rescored) {
          repaired.rescored += 1
          judged.verdict.reward = rescored.reward
        }
      }
      judged.edits.push(...repairs.map(({ edit }) => edit))
      const lost = repairs.reduce((sum, { edit, cut }) => sum + cut + (edit.drop ? 1 : 0), 0)
      const left = Math.max(0, (judged.verdict.turns.at(-1) ?? rootTurns(trajectory)) - lost)
      judged.verdict.turns.push(left)
      if (left === 0) judged.verdict.droppedAt = rules.length
    }
    if (judged.edits.length > 0) places.set(member.id, await edited.append({ turns: judged.edits }))
    job.onProgress?.(verdicts.size, selected.length)
  }
  return {
    verdicts,
    async editsOf(id) {
      const place = places.get(id)
      return place ? ((await edited.read(place)) as Edits) : null
    },
    redacting,
    removed: counter.of('removed'),
    redacted: counter.of('redacted'),
    repaired: counter.of('repaired'),
    notRepaired: counter.of('not repaired'),
    repairedTurns: repaired.made,
    notRepairedTurns: repaired.failed,
    cutTurns: repaired.cut,
    rescored: repaired.rescored,
    audit,
  }
}

export function isRedaction({ name, value }: { name: string; value: Rule['value'] }): boolean {
  return (name === 'secrets' || name === 'emails') && value === 'redact'
}

function rootTurns(trajectory: Trajectory): number {
  return rootInvocation(trajectory)?.turns.length ?? 0
}

type Note = (line: Omit<AuditLine, 'trajectory_id' | 'run_id' | 'task_id'>) => Promise<void>

async function judge(
  trajectory: Trajectory,
  task: CheckedTask,
  checks: { rule: Rule; check: Check }[],
  counter: Counter,
  note: Note,
): Promise<{ verdict: Verdict; edits: TurnEdit[] }> {
  const edits = new Map<number, TurnEdit>()
  const verdict: Verdict = { droppedAt: null, turns: [] }
  for (const [step, { rule, check }] of checks.entries()) {
    const found = check(trajectory, task).filter(({ turn }) => turn === null || !edits.has(turn))
    const ofTurns = rule.value === 'turn' || rule.name.startsWith('prompt-')
    if (isRedaction(rule)) {
      if (found.length > 0) counter.add('redacted', rule.name, 1, found.length)
      for (const { turn, detail } of found) await note({ turn, rule: rule.name, action: 'redacted', detail })
    } else if (found.length > 0 && !ofTurns) {
      counter.add('removed', rule.name, 1, 0)
      await noteDropped(rule.name, found, note)
      verdict.droppedAt = step
      return { verdict, edits: [] }
    } else if (found.length > 0) {
      for (const { turn, detail } of found) {
        if (turn === null || edits.has(turn)) continue
        edits.set(turn, { turn, drop: { rule: rule.name, detail } })
        await note({ turn, rule: rule.name, action: 'turn dropped', detail })
        counter.add('removed', rule.name, 0, 1)
      }
    }
    const left = rootTurns(trajectory) - edits.size
    verdict.turns.push(left)
    if (left === 0 && edits.size > 0) {
      counter.add('removed', rule.name, 1, 0)
      verdict.droppedAt = step
      return { verdict, edits: [] }
    }
  }
  return { verdict, edits: [...edits.values()] }
}

async function noteDropped(rule: string, found: Finding[], note: Note): Promise<void> {
  for (const { turn, detail } of found) await note({ turn, rule, action: 'trajectory dropped', detail })
}

async function noteRepair(repair: Repair, counter: Counter, note: Note): Promise<void> {
  const { turn, rules, before, after, failure, note: other, cut } = repair
  const rule = rules.join(', ')
  for (const name of rules) counter.add(failure === null ? 'repaired' : 'not repaired', name, 0, 1)
  await note({
    turn,
    rule,
    action: failure === null ? 'repaired' : 'turn dropped',
    detail:
      failure ??
      (other === null ? 'executed again: it gives the recorded result' : `executed again: ${other}`),
    before,
    after,
  })
  if (cut > 0)
    await note({
      turn,
      rule,
      action: 'turns cut',
      detail: `${cut} ${cut === 1 ? 'turn' : 'turns'} after the answer`,
    })
}

type Kind = 'removed' | 'redacted' | 'repaired' | 'not repaired'
interface Counter {
  add(kind: Kind, rule: string, trajectories: number, turns: number): void
  of(kind: Kind): RuleCount[]
}

function createCounter(): Counter {
  const counts = new Map<string, RuleCount & { kind: Kind }>()
  return {
    add(kind, rule, trajectories, turns) {
      const entry = counts.get(`${kind} ${rule}`) ?? { kind, rule, trajectories: 0, turns: 0 }
      entry.trajectories += trajectories
      entry.turns += turns
      counts.set(`${kind} ${rule}`, entry)
    },
    of: (wanted) =>
      [...counts.values()].filter(({ kind }) => kind === wanted).map(({ kind: _kind, ...count }) => count),
  }
}

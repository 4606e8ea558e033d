// Repairs of one trajectory. A repaired turn is executed again, after the turns before it, with the
// recorded answers of their sub-calls; only when it gives the recorded result is it kept, else the turn is
// left out. A turn that now answers ends the trajectory; another answer than the recorded one is kept only
// where the recorded rewards can be computed again and are higher.
import type { Cell, Trajectory, Turn } from '../../trajectory.ts'
import { applyEdits, type Rescored, type TurnEdit } from '../clean/edits.ts'
import { responseOf, rootInvocation } from '../looks.ts'
import type { RepairRule, View } from './rules.ts'

/** What a root turn did when it was executed again. */
export interface ReplayedTurn {
  cells: Cell[]
  answer: string | null
  /** What the model is told of the cells; null when there were none. */
  feedback: string | null
  /** Where something other than the record happened: a call that was not made then, or a call less. */
  difference: string | null
}

/** Executes the root turns of one trajectory again, one after the other, in a fresh REPL. */
export interface Replayer {
  /** `text` is the turn's own response, or the repaired one. */
  turn(turn: Turn, text: string): Promise<ReplayedTurn>
  close(): Promise<void>
}

export type OpenReplayer = (trajectory: Trajectory, signal?: AbortSignal) => Promise<Replayer>

/**
 * The scores of a trajectory whose answer a repair changed, by the rewards that scored it as it was recorded.
 * Null when they cannot be computed again: one asks a model, runs code, or is not known any more.
 */
export type Rescore = (trajectory: Trajectory, signal?: AbortSignal) => Promise<Rescored | null>

export interface Repair {
  turn: number
  rules: string[]
  before: string
  after: string
  /** Null when the repaired turn gives the recorded result, else what it gives. */
  failure: string | null
  /** What it gives that is not the recorded result, and is kept: another answer, with its own reward. */
  note: string | null
  /** Turns that come after an answer and are gone. */
  cut: number
  edit: TurnEdit
}

/** `skip`: turns that are left out already. Errors raised: those of `open`, of the sandbox and of `rescore`. */
export async function repairTrajectory(
  trajectory: Trajectory,
  rules: readonly RepairRule[],
  skip: ReadonlySet<number>,
  open: OpenReplayer,
  { rescore, signal }: { rescore?: Rescore | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Repair[]> {
  const turns = rootInvocation(trajectory)?.turns ?? []
  const repairs: Repair[] = []
  /** What was executed so far, in order; the replayer has done the first `done` of them. */
  const texts: string[] = []
  let replayer: Replayer | null = null
  let done = 0
  async function replay(turn: Turn, text: string): Promise<ReplayedTurn> {
    replayer ??= await open(trajectory, signal)
    let difference: string | null = null
    for (; done < texts.length; done += 1) {
      const earlier = turns[done]
      if (earlier) difference ??= (await replayer.turn(earlier, texts[done] ?? '')).difference
    }
    const replayed = await replayer.turn(turn, text)
    done += 1
    return { ...replayed, difference: difference === null ? replayed.difference : `before it: ${difference}` }
  }
  async function startAgain(): Promise<void> {
    await replayer?.close()
    replayer = null
    done = 0
  }
  try {
    for (const [index, turn] of turns.entries()) {
      const before = responseOf(turn) ?? ''
      // A forced answer was asked for as plain text, and a compaction's reply is a summary.
      const asIs = turn.forced || turn.compaction || skip.has(turn.index)
      const found = asIs ? null : applyRules(rules, viewOf(trajectory, turns, index))
      if (!found) {
        texts.push(before)
        continue
      }
      const replayed = await replay(turn, found.text)
      const { cells, feedback, answer } = replayed
      const edit: TurnEdit = { turn: turn.index, text: found.text, cells, feedback }
      let failure = failureOf(trajectory, turn, replayed)
      const other = failure === null ? otherAnswer(trajectory, answer) : null
      // The reward is that of the recorded answer: its very bytes stay.
      if (answer !== null) edit.answer = other === null ? (trajectory.answer ?? answer) : answer
      if (other !== null) {
        const edits = [...repairs.map((one) => one.edit), edit]
        const rescored = (await rescore?.(applyEdits(trajectory, { turns: edits }), signal)) ?? null
        const lost = worthLess(trajectory, rescored)
        if (rescored && lost === null) edit.rescored = rescored
        else failure = rescore ? `${other}; ${lost}` : other
      }
      const { reward = null } = edit.rescored ?? {}
      const note = edit.rescored
        ? `${other}; its reward is ${reward}, recorded is ${trajectory.reward}`
        : null
      const repair = {
        turn: turn.index,
        rules: found.rules,
        before,
        after: found.text,
        failure,
        note,
        cut: 0,
      }
      if (failure !== null) {
        const detail = `${found.rules.join(', ')}: ${failure}`
        const drop = { rule: found.rules[0] ?? '', detail }
        repairs.push({ ...repair, edit: { turn: turn.index, drop } })
        texts.push(before)
        await startAgain()
        continue
      }
      if (answer === null) {
        repairs.push({ ...repair, edit })
        texts.push(found.text)
        continue
      }
      repairs.push({ ...repair, cut: turns.length - index - 1, edit })
      break
    }
    return repairs
  } finally {
    await startAgain()
  }
}

/** Every rule in its order, each on what the ones before it made. */
function applyRules(rules: readonly RepairRule[], view: View): { text: string; rules: string[] } | null {
  let { text } = view
  const applied: string[] = []
  for (const rule of rules) {
    const repaired = rule.apply({ ...view, text })
    if (repaired === null || repaired === text) continue
    text = repaired
    applied.push(rule.name)
  }
  return applied.length === 0 || text === view.text ? null : { text, rules: applied }
}

function viewOf(trajectory: Trajectory, turns: Turn[], index: number): View {
  const turn = turns[index]
  const until = turns.slice(0, index + 1).flatMap(({ cells }) => cells)
  const free = turns.filter(({ forced, compaction }) => !forced && !compaction)
  const everAnswered = trajectory.stopReason === 'answered'
  return {
    text: turn ? (responseOf(turn) ?? '') : '',
    convention: trajectory.protocol.id === 'rlm-final' ? 'tags' : 'dictionary',
    variables: new Set(until.at(-1)?.variables.map(({ name }) => name)),
    everAnswered,
    answered: everAnswered && index === turns.length - 1,
    last: turn === free.at(-1),
  }
}

function failureOf(trajectory: Trajectory, turn: Turn, replayed: ReplayedTurn): string | null {
  if (replayed.difference !== null) return replayed.difference
  const turns = rootInvocation(trajectory)?.turns ?? []
  const answered = trajectory.stopReason === 'answered' && turn === turns.at(-1)
  if (replayed.answer !== null) {
    return turn === turns[0] && !answered ? 'it would answer in the first turn' : null
  }
  if (answered) return 'it no longer answers'
  return differenceOf(turn.cells, replayed.cells)
}

/** In words, when it is not the recorded one; null too when there is no answer. */
function otherAnswer({ answer: recorded }: Trajectory, answer: string | null): string | null {
  if (answer === null || answer.trim() === recorded?.trim()) return null
  return `it answers ${quote(answer)}, recorded is ${recorded === null ? 'no answer' : quote(recorded)}`
}

/** A course that the model took itself is given up only for a better answer. Null when it is one. */
function worthLess({ reward: recorded }: Trajectory, rescored: Rescored | null): string | null {
  if (!rescored || rescored.reward === null) return 'its rewards cannot be computed again'
  if (recorded === null) return 'the recorded answer has no reward to compare with'
  return rescored.reward > recorded ? null : `its reward is ${rescored.reward}, recorded is ${recorded}`
}

/** Several cells may have become one: what they printed, and the error they ended with, has to be the same. */
function differenceOf(recorded: Cell[], replayed: Cell[]): string | null {
  const join = (cells: Cell[], read: (cell: Cell) => string) => cells.map(read).join('')
  for (const stream of ['stdout', 'stderr'] as const) {
    if (join(recorded, (cell) => cell[stream]) !== join(replayed, (cell) => cell[stream]))
      return `its ${stream} is not the recorded one`
  }
  const errors = (cells: Cell[]) => cells.flatMap(({ error }) => error?.type ?? [])
  const [was, is] = [errors(recorded), errors(replayed)]
  return was.join() === is.join()
    ? null
    : `its cells end with ${is.join(', ') || 'no error'}, recorded is ${was.join(', ') || 'no error'}`
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

// What cleaning changes in a trajectory: root turns that are left out or said otherwise, and where it
// ends. Applying the edits gives a trajectory as if it had been recorded so: later prompts hold what the
// turns now say, and each prompt still begins with the prompt and the response before it.
import type { Cell, Invocation, Score, Trajectory, Turn } from '../../trajectory.ts'
import { type Message, rootInvocation } from '../looks.ts'
import { cleaningBoundary } from './left-out.ts'

export interface TurnEdit {
  /** The index of the root turn. */
  turn: number
  /** The rule that leaves the turn out, and why; its place in later prompts stays. */
  drop?: { rule: string; detail: string }
  /** What it says now. */
  text?: string
  /** What its cells did when they were executed again, and what the model was told of them. */
  cells?: Cell[]
  feedback?: string | null
  /** It answers: the trajectory ends with it. */
  answer?: string
  /** When that is another answer than the recorded one: what it is worth. */
  rescored?: Rescored
}

/** Scores in place of the recorded ones; `reward` is their weighted sum. */
export interface Rescored {
  reward: number | null
  scores: Score[]
}

export interface Edits {
  turns: TurnEdit[]
}

interface Replacement {
  index: number
  was: string
  message: Message | null
}

/** The trajectory itself is not touched. */
export function applyEdits(trajectory: Trajectory, { turns: edits }: Edits): Trajectory {
  const root = rootInvocation(trajectory)
  if (!root || edits.length === 0) return trajectory
  const byTurn = new Map(edits.map((edit) => [edit.turn, edit]))
  const replacements: Replacement[] = []
  const turns: Turn[] = []
  let answer: string | null = null
  let rescored: Partial<Rescored> = {}
  for (const [place, turn] of root.turns.entries()) {
    const edit = byTurn.get(turn.index)
    const { messages } = turn.call
    const call = { ...turn.call, messages: replaceMessages(messages, replacements) }
    if (edit?.drop) {
      const error = { boundary: cleaningBoundary, code: edit.drop.rule, message: edit.drop.detail }
      turns.push({ ...turn, call: { ...call, response: { ...call.response, text: null }, error } })
      continue
    }
    if (edit?.text === undefined) {
      turns.push({ ...turn, call })
      continue
    }
    const was = turn.call.response.text ?? ''
    replacements.push({
      index: messages.length,
      was,
      message: { role: 'assistant', content: edit.text },
    })
    const told = root.turns[place + 1]?.call.messages[messages.length + 1]
    if (edit.feedback !== undefined && told && edit.feedback !== null) {
      replacements.push({
        index: messages.length + 1,
        was: told.content,
        message: { role: told.role, content: edit.feedback },
      })
    }
    const response = { ...call.response, text: edit.text }
    turns.push({ ...turn, call: { ...call, response }, cells: edit.cells ?? turn.cells })
    if (edit.answer !== undefined) {
      answer = edit.answer
      rescored = edit.rescored ?? {}
      break
    }
  }
  const changed: Invocation =
    answer === null ? { ...root, turns } : { ...root, turns, stopReason: 'answered', answer }
  const invocations = trajectory.invocations.map((one) => (one === root ? changed : one))
  if (answer === null) return { ...trajectory, invocations }
  // Children that a cut turn had started are gone with it.
  const cells = new Set(
    invocations.flatMap((one) => one.turns.flatMap((turn) => turn.cells.map(({ id }) => id))),
  )
  const kept = invocations.filter(({ parentCellId }) => parentCellId === null || cells.has(parentCellId))
  return { ...trajectory, ...rescored, stopReason: 'answered', answer, invocations: kept }
}

/** A message that stands elsewhere, as after a compaction, is not the one that was meant. */
function replaceMessages(messages: Message[], replacements: Replacement[]): Message[] {
  let copy: Message[] | null = null
  for (const { index, was, message } of replacements) {
    if (message && messages[index]?.content === was && messages[index].role === message.role) {
      copy ??= [...messages]
      copy[index] = message
    }
  }
  return copy ?? messages
}

// The turns of an invocation as token ids: those that the engine gave, or those of a tokenizer and its
// chat template. Each turn holds what its prompt adds to the sequence before it, so a conversation is
// linear in size, and prompt + completion of a turn begin the next prompt wherever `extends` is true.
import { reassemble } from '../../models/token-deltas.ts'
import type { CallTokens } from '../../store/contract.ts'
import type { Invocation, Trajectory, Turn } from '../../trajectory.ts'
import type { ChatTokenizer } from '../chat-tokenizer.ts'
import { isLeftOut } from '../clean/left-out.ts'
import { responseOf } from '../looks.ts'

export interface TokenTurn {
  turn: Turn
  /** The prompt begins with prompt + completion of the turn before; `added` is what follows them. */
  extends: boolean
  /** The whole prompt when it does not extend. */
  added: Int32Array
  completion: Int32Array
  /** One for each completion token; NaN where the engine had none. Null when none came. */
  logprobs: Float32Array | null
  policyVersion: string | null
}

export type TokenSource = 'engine' | 'tokenizer'

type LeaveOut = (reason: string) => void

/** Null unless the engine gave prompt and completion ids of every answered turn. */
export function engineTurns(
  invocation: Invocation,
  tokens: ReadonlyMap<string, CallTokens>,
  leaveOut: LeaveOut,
): TokenTurn[] | null {
  const answered = invocation.turns.filter((turn) => responseOf(turn) !== null)
  const turns: TokenTurn[] = []
  let before: string | null = null
  for (const turn of answered) {
    const own = tokens.get(turn.call.id)
    if (!own?.prompt || !own.completion || own.completion.length === 0) return null
    const extended = own.baseCallId !== null && own.baseCallId === before
    const added = extended || own.baseCallId === null ? own.prompt : reassemble(tokens, turn.call.id).prompt
    if (!added) return null
    const { completion, logprobs } = own
    const policyVersion = own.policyVersion ?? null
    turns.push({ turn, extends: extended, added, completion, logprobs, policyVersion })
    before = turn.call.id
  }
  countFailed(invocation, answered.length, leaveOut)
  return turns
}

/**
 * Prompts and responses are encoded apart, as an engine has them: the ids of a response never melt into
 * those around it. A response ends with the text that ends a message, but when it was cut off by a limit.
 */
export function templateTurns(
  invocation: Invocation,
  tokenizer: ChatTokenizer,
  leaveOut: LeaveOut,
): TokenTurn[] {
  const turns: TokenTurn[] = []
  let sequence = ''
  for (const turn of invocation.turns) {
    const content = responseOf(turn)
    if (content === null) continue
    const { messages } = turn.call
    const prompt = tokenizer.render(messages, true)
    const whole = tokenizer.render([...messages, { role: 'assistant', content }], false)
    if (!whole.startsWith(prompt)) {
      leaveOut('turns that the chat template does not render as prompt and response')
      continue
    }
    const said = ownText(whole.slice(prompt.length), turn, tokenizer.endOfText)
    const extended = turns.length > 0 && prompt.startsWith(sequence)
    turns.push({
      turn,
      extends: extended,
      added: tokenizer.encode(extended ? prompt.slice(sequence.length) : prompt),
      completion: tokenizer.encode(said),
      logprobs: null,
      policyVersion: null,
    })
    sequence = prompt + said
  }
  const answered = invocation.turns.filter((turn) => responseOf(turn) !== null).length
  countFailed(invocation, answered, leaveOut)
  return turns
}

/** What the model itself writes of a rendered response: up to the end of the message, that included. */
function ownText(rendered: string, turn: Turn, endOfText: string | null): string {
  const end = endOfText === null ? -1 : rendered.lastIndexOf(endOfText)
  if (end < 0) return rendered
  const wasCut = turn.call.response.finishReason === 'length'
  return rendered.slice(0, wasCut ? end : end + (endOfText?.length ?? 0))
}

function countFailed(invocation: Invocation, answered: number, leaveOut: LeaveOut): void {
  const cleaned = invocation.turns.filter(isLeftOut).length
  for (let count = answered + cleaned; count < invocation.turns.length; count += 1)
    leaveOut('turns whose call failed')
}

/** Turns each of which extends the one before: one sequence. */
export function branchesOf(turns: TokenTurn[]): TokenTurn[][] {
  const branches: TokenTurn[][] = []
  for (const turn of turns) {
    const current = branches.at(-1)
    if (turn.extends && current) current.push(turn)
    else branches.push([turn])
  }
  return branches
}

export interface TokenSequence {
  ids: Int32Array
  /** 1 for the tokens that the policy sampled and that this row trains. */
  mask: Int8Array
  /** Of the first prompt. */
  promptLength: number
  trained: number
}

/** One sequence of a branch, or of its first `count` turns. `isTrained` tells which responses are. */
export function sequenceOf(
  branch: TokenTurn[],
  isTrained: (turn: TokenTurn, index: number) => boolean,
): TokenSequence {
  const length = branch.reduce((sum, { added, completion }) => sum + added.length + completion.length, 0)
  const ids = new Int32Array(length)
  const mask = new Int8Array(length)
  let at = 0
  let trained = 0
  for (const [index, turn] of branch.entries()) {
    ids.set(turn.added, at)
    at += turn.added.length
    ids.set(turn.completion, at)
    if (isTrained(turn, index)) {
      mask.fill(1, at, at + turn.completion.length)
      trained += turn.completion.length
    }
    at += turn.completion.length
  }
  return { ids, mask, promptLength: branch[0]?.added.length ?? 0, trained }
}

/** Where an invocation stands in the tree. */
export interface Place {
  parentInvocationId: string | null
  /** Invocations that the same parent started, this one included; 1 for the root. */
  siblings: number
  sibling: number
}

export function placesOf(trajectory: Trajectory): Map<string, Place> {
  const owners = new Map<string, string>()
  for (const { id, turns } of trajectory.invocations) {
    for (const { cells } of turns) for (const cell of cells) owners.set(cell.id, id)
  }
  const parentOf = ({ parentCellId }: Invocation) => owners.get(parentCellId ?? '') ?? null
  const started = Map.groupBy(trajectory.invocations, parentOf)
  const places = new Map<string, Place>()
  for (const [parent, children] of started) {
    for (const [index, { id }] of children.entries()) {
      const [siblings, sibling] = parent === null ? [1, 0] : [children.length, index]
      places.set(id, { parentInvocationId: parent, siblings, sibling })
    }
  }
  return places
}

// What preference pairs are made of: candidates, the places at which they part, and the choice of pairs.
// A place is a root turn that several trajectories were sent the same prompt for; its branches are what
// they said there. Below a place, trajectories of one branch may part again.
import type { Trajectory, Turn } from '../../trajectory.ts'
import type { RecipeOptions } from '../recipe-options.ts'
import { type characterCounter, responseOf, rootInvocation, sameMessage, tooLong } from '../looks.ts'

/** How the code of a turn ended; `none` for a turn without code. */
export type Ending = 'ran' | 'failed' | 'none'

/** A turn without its cells and their sub-calls. */
export interface Step {
  turn: Turn
  ending: Ending
  /** By which a label of a person names the turn: its own id, and those of its call and cells. */
  ids: string[]
}

export interface Candidate {
  id: string
  runId: string
  reward: number | null
  protocolHash: string
  steps: Step[]
}

/** One of the responses that were given to one prompt. */
export interface Branch {
  step: Step
  members: Candidate[]
}

export interface Pair {
  chosen: Branch
  rejected: Branch
  /** Means over the members that have a reward; null where none has. */
  chosenReward: number | null
  rejectedReward: number | null
  margin: number
}

export function toCandidate(trajectory: Trajectory): Candidate {
  const { id, runId, reward, protocol } = trajectory
  const steps = (rootInvocation(trajectory)?.turns ?? []).map((turn) => ({
    turn: { ...turn, cells: [] },
    ending: endingOf(turn),
    ids: [turn.id, turn.call.id, ...turn.cells.map((cell) => cell.id)],
  }))
  return { id, runId, reward, protocolHash: protocol.hash, steps }
}

function endingOf({ cells }: Turn): Ending {
  if (cells.length === 0) return 'none'
  return cells.every(({ error, death }) => error === null && death === null) ? 'ran' : 'failed'
}

export function samePrompt(a: Turn, b: Turn): boolean {
  const [left, right] = [a.call.messages, b.call.messages]
  return left.length === right.length && left.every((message, place) => sameMessage(message, right[place]))
}

/** The branches of each place with two or more, from the first turn on. Failed calls end a trajectory here. */
export function* placesOf(candidates: Candidate[], index = 0): Generator<Branch[]> {
  const byPrompt: Branch[][] = []
  for (const candidate of candidates) {
    const step = candidate.steps[index]
    const said = step && responseOf(step.turn)
    if (!step || said === null) continue
    let branches = byPrompt.find(([first]) => first && samePrompt(first.step.turn, step.turn))
    if (!branches) byPrompt.push((branches = []))
    const known = branches.find((branch) => responseOf(branch.step.turn) === said)
    if (known) known.members.push(candidate)
    else branches.push({ step, members: [candidate] })
  }
  for (const branches of byPrompt) {
    if (branches.length > 1) yield branches
    for (const { members } of branches) if (members.length > 1) yield* placesOf(members, index + 1)
  }
}

/** The turn in each trajectory of the branch. */
export function stepsOf({ step, members }: Branch): Step[] {
  return members.flatMap(({ steps }) => steps.find(({ turn }) => turn.index === step.turn.index) ?? [])
}

export function meanReward(members: Candidate[]): number | null {
  const rewards = members.flatMap(({ reward }) => (reward === null ? [] : [reward]))
  return rewards.length === 0 ? null : rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length
}

/** Why the texts of a pair are not taken; null when they are. */
export function refusalOf(
  first: Turn,
  second: Turn,
  { maxPromptCharacters: limit, maxLengthRatio }: RecipeOptions,
  countCharacters: ReturnType<typeof characterCounter>,
): string | null {
  if (limit !== null && countCharacters(first.call.messages) > limit) return tooLong(limit)
  const lengths = [first, second].map((turn) => Math.max(1, (responseOf(turn) ?? '').length))
  const ratio = Math.max(...lengths) / Math.min(...lengths)
  if (maxLengthRatio === null || ratio <= maxLengthRatio) return null
  return `pairs with a length ratio above ${maxLengthRatio}`
}

/** Each text pair once; trajectories that are in few pairs come first, then wide margins. */
export function choosePairs(pairs: Pair[], most: number): Pair[] {
  const texts = new Map<string | null, Set<string>>()
  const unique = pairs.filter(({ chosen, rejected }) => {
    const { index, call } = chosen.step.turn
    const said = responseOf(chosen.step.turn)
    const known = texts.get(said) ?? new Set()
    texts.set(said, known)
    const place = `${index} ${call.messages.length} `
    return known.size < known.add(place + (responseOf(rejected.step.turn) ?? '')).size
  })
  const uses = new Map<string, number>()
  const idsOf = ({ chosen, rejected }: Pair) => [chosen, rejected].map(({ members }) => members[0]?.id ?? '')
  const used = (pair: Pair) => idsOf(pair).reduce((sum, id) => sum + (uses.get(id) ?? 0), 0)
  const left = unique.toSorted((a, b) => b.margin - a.margin)
  const taken: Pair[] = []
  while (taken.length < most && left.length > 0) {
    const best = left.reduce((least, pair) => (used(pair) < used(least) ? pair : least))
    left.splice(left.indexOf(best), 1)
    for (const id of idsOf(best)) uses.set(id, (uses.get(id) ?? 0) + 1)
    taken.push(best)
  }
  return taken
}

// What each cleaning rule finds in one trajectory. Rules that compare trajectories keep what they need of
// those before: call a checker once per trajectory, in the order of the selection.
import { sha256Hex } from '../../hash.ts'
import type { Trajectory, Turn } from '../../trajectory.ts'
import type { ChatTokenizer } from '../chat-tokenizer.ts'
import { characterCounter, responseOf, rootInvocation } from '../looks.ts'
import type { Overlap } from './contamination.ts'
import { createNearDuplicates, signatureOf } from './minhash.ts'
import type { Rule } from './rules.ts'
import { type SecretGroup, redact } from './secrets.ts'
import type { TaskSecrets } from './task-secrets.ts'
import { findGibberish, findHallucinatedOutput, findRepetition } from './text-checks.ts'

/** What a rule found. Without a `turn` it is about the whole trajectory. */
export interface Finding {
  turn: number | null
  detail: string
}

export interface CheckedTask {
  hash: string
  /** What it shares with evaluation tasks; empty when none were named. */
  overlaps: Overlap[]
  /** What is in the task and its context; empty when the export writes neither. */
  secrets: TaskSecrets
}

export type Check = (trajectory: Trajectory, task: CheckedTask) => Finding[]

/** `tokenizer` is there when the rule `prompt-tokens` is. */
export function createCheck(rule: Rule, tokenizer: ChatTokenizer | null): Check {
  const { name, value } = rule
  switch (name) {
    case 'unlooked':
      return findUnlooked
    case 'hallucinated-output':
      return (trajectory) => eachResponse(trajectory, findHallucinatedOutput)
    case 'repetition':
      return (trajectory) => [...eachResponse(trajectory, findRepetition), ...findLoops(trajectory)]
    case 'gibberish':
      return (trajectory) => eachResponse(trajectory, findGibberish)
    case 'prompt-characters':
      return (trajectory) => {
        const countCharacters = characterCounter()
        return longPrompts(trajectory, Number(value), 'characters', ({ call }) =>
          countCharacters(call.messages),
        )
      }
    case 'prompt-tokens':
      return (trajectory) =>
        longPrompts(trajectory, Number(value), 'tokens', ({ call }) =>
          tokenizer ? tokenizer.encode(tokenizer.render(call.messages, true)).length : 0,
        )
    case 'secrets':
    case 'emails':
      return (trajectory, { secrets }) => [
        ...findSecrets(trajectory, name),
        ...(secrets.get(name) ?? []).map((detail) => ({ turn: null, detail })),
      ]
    case 'contamination':
      return (_, { overlaps }) =>
        overlaps
          .filter(({ share }) => share >= Number(value))
          .map(({ part, share, taskset }) => ({
            turn: null,
            detail: `${Math.round(share * 100)}% of the ${part} is in ${taskset}`,
          }))
    case 'duplicates':
      return createDuplicateCheck()
    case 'near-duplicates':
      return createNearDuplicateCheck(Number(value))
    default:
      return name satisfies never
  }
}

function rootTurns(trajectory: Trajectory): Turn[] {
  return rootInvocation(trajectory)?.turns ?? []
}

function eachResponse(trajectory: Trajectory, find: (text: string) => string | null): Finding[] {
  return rootTurns(trajectory).flatMap((turn) => {
    const detail = find(responseOf(turn) ?? '')
    return detail === null ? [] : [{ turn: turn.index, detail }]
  })
}

const leastLoop = 3

/** The third of equal responses in a row, and those after it. */
function findLoops(trajectory: Trajectory): Finding[] {
  const found: Finding[] = []
  let before: string | null = null
  let times = 0
  for (const turn of rootTurns(trajectory)) {
    const text = responseOf(turn)?.trim() ?? null
    times = text !== null && text !== '' && text === before ? times + 1 : 1
    before = text
    if (times >= leastLoop)
      found.push({ turn: turn.index, detail: `the same response ${times} times in a row` })
  }
  return found
}

/** The REPL's names of contexts: `context`, and `context_0` and so on. */
const contextName = /\bcontext(?:_\d+)?\b/

function findUnlooked(trajectory: Trajectory): Finding[] {
  if (trajectory.answer === null || trajectory.protocol.id === 'direct') return []
  const looked = rootTurns(trajectory).some(({ cells }) => cells.some(({ code }) => contextName.test(code)))
  return looked ? [] : [{ turn: null, detail: 'no cell of the root names the context' }]
}

function longPrompts(
  trajectory: Trajectory,
  most: number,
  unit: string,
  measure: (turn: Turn) => number,
): Finding[] {
  return rootTurns(trajectory).flatMap((turn) => {
    const size = measure(turn)
    return size > most ? [{ turn: turn.index, detail: `a prompt of ${size} ${unit}` }] : []
  })
}

/** Each text of the tree once; a prompt's messages where they first stand. */
function findSecrets(trajectory: Trajectory, group: SecretGroup): Finding[] {
  const groups = new Set([group])
  const seen = new Set<string>()
  const counts = new Map<string, { turn: number | null; kind: string; count: number }>()
  function look(text: string | null | undefined, turn: number | null): void {
    if (!text || seen.has(text)) return
    seen.add(text)
    for (const kind of redact(text, groups).found) {
      const key = `${turn} ${kind}`
      const entry = counts.get(key) ?? { turn, kind, count: 0 }
      entry.count += 1
      counts.set(key, entry)
    }
  }
  for (const { depth, turns } of trajectory.invocations) {
    for (const { index, call, cells } of turns) {
      const turn = depth === 0 ? index : null
      for (const { content } of call.messages) look(content, turn)
      look(call.response.text, turn)
      look(call.response.reasoning, turn)
      for (const cell of cells) {
        for (const text of [cell.code, cell.stdout, cell.stderr, cell.error?.message, cell.finalAnswer])
          look(text, turn)
        for (const sub of cell.calls) {
          for (const { content } of sub.messages) look(content, turn)
          look(sub.response.text, turn)
          look(sub.response.reasoning, turn)
        }
      }
    }
  }
  look(trajectory.answer, null)
  return [...counts.values()].map(({ turn, kind, count }) => ({
    turn,
    detail: count === 1 ? `a ${kind}` : `${kind}, ${count} times`,
  }))
}

function createDuplicateCheck(): Check {
  const first = new Map<string, string>()
  return (trajectory, task) => {
    const said = rootTurns(trajectory).map((turn) => responseOf(turn))
    const key = sha256Hex(JSON.stringify([task.hash, trajectory.protocol.hash, said]))
    const earlier = first.get(key)
    if (earlier !== undefined) return [{ turn: null, detail: `the same as ${earlier}` }]
    first.set(key, trajectory.id)
    return []
  }
}

function createNearDuplicateCheck(threshold: number): Check {
  const near = createNearDuplicates(threshold)
  return (trajectory) => {
    const signature = signatureOf(rootTurns(trajectory).flatMap((turn) => responseOf(turn) ?? []))
    const earlier = signature && near.find(trajectory.id, signature)
    return earlier === null ? [] : [{ turn: null, detail: `nearly the same as ${earlier}` }]
  }
}

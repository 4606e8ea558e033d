// An invocation's conversation step by step: what was added before each response, and the response. The
// forms of others differ in how they write these down.
import type { Call, Invocation, Turn } from '../../trajectory.ts'
import { type Message, sameMessage } from '../looks.ts'

export interface ConversationStep {
  turn: Turn
  /** Messages that were not there after the turn before; all of them when history was rewritten. */
  added: Message[]
  rewritten: boolean
}

export function stepsOf(invocation: Invocation): ConversationStep[] {
  const steps: ConversationStep[] = []
  let known: Message[] = []
  for (const turn of invocation.turns) {
    const { messages, response } = turn.call
    const extended = known.every((message, index) => sameMessage(message, messages[index]))
    steps.push({
      turn,
      added: extended ? messages.slice(known.length) : messages,
      rewritten: !extended,
    })
    known = response.text === null ? messages : [...messages, { role: 'assistant', content: response.text }]
  }
  return steps
}

/** What a cell showed, as one text. */
export function outputOf({ stdout, stderr, error, death }: Turn['cells'][number]): string {
  return [
    stdout,
    stderr,
    error ? error.traceback || `${error.type}: ${error.message}` : '',
    death ? `${death.reason}: ${death.detail}` : '',
  ]
    .filter((part) => part !== '')
    .join('\n')
}

export function errorText(error: NonNullable<Call['error']>): string {
  return `${error.boundary}/${error.code}: ${error.message}`
}

/** The object without its members that are null or undefined: validators forbid what they do not know. */
export function present<Members extends Record<string, unknown>>(members: Members): Partial<Members> {
  const kept = Object.entries(members).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(kept) as Partial<Members>
}

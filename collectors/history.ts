// The messages of one invocation. All of them are stored, one after the other; the window is what the next
// prompt holds: all of them, or those since the last compaction.
import type { Message } from '../src/models/model.ts'
import type { Recorder } from './recorder.ts'

/** Where a server counts no tokens, and for what it has not counted yet; as the reference estimates. */
const charactersPerToken = 4

export interface History {
  /** The messages of the next prompt. */
  readonly window: readonly Message[]
  /** Where the window begins and ends among all messages of the invocation. */
  readonly from: number
  readonly to: number
  /** Tokens of the window: as the server counted them, with an estimate for what came since. */
  readonly tokens: number
  /** Appends and stores; messages that an earlier attempt has stored are taken from there. */
  add(messages: Message[]): Promise<void>
  /** Appends a reply that is stored by its call. `counted`: tokens of the prompt and the reply, if known. */
  reply(message: Message, counted: number | null): void
  /** Begins a new window behind all messages so far. */
  restart(): void
}

/** `recorded`: the messages that an earlier attempt has stored. What the history was, it stays. */
export function createHistory(invocationId: string, recorder: Recorder, recorded: Message[]): History {
  let window: Message[] = []
  let from = 0
  let counted = 0
  /** Messages of the window that `counted` covers. */
  let covered = 0
  return {
    get window() {
      return window
    },
    get from() {
      return from
    },
    get to() {
      return from + window.length
    },
    get tokens() {
      const rest = window.slice(covered).reduce((sum, { content }) => sum + content.length, 0)
      return counted + Math.ceil(rest / charactersPerToken)
    },
    async add(messages) {
      const first = from + window.length
      const fresh = messages.filter((_, offset) => first + offset >= recorded.length)
      window.push(...messages.map((message, offset) => recorded[first + offset] ?? message))
      await recorder.append(messageEntries(invocationId, first + messages.length - fresh.length, fresh))
    },
    reply(message, tokens) {
      window.push(message)
      if (tokens === null) return
      counted = tokens
      covered = window.length
    },
    restart() {
      from += window.length
      window = []
      counted = 0
      covered = 0
    },
  }
}

export function messageEntries(invocationId: string, first: number, messages: readonly Message[]) {
  return messages.map((message, offset) => ({
    table: 'messages' as const,
    row: { invocationId, index: first + offset, role: message.role, content: message.content },
  }))
}

// The contract of a protocol: how a model talks. Everything that conditions the model is in here and
// in the hash, which is stored with every run.
import type { Message } from '../../src/models/model.ts'
import type { CellResult, ReplSetup } from '../../src/sandbox.ts'
import type { ContextFacts } from '../../src/tasks/task.ts'

/** An answer given in the text of a response, outside of code. */
export type TextAnswer = { kind: 'text'; text: string } | { kind: 'variable'; name: string }

/** What the REPL holds beside one context: the turn prompts tell of it. */
export interface Held {
  contexts?: number
  histories?: number
}

export interface Protocol {
  readonly id: string
  readonly version: string
  /** SHA-256 (hex) over the prompts and parameters. */
  readonly hash: string
  /** What the REPL offers; null when there is no REPL. */
  readonly setup: ReplSetup | null
  /** Ask for one last answer when the turns are used up. */
  readonly forceAnswer: boolean
  /** The texts that condition the model, stored with the run. */
  readonly texts: Record<string, string>
  /**
   * The messages before the first turn. `prompt` is null for a child, which sees its context only.
   * `contextText` is given when there is no REPL that could hold it.
   */
  opening(prompt: string | null, context: ContextFacts, contextText: string | null): Message[]
  /** The message that asks for turn `index` (from 0); null when the opening already asks. */
  turnPrompt(index: number, maxTurns: number, held?: Held): Message | null
  /** The code of a response, in order. */
  codeBlocks(text: string): string[]
  textAnswer(text: string): TextAnswer | null
  /** The answer that a variable's text is; null when it is none. */
  variableAnswer(value: string): string | null
  /** The reference's order: a limit that a turn reaches goes before the answer that the turn gave. */
  readonly limitBeforeAnswer: boolean
  /** What the model is told of its cells; null when there were none. */
  feedback(cells: CellResult[]): Message | null
  /** The message that asks for the last answer at `maxTurns`. */
  readonly forcedPrompt: Message
  /** Null where histories are never compacted. */
  readonly compaction: Compaction | null
}

/** How a history is replaced by the model's own summary of it. */
export interface Compaction {
  /** Tokens of a history from which on it is compacted. */
  readonly tokens: number
  /** Only the root's histories are, as in the reference. */
  readonly rootOnly: boolean
  /** The message that asks for the summary. */
  readonly ask: Message
  /** The history after the `count`th compaction; `opening` is what the invocation began with. */
  restart(opening: Message[], summary: string, count: number): Message[]
}

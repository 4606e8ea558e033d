// What a session needs of a place where an interpreter runs: a stream of bytes both ways, and a way to
// end it. Everything else (frames, cells, limits) is the same wherever the interpreter is.
import type { Duplex } from 'node:stream'
import type { Death } from '../../src/sandbox.ts'

/** What a cell has printed so far: the head of it, and how many characters in all. */
export interface Printed {
  stdout: { text: string; characters: number }
  stderr: { text: string; characters: number }
}

/** How the runner finds a context: a descriptor it has inherited, or a path in there. */
export type ContextPlace = { descriptor: number } | { path: string }

export interface Transport {
  /** Frames, both ways; what they are is said in runner/wire.py. */
  stream: Duplex
  /** The runner's modules, compiled by this interpreter and marshalled; without, their sources are sent. */
  code?: Buffer
  /** The interpreter's process id as this host sees it; null when it has none here. */
  processId: number | null
  /** The process with which the interpreter is to end; this host's own when left out. */
  parentId?: number
  /** Settles, once, when nothing of it is left. */
  exited: Promise<Death>
  /** `inline`: the host sends them in frames. */
  contexts: readonly ContextPlace[] | 'inline'
  /** The shared memory into which the runner copies output; null: it sends frames. */
  snapshot: { descriptor: number; halfBytes: number; read(): Printed } | null
  /** Null: the interrupt is sent as a frame. */
  interrupt: (() => void) | null
  freeze(): void
  thaw(): void
  kill(): void
  /** Where the interpreter cannot limit itself: ends it when it holds more, counted as `memory`. */
  limitMemory?(bytes: number): void
}

// One level of isolation: how an interpreter is started and what it must do to itself before the first
// cell. One file per level; index.ts lists them from the strongest to the weakest.
import type { Isolation } from '../../src/sandbox.ts'
import type { Identity } from './identity.ts'
import type { Interpreter } from './python.ts'

export interface Launch {
  command: string
  arguments: string[]
  /** The whole environment of `command`. */
  environment: Record<string, string>
  /** The descriptor on which a launcher tells the interpreter's process id, as bubblewrap does; null
   *  when `command` is the interpreter. */
  statusDescriptor: number | null
  /** What `command` reads from further descriptors, to their end. */
  inputs: { descriptor: number; data: Buffer }[]
}

/** What the runner does to itself before the first cell; runner/confine.py reads it. */
export interface ConfinementPlan {
  /** Values by the names of RLIMIT_ constants. */
  limits: Record<string, number>
  /** Where RLIMIT_NPROC counts a whole user: how far above that user's present threads it shall be. */
  tasksAbove?: number
  /** The host's process id, with whose end the interpreter ends; absent where a launcher sees to it. */
  parent?: number
  landlock?: { read: string[]; write: string[] }
  seccompNumber: number
}

export interface Level {
  isolation: Isolation
  /** Why the level cannot work here, as far as can be told without running it; null: try it. */
  obstacle(): Promise<string | null>
  launch(request: {
    interpreter: Interpreter
    pythonArguments: string[]
    /** The first descriptor that is free for the launcher's own use. */
    nextDescriptor: number
  }): Launch
  confinement(request: {
    interpreter: Interpreter
    identity: Identity
    /** The interpreter's, as the host sees it. */
    processId: number
    /** Those common to all levels. */
    limits: Record<string, number>
    threads: number
  }): { plan: ConfinementPlan; filter: Buffer }
}

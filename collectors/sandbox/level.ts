// One level of isolation: how an interpreter is started and what it must do to itself before the first
// cell. One file per level; index.ts lists them from the strongest to the weakest.
import type { ContextFile, Isolation } from '../../src/sandbox.ts'
import type { Identity } from './identity.ts'
import type { Interpreter } from './python.ts'
import type { Transport } from './transport.ts'

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
  /** The process with whose end the interpreter ends; absent where a launcher sees to it. */
  parent?: number
  /** `optional`: where the kernel has it; something else confines files. */
  landlock?: { read: string[]; write: string[]; optional?: boolean }
  seccompNumber: number
}

export interface StartRequest {
  /** Null at a level that brings its own. */
  interpreter: Interpreter | null
  identity: Identity
  contexts: readonly ContextFile[]
  /** Python's arguments, which make it read the runner from the stream. */
  pythonArguments: string[]
}

export interface Level {
  isolation: Isolation
  /** Whether it runs the Python of this machine. */
  hostPython: boolean
  /** Why the level cannot work here, as far as can be told without running it; null: try it. */
  obstacle(): Promise<string | null>
  /** Keeps what all interpreters of a sandbox share; returns how to let go. Throws a SandboxError. */
  hold?(interpreter: Interpreter): Promise<() => void>
  /** Starts an interpreter. Throws a SandboxError. */
  start(request: StartRequest): Promise<Transport>
  confinement(request: {
    interpreter: Interpreter | null
    identity: Identity
    /** The interpreter's, as the host sees it, and that of the process with which it is to end. */
    processId: number | null
    parentId: number
    /** Those common to all levels. */
    limits: Record<string, number>
    threads: number
  }): { plan: ConfinementPlan; filter: Buffer }
}

export function requireInterpreter(interpreter: Interpreter | null): Interpreter {
  if (interpreter === null) throw new Error('this level runs the Python of the host')
  return interpreter
}

// The contract of a sandbox: where model-written Python runs. Host functions are synchronous to the
// Python code and concurrent on the host. A killed or crashed REPL is a recorded result of a cell
// (`death`), never an exception; exceptions (`SandboxError`) mean that no REPL could be started.
import { z } from 'zod'
import type { Json } from './json.ts'

/** From the strongest to the weakest; `remote` is a machine that is not this one. */
export const isolationLevels = [
  ...(['remote', 'gvisor', 'docker', 'namespace'] as const),
  ...(['landlock', 'wasm', 'none'] as const),
] as const
export const isolationSchema = z.enum(isolationLevels)
export type Isolation = z.infer<typeof isolationSchema>

/** A context on the host's disk, opened read-only by every session that uses it. */
export interface ContextFile {
  path: string
  /** `text`: UTF-8, becomes a str. `json`: becomes what `json.loads` gives. */
  format: 'text' | 'json'
  bytes: number
}

export interface SandboxLimits {
  /** Seconds of computing per cell; the clock stands still while the host answers a call. */
  cellSeconds: number
  /** Bytes of address space on top of what the contexts need. */
  memoryBytes: number
  /** Characters of stdout kept per cell; the rest is only counted. Likewise stderr. */
  outputCharacters: number
  /** Host calls open at once, and in total per cell. */
  openCalls: number
  callsPerCell: number
  /** In the life of a session; default 1,000,000. */
  callsPerSession?: number
  /** Seconds per cell in all, the host's answers included; default 3,600. */
  wallSeconds?: number
}

/** What a cell ran into. Each has its own words in the cell's error, too. */
export const sandboxLimits = [
  ...(['compute_time', 'wall_time', 'memory', 'output', 'open_files', 'threads'] as const),
  ...(['calls_open', 'calls_cell', 'calls_session', 'frame_size'] as const),
] as const
export type SandboxLimit = (typeof sandboxLimits)[number]

/** A tool in the REPL, restored before each cell: what a Python source defines under `name`, or JSON data. */
export type ReplTool = { name: string; source: string } | { name: string; value: Json }

/** What the REPL offers beside Python; a protocol describes it, the sandbox installs it. */
export interface ReplSetup {
  /** Functions that call the host, by their Python names. */
  functions: ('llm_query' | 'llm_query_batched' | 'rlm_query' | 'rlm_query_batched')[]
  /** `dict`: the `answer` dictionary; `final`: `FINAL_VAR(name)`; `none`: neither. */
  answer: 'dict' | 'final' | 'none'
  /** Install `SHOW_VARS()`. */
  showVars: boolean
  /** Builtins set to None, as the reference does with eval, exec, compile, input, globals, locals. */
  withoutBuiltins: string[]
  /** Reproduce the reference's namespace semantics to the letter, quirks included. */
  strict: boolean
  tools?: ReplTool[]
  /** Earlier conversations, lists of messages: `history_0`, `history_1`, …; `history` is the first. */
  histories?: Json[]
  /** `history` is a list that grows with `SandboxSession.remember`; excludes `histories`. */
  growingHistory?: boolean
}

export interface SessionOptions {
  /** Seeds Python's `random`; 0 when left out. */
  seed?: number
  contexts: ContextFile[]
  setup: ReplSetup
  limits: SandboxLimits
}

/** One call of a host function by a cell. Arguments are hostile: check before use. */
export interface HostCall {
  /** Counts from 0 within the cell, in the order in which the host received them. */
  order: number
  name: string
  args: Json[]
}

/** Answers a host call. A thrown error reaches Python as a RuntimeError with its message. */
export type HostFunction = (call: HostCall, signal: AbortSignal) => Promise<Json>

export interface CellError {
  /** Python's exception class, or `Killed`. */
  type: string
  message: string
  traceback: string
}

/** Why a REPL is gone. `timeout` (computing), `wall_time` and `protocol` are the host's doing. */
export interface Death {
  reason: 'timeout' | 'wall_time' | 'memory' | 'exit' | 'signal' | 'protocol' | 'cancelled'
  detail: string
}

export interface Variable {
  name: string
  type: string
  /** An instance of str, int, float, bool, list, dict or tuple: what the reference's feedback lists. */
  basic: boolean
}

export interface CellResult {
  stdout: string
  stderr: string
  /** Characters printed; larger than the text's length when output was cut. */
  stdoutCharacters: number
  stderrCharacters: number
  error: CellError | null
  durationMs: number
  /** Without the time spent waiting for the host. */
  computeMs: number
  /** The namespace after the cell, in insertion order, names with a leading underscore left out. */
  variables: Variable[]
  /** Set when the cell declared its answer (`answer["ready"] = True`). */
  finalAnswer: string | null
  /** The limits that the cell reached, also when it went on. */
  limits?: SandboxLimit[]
  /** Set when the REPL died; a fresh one with the contexts loaded has taken its place. */
  death: Death | null
}

export interface SandboxSession {
  readonly isolation: Isolation
  execute(code: string, options: { onCall: HostFunction; signal?: AbortSignal }): Promise<CellResult>
  /**
   * The value of a variable as `str()` gives it, or null when there is none. With `key`, what the dict
   * of that name holds under it; null also when that is None.
   */
  variable(name: string, key?: string): Promise<string | null>
  /** Appends to the REPL's `history`, for its next cells to see; a REPL that takes a dead one's place has it too. */
  remember(entry: Json): void
  close(): Promise<void>
}

export interface Sandbox {
  readonly isolation: Isolation
  open(options: SessionOptions): Promise<SandboxSession>
  /** Ends every session and every process; safe to call twice. */
  close(): Promise<void>
}

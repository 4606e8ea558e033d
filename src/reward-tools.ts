// What a reward may use beside the trajectory. Rewards know these interfaces only; api/ stands models and
// the sandbox behind them, so that a reward runs in tests with neither.
import type { Json } from './json.ts'
import type { Embeddings } from './models/embeddings.ts'
import type { Message, Sampling, Usage } from './models/model.ts'
import type { ModelConfig } from './run-file.ts'

/** One request to a judge, as it is recorded in the details of the score that it led to. */
export interface JudgeCall {
  model: string
  messages: Message[]
  sampling: Sampling
  text: string
  usage: Usage | null
  costUsd: number | null
  latencyMs: number
  attempts: number
  /** Answered from the cache: nothing was paid. */
  cached: boolean
}

export interface Judge {
  readonly name: string
  /**
   * `seed` tells the votes on one answer apart; equal questions with equal seeds come from the cache.
   * Errors raised: ModelError.
   */
  ask(messages: Message[], sampling: Sampling, seed: number): Promise<JudgeCall>
}

export interface PythonCheck {
  /** Python that defines `check(answer, gold, task)`. */
  code: string
  answer: string
  gold: Json
  task: { id: string; prompt: string; metadata: Record<string, Json> }
  seconds: number
}

export interface PythonRunner {
  /** What `check` returned, as JSON, and what it printed. Errors raised: DescentError when it raised or died. */
  check(request: PythonCheck): Promise<{ value: Json; stdout: string }>
}

export interface RewardTools {
  judge?: (config: ModelConfig) => Judge
  python?: PythonRunner
  /** Errors raised: ModelError. */
  embed?: (config: ModelConfig, texts: string[]) => Promise<Embeddings>
  signal?: AbortSignal
}

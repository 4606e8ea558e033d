// What differs between kinds of servers: how a request reaches them. Everything else (turns, retries,
// time limits, reading the answer, prices, the cache) is the same for all and lies in served.ts.
import type { ModelConfig } from '../run-file.ts'
import type { ModelRequest } from './model.ts'
import type { HttpAnswer } from './patient-fetch.ts'
import { tokenFields, tokenStyle } from './engine-tokens.ts'

export interface Adapter {
  readonly provider: string
  /** The server's address, without anything secret; requests to equal addresses share a scheduler. */
  readonly endpoint: string
  /** The key, empty when there is none; it is taken out of everything that the server says. */
  readonly key: string
  /**
   * Sends one request and gives the answer as soon as its headers are there, whatever its status.
   * Errors raised: what the connection throws.
   */
  send(body: Record<string, unknown>, signal: AbortSignal): Promise<HttpAnswer>
  /** Errors raised: ModelError. */
  check(signal: AbortSignal): Promise<void>
}

export function requestBody(config: ModelConfig, request: ModelRequest): Record<string, unknown> {
  const { sampling } = request
  const style = request.wantTokens ? tokenStyle(config.tokens) : null
  const body: Record<string, unknown> = {
    model: config.name,
    messages: request.messages,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    max_tokens: sampling.maxTokens,
    stop: sampling.stop,
    seed: sampling.seed,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    ...(style ? tokenFields[style] : {}),
    ...sampling.extra,
    ...(config.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
}

/** Takes the key out of a text. A key too short to be one is left: it would tear words apart. */
export function redactor(key: string): (text: string) => string {
  return key.length < 6 ? (text) => text : (text) => text.replaceAll(key, '[key]')
}

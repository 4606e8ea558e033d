// A scripted reply as a model response. Usage is an estimate: four characters to a token, rounded up;
// nothing is paid, so the cost is null and its source `none`.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Model, ModelRequest, ModelResponse } from '../model.ts'

export interface ScriptedOptions {
  /** Milliseconds that every reply takes; 0 by default. */
  latencyMs?: number
}

const charactersPerToken = 4

function tokens(characters: number): number {
  return Math.ceil(characters / charactersPerToken)
}

/** A model whose replies are computed by `reply`, which must depend on the request alone. */
export function scriptedModel(
  name: string,
  reply: (request: ModelRequest) => string,
  options: ScriptedOptions = {},
): Model {
  return {
    name,
    provider: 'scripted',
    scripted: true,
    async complete(request, signal) {
      signal.throwIfAborted()
      if (options.latencyMs) await waitFor(options.latencyMs, signal)
      return response(name, reply(request), request)
    },
    check: async (signal) => signal.throwIfAborted(),
  }
}

async function waitFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
}

function response(name: string, whole: string, { messages, sampling }: ModelRequest): ModelResponse {
  const limit = (sampling.maxTokens ?? Number.POSITIVE_INFINITY) * charactersPerToken
  const text = whole.length > limit ? whole.slice(0, limit) : whole
  return {
    text,
    reasoning: null,
    finishReason: text === whole ? 'stop' : 'length',
    usage: {
      inputTokens: tokens(messages.reduce((sum, { content }) => sum + content.length, 0)),
      outputTokens: tokens(text.length),
      cachedTokens: 0,
      reasoningTokens: 0,
    },
    costUsd: null,
    costSource: 'none',
    tokens: null,
    requestId: null,
    model: name,
    attempts: 1,
    raw: {},
  }
}

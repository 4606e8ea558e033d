// Dollars of a call: the provider's own figure, else the prices of the run file (per million tokens).
import type { ModelConfig } from '../run-file.ts'
import type { ModelResponse, Usage } from './model.ts'

export function costOf(
  response: { usage: Usage | null; costUsd: number | null; costSource: 'provider' | 'none' },
  prices: ModelConfig['prices'],
): Pick<ModelResponse, 'costUsd' | 'costSource'> {
  if (response.costUsd !== null) return { costUsd: response.costUsd, costSource: response.costSource }
  if (!prices || prices === 'provider' || !response.usage) return { costUsd: null, costSource: 'none' }
  const { inputTokens, outputTokens, cachedTokens } = response.usage
  const fresh = inputTokens - cachedTokens
  const dollars =
    (fresh * prices.input + cachedTokens * (prices.cached ?? prices.input) + outputTokens * prices.output) /
    1e6
  return { costUsd: dollars, costSource: 'prices' }
}

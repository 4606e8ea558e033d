// Models by provider: an explicit list.
import type { ModelConfig } from '../run-file.ts'
import type { Adapter } from './adapter.ts'
import { createHuggingFaceAdapter } from './huggingface.ts'
import type { Model } from './model.ts'
import { createOpenAIAdapter } from './openai.ts'
import { createScriptedModel } from './scripted/index.ts'
import { createServedModel, type ModelServices } from './served.ts'

export type { Message, Model, ModelRequest, ModelResponse, Sampling, TokenData, Usage } from './model.ts'
export { createDirectoryCache, type ResponseCache } from './cache.ts'
export { createScriptedModel, createTableModel } from './scripted/index.ts'
export { endpointStatistics, type EndpointStatistics } from './scheduler.ts'

const adapters: Record<Exclude<ModelConfig['provider'], 'scripted'>, (config: ModelConfig) => Adapter> = {
  openai: createOpenAIAdapter,
  huggingface: createHuggingFaceAdapter,
}

/** Errors raised: UsageError when a key is missing, a scripted policy is unknown, settings contradict. */
export function createModel(config: ModelConfig, services: ModelServices = {}): Model {
  if (config.provider === 'scripted') return createScriptedModel(config.name)
  return createServedModel(config, adapters[config.provider](config), services)
}

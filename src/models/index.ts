// Models by provider: an explicit list.
import type { ModelConfig } from '../run-file.ts'
import { createHuggingFaceModel } from './huggingface.ts'
import type { Model } from './model.ts'
import { createOpenAIModel } from './openai.ts'
import { createScriptedModel } from './scripted/index.ts'

export type { Message, Model, ModelRequest, ModelResponse, Sampling, TokenData, Usage } from './model.ts'
export { createScriptedModel, createTableModel } from './scripted/index.ts'

const providers: Record<ModelConfig['provider'], (config: ModelConfig) => Model> = {
  openai: createOpenAIModel,
  huggingface: createHuggingFaceModel,
  scripted: (config) => createScriptedModel(config.name),
}

/** Errors raised: UsageError when a key is missing or a scripted policy is unknown. */
export function createModel(config: ModelConfig): Model {
  return providers[config.provider](config)
}

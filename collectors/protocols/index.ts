// The built-in protocols. All but `direct` share the reference's message layout: system, metadata,
// a turn prompt, then assistant / output / turn prompt for ever, so that a rollout is one growing
// prefix (alexzhang13/rlm since de762b9, rlm/utils/prompts.py).
import { hashOf } from '../../src/hash.ts'
import type { Message } from '../../src/models/model.ts'
import type { ProtocolConfig } from '../../src/run-file.ts'
import type { ReplSetup } from '../../src/sandbox.ts'
import { findCodeBlocks } from './fences.ts'
import { feedbackLimit, formatFeedback } from './feedback.ts'
import { findTextAnswer } from './final-text.ts'
import { systemPrompts } from './prompts.ts'
import type { Protocol } from './protocol.ts'

export type { Protocol } from './protocol.ts'

/** Raised whenever a protocol's code changes what a model sees or how its text is read. */
const version = '1'

const withoutBuiltins = ['eval', 'exec', 'compile', 'input', 'globals', 'locals']

// These short texts are the reference's interface and must equal it byte for byte.
const lookFirst =
  'You have not interacted with the REPL environment or seen your prompt / context yet. ' +
  'Look at the context first; do not provide a final answer yet.\n\n'
const forcedText = "Please provide a final answer to the user's question based on the information provided."

export interface ProtocolOptions extends ProtocolConfig {
  /** The user's own system prompt, in place of the built-in one. */
  systemPrompt?: string
}

export function createProtocol(options: ProtocolOptions): Protocol {
  const system = options.systemPrompt ?? systemPrompts[options.id]
  return options.id === 'direct' ? directProtocol(system) : replProtocol(options.id, system, options)
}

function replProtocol(id: 'rlm' | 'rlm-final' | 'repl', system: string, options: ProtocolOptions): Protocol {
  const strict = options.strict ?? false
  const forceAnswer = options.forceAnswer ?? true
  const setup: ReplSetup = {
    functions: id === 'repl' ? [] : ['llm_query', 'llm_query_batched', 'rlm_query', 'rlm_query_batched'],
    answer: id === 'rlm-final' ? 'final' : 'dict',
    showVars: id !== 'repl',
    withoutBuiltins,
    strict,
  }
  const texts = { system, lookFirst, forced: forcedText }
  return {
    id,
    version,
    hash: hashOf({ id, version, texts, setup, forceAnswer, feedbackLimit }),
    setup,
    forceAnswer,
    texts,
    opening(prompt, context) {
      const facts =
        `Your context is a ${context.type} of ${context.characters} total characters. ` +
        'Each sub-LLM call can handle roughly ~100k tokens at once.'
      return [
        { role: 'system', content: system },
        { role: 'user', content: prompt ? `Answer the following: ${prompt}\n\n${facts}` : facts },
      ]
    },
    turnPrompt: (index, maxTurns) => ({
      role: 'user',
      content: `${index === 0 ? lookFirst : ''}Turn ${index + 1}/${maxTurns}:`,
    }),
    codeBlocks: (text) => findCodeBlocks(text, strict),
    textAnswer: (text) => (id === 'rlm-final' ? findTextAnswer(text, strict) : null),
    feedback: formatFeedback,
    forcedPrompt: { role: 'assistant', content: forcedText },
  }
}

/** The baseline: one request that holds the whole context, and its reply is the answer. */
function directProtocol(system: string): Protocol {
  const forcedPrompt: Message = { role: 'user', content: forcedText }
  return {
    id: 'direct',
    version,
    hash: hashOf({ id: 'direct', version, texts: { system } }),
    setup: null,
    forceAnswer: false,
    texts: { system },
    opening: (prompt, _context, contextText) => [
      { role: 'system', content: system },
      { role: 'user', content: [contextText, prompt].filter((part) => part !== null).join('\n\n') },
    ],
    turnPrompt: () => null,
    codeBlocks: () => [],
    textAnswer: (text) => ({ kind: 'text', text: text.trim() }),
    feedback: () => null,
    forcedPrompt,
  }
}

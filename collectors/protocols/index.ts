// The built-in protocols. All but `direct` share the reference's message layout: system, metadata,
// a turn prompt, then assistant / output / turn prompt for ever, so that a rollout is one growing
// prefix (alexzhang13/rlm since de762b9, rlm/utils/prompts.py).
import { z } from 'zod'
import { hashOf } from '../../src/hash.ts'
import type { Json } from '../../src/json.ts'
import { messageSchema, type Message } from '../../src/models/model.ts'
import { UsageError } from '../../src/errors.ts'
import type { ProtocolConfig } from '../../src/run-file.ts'
import type { ReplSetup } from '../../src/sandbox.ts'
import { compactionTexts, createCompaction } from './compaction.ts'
import { findCodeBlocks } from './fences.ts'
import { feedbackLimit, formatFeedback } from './feedback.ts'
import { findTextAnswer, strictVariableText } from './final-text.ts'
import { systemPrompt, toolsSection } from './prompts.ts'
import type { Held, Protocol } from './protocol.ts'
import { checkToolNames, toReplTool, type Tool } from './tools.ts'

export type { Compaction, Protocol } from './protocol.ts'
export type { Tool } from './tools.ts'

/** Raised whenever a protocol's code changes what a model sees or how its text is read. */
const version = '2'

const withoutBuiltins = ['eval', 'exec', 'compile', 'input', 'globals', 'locals']

// These short texts are the reference's interface and must equal it byte for byte.
const lookFirst =
  'You have not interacted with the REPL environment or seen your prompt / context yet. ' +
  'Look at the context first; do not provide a final answer yet.\n\n'
const forcedText = "Please provide a final answer to the user's question based on the information provided."

export interface ProtocolOptions extends ProtocolConfig {
  /** The user's own system prompt, in place of the built-in one. */
  systemPrompt?: string
  tools?: readonly Tool[]
  /** The texts that a stored run used: taken as they are, whatever the options would make. */
  texts?: Record<string, string>
}

/** Errors raised: UsageError for options that exclude each other, and for tools that cannot be. */
export function createProtocol(options: ProtocolOptions): Protocol {
  const { id, variant, tools = [] } = options
  if (variant !== undefined && (options.systemPrompt !== undefined || id === 'repl' || id === 'direct')) {
    throw new UsageError(
      `protocol.variant: ${variant} changes the built-in prompts of rlm and rlm-final, not ${options.systemPrompt === undefined ? id : 'a prompt of your own'}; leave it out (systemPromptAddition adds to any prompt)`,
    )
  }
  if (id === 'direct' && tools.length > 0)
    throw new UsageError('tools: the protocol direct (and maxDepth: 0) has no REPL to hold them')
  if (id === 'direct' && options.compaction)
    throw new UsageError('protocol.compaction: the protocol direct has no history to compact; leave it out')
  checkToolNames(tools)
  const addition = options.systemPromptAddition
  const system =
    options.texts?.['system'] ??
    `${options.systemPrompt ?? systemPrompt(id, variant ?? 'default')}${toolsSection(tools)}${addition === undefined ? '' : `\n\n${addition}`}`
  return id === 'direct' ? directProtocol(system, options) : replProtocol(id, system, options)
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
    tools: (options.tools ?? []).map(toReplTool),
    ...(options.compaction && { growingHistory: true }),
  }
  const prologue = prologueOf(options)
  const { compaction } = options
  const texts = {
    system,
    lookFirst,
    forced: forcedText,
    ...prologue.texts,
    ...(compaction && compactionTexts),
  }
  const parameters = {
    setup: setup as unknown as Json,
    forceAnswer,
    feedbackLimit,
    ...(compaction && { compaction }),
  }
  return {
    id,
    version,
    hash: hashOf({ id, version, texts, ...parameters }),
    setup,
    forceAnswer,
    limitBeforeAnswer: strict,
    texts,
    opening(prompt, context) {
      const facts =
        `Your context is a ${context.type} of ${context.characters} total characters. ` +
        'Each sub-LLM call can handle roughly ~100k tokens at once.'
      return [
        { role: 'system', content: system },
        { role: 'user', content: prompt ? `Answer the following: ${prompt}\n\n${facts}` : facts },
        ...prologue.messages,
      ]
    },
    turnPrompt: (index, maxTurns, held = {}) => ({
      role: 'user',
      content: `${index === 0 ? lookFirst : ''}Turn ${index + 1}/${maxTurns}:${heldNotes(held)}`,
    }),
    codeBlocks: (text) => findCodeBlocks(text, strict),
    textAnswer: (text) => (id === 'rlm-final' ? findTextAnswer(text, strict) : null),
    variableAnswer: (value) => (strict ? strictVariableText(value) : value),
    feedback: formatFeedback,
    forcedPrompt: { role: 'assistant', content: forcedText },
    compaction: compaction ? createCompaction(compaction, strict) : null,
  }
}

/** Byte for byte the reference's notes (rlm/utils/prompts.py: build_user_prompt). */
function heldNotes({ contexts = 1, histories = 0 }: Held): string {
  let notes = ''
  if (contexts > 1)
    notes += `\n\nNote: You have ${contexts} contexts available (context_0 through context_${contexts - 1}).`
  if (histories === 1)
    notes += '\n\nNote: You have 1 prior conversation history available in the `history` variable.'
  if (histories > 1)
    notes += `\n\nNote: You have ${histories} prior conversation histories available (history_0 through history_${histories - 1}).`
  return notes
}

function prologueOf(options: ProtocolOptions): { texts: { prologue?: string }; messages: Message[] } {
  const prologue = options.texts ? options.texts['prologue'] : options.userPrologue
  if (prologue === undefined) return { texts: {}, messages: [] }
  return { texts: { prologue }, messages: [{ role: 'user', content: prologue }] }
}

/**
 * The baseline: one request that holds the whole context, and its reply is the answer. Strict, it is what
 * the reference does without depth: the context is the request, and nothing else is said.
 */
function directProtocol(system: string, options: ProtocolOptions): Protocol {
  const strict = options.strict ?? false
  const forcedPrompt: Message = { role: 'user', content: forcedText }
  const prologue = prologueOf(options)
  const texts = { system, ...prologue.texts }
  return {
    id: 'direct',
    version,
    hash: hashOf({ id: 'direct', version, texts, strict }),
    setup: null,
    forceAnswer: false,
    limitBeforeAnswer: false,
    texts,
    opening(prompt, context, contextText) {
      if (strict) return plainCall(context.type, contextText ?? '')
      return [
        { role: 'system', content: system },
        ...prologue.messages,
        { role: 'user', content: [contextText, prompt].filter((part) => part !== null).join('\n\n') },
      ]
    },
    turnPrompt: () => null,
    codeBlocks: () => [],
    textAnswer: (text) => ({ kind: 'text', text: strict ? text : text.trim() }),
    variableAnswer: (value) => value,
    feedback: () => null,
    forcedPrompt,
    compaction: null,
  }
}

const messagesSchema = z.array(z.strictObject({ role: messageSchema.shape.role, content: z.string() })).min(1)

/** A text is one message of the user; a list of messages is sent as it is. */
function plainCall(type: string, contextText: string): Message[] {
  const messages = type === 'list' ? messagesSchema.safeParse(JSON.parse(contextText)) : null
  return messages?.success ? messages.data : [{ role: 'user', content: contextText }]
}

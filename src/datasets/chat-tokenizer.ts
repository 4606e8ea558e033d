// A tokenizer and its chat template from a local directory, as models keep them on the Hugging Face Hub:
// tokenizer.json, tokenizer_config.json and, in newer ones, chat_template.jinja. Nothing is downloaded.
import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { UsageError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'

export interface ChatMessage {
  role: string
  content: string
}

export interface ChatTokenizer {
  /** The directory's name: no path of this machine goes into a dataset. */
  name: string
  /** Of the files that decide ids and template. */
  hash: string
  /** What ends an assistant's message; null when the tokenizer names none. */
  endOfText: string | null
  /** Ids of the text alone: nothing is added before or after. */
  encode(text: string): Int32Array
  decode(ids: Iterable<number>): string
  /** The conversation as the model reads it; `generate` adds what opens the assistant's next message. */
  render(messages: ChatMessage[], generate: boolean): string
}

type Files = Record<'tokenizer.json' | 'tokenizer_config.json' | 'chat_template.jinja', string | null>

/** Errors raised: UsageError when a file is missing or cannot be used. */
export async function loadChatTokenizer(directory: string): Promise<ChatTokenizer> {
  const place = resolve(directory)
  const found = await stat(place).catch(() => null)
  if (!found?.isDirectory()) {
    throw new UsageError(
      `tokenizer: ${directory} is not a directory. Name one that holds tokenizer.json and tokenizer_config.json; ` +
        'nothing is downloaded.',
    )
  }
  const read = (name: string) => readFile(join(place, name), 'utf8').catch(() => null)
  const files: Files = {
    'tokenizer.json': await read('tokenizer.json'),
    'tokenizer_config.json': await read('tokenizer_config.json'),
    'chat_template.jinja': await read('chat_template.jinja'),
  }
  const core = parseFile(files, 'tokenizer.json', directory)
  const config = parseFile(files, 'tokenizer_config.json', directory)
  const source = files['chat_template.jinja'] ?? templateIn(config)
  if (source === null) {
    throw new UsageError(
      `tokenizer: ${directory} has no chat template: neither chat_template.jinja nor chat_template in tokenizer_config.json.`,
    )
  }
  const tokenizer = attempt(directory, 'tokenizer.json', () => new Tokenizer(core, config))
  const template = attempt(directory, 'the chat template', () => new Template(source))
  const special = {
    bos_token: tokenText(config['bos_token']),
    eos_token: tokenText(config['eos_token']),
    pad_token: tokenText(config['pad_token']),
    unk_token: tokenText(config['unk_token']),
  }
  return {
    name: basename(place),
    hash: sha256Hex(Object.values(files).join('\0')),
    endOfText: special.eos_token,
    encode: (text) => Int32Array.from(tokenizer.encode(text, { add_special_tokens: false }).ids),
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: false }),
    render(messages, generate) {
      const values = { messages, add_generation_prompt: generate, ...special }
      return attempt(directory, 'the chat template', () => template.render(values))
    },
  }
}

function parseFile(files: Files, name: keyof Files, directory: string): Record<string, unknown> {
  const text = files[name]
  if (text === null) {
    throw new UsageError(
      `tokenizer: ${directory} has no ${name}. It needs tokenizer.json and tokenizer_config.json.`,
    )
  }
  return attempt(directory, name, () => JSON.parse(text) as Record<string, unknown>)
}

/** `chat_template` is a text, or a list of named ones of which `default` is meant. */
function templateIn(config: Record<string, unknown>): string | null {
  const given = config['chat_template']
  if (typeof given === 'string') return given
  if (!Array.isArray(given)) return null
  const named = given as { name?: unknown; template?: unknown }[]
  const chosen = named.find(({ name }) => name === 'default')?.template
  return typeof chosen === 'string' ? chosen : null
}

function tokenText(given: unknown): string | null {
  const text = typeof given === 'object' && given !== null ? (given as { content?: unknown }).content : given
  return typeof text === 'string' ? text : null
}

function attempt<Result>(directory: string, what: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`tokenizer: ${what} of ${directory} cannot be used: ${reason}`, { cause: error })
  }
}

// A small tokenizer in the form of the Hub, made here: byte-level BPE with some merges, special tokens and
// a ChatML template. Every text has ids, and real libraries load it.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export const endOfText = '<|im_end|>'

const chatMl =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

/** As GPT-2 maps bytes to printable characters. */
function byteCharacters(): string[] {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte < 173) || byte > 173
    const code = printable ? byte : next
    if (!printable) next += 1
    return String.fromCodePoint(code)
  })
}

/** Writes the files into `directory`. `template` replaces the plain ChatML one. */
export async function writeTokenizer(directory: string, template = chatMl): Promise<void> {
  const special = ['<|pad|>', '<|im_start|>', endOfText]
  const merges = ['t h', 'th e', 'Ġ th', 'i n', 'e r', 'a n', 'Ġ a', 'r e', '` `', '`` `']
  const words = [...special, ...byteCharacters(), ...merges.map((merge) => merge.replace(' ', ''))]
  const vocabulary = Object.fromEntries([...new Set(words)].map((word, id) => [word, id]))
  const core = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: vocabulary,
      merges,
    },
  }
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: endOfText,
    pad_token: '<|pad|>',
    model_max_length: 1_000_000,
    clean_up_tokenization_spaces: false,
    chat_template: template,
  }
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'tokenizer.json'), JSON.stringify(core))
  await writeFile(join(directory, 'tokenizer_config.json'), JSON.stringify(config))
}

/** A template that forgets the thoughts of all assistant messages but the last, as those of thinking models. */
export const forgetful =
  "{% for message in messages %}{% set content = message['content'] %}" +
  "{% if message['role'] == 'assistant' and not loop.last %}{% set content = content.split('</think>')[-1] %}{% endif %}" +
  "{{ '<|im_start|>' + message['role'] + '\n' + content + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

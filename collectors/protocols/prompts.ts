// The system prompts: our own texts, each describing one protocol's REPL and its way to answer, in one
// variant for each family of models that reads it differently.
import type { ProtocolId, PromptVariant } from '../../src/run-file.ts'
import type { Tool } from './tools.ts'

const workspace = `You solve a question about a text that is too long to read at once. The text is not in this conversation: it is the variable \`context\` of a Python REPL that keeps its state from turn to turn.

To run Python, write a fenced block whose language is \`repl\`:

\`\`\`repl
print(type(context), len(context))
print(context[:1000])
\`\`\`

You then get what the code printed. Only printed text comes back (the value of a last expression is not shown), and of each block's output only the first 20,000 characters, so print what you need and no more. The standard library of Python is there; files and the network are not.`

function subCalls(variant: PromptVariant): string {
  return `From inside the code you can ask a language model:
- \`llm_query(prompt)\` sends one prompt and returns the reply as a string. That model sees nothing but the prompt: put into it the text to read, the question, and the exact form of the reply.
- \`llm_query_batched(prompts)\` sends a list of prompts at the same time and returns the replies in the same order.
- \`rlm_query(prompt)\` and \`rlm_query_batched(prompts)\` do the same with a model that has a REPL of its own, where that is allowed; otherwise they equal the two above.
- \`SHOW_VARS()\` returns the names and types of your variables.
A failed call returns a string that begins with "Error:". ${callSizes[variant]} What plain code can decide (searching, counting, sorting, parsing), decide by code.`
}

const callSizes: Record<PromptVariant, string> = {
  default:
    'One prompt may hold about 300,000 characters. Prefer few large prompts in one batch over many small ones: at most some 20 prompts a batch.',
  coder:
    'One prompt may hold about 200,000 characters. Mind how many calls your code makes: a loop that asks a model once for each line or record soon makes thousands of calls, each of which costs time and money. Join as many items as fit into one prompt, ask for one line of reply per item, and parse the reply; before a batch, print how many prompts it has. At most some 20 prompts a batch; work that seems to need more than 100 calls in all is to be narrowed down by code first.',
  'small-window':
    'These models have a small window: keep every prompt, with the question in it, below about 24,000 characters, also where a later message speaks of more. Cut longer texts into pieces that overlap by a few hundred characters, ask the same about each piece in batches of some 20 prompts, and combine the replies by code. Your own window is small as well: print at most some 2,000 characters at a time.',
}

const workingOrder = `Work in this order:
1. Look first: the type and size of the context, its beginning, how it is divided.
2. Say in a sentence or two what you will do, then write one block of code per turn.
3. Keep intermediate results in variables. Check a result in a second way before you trust it.
4. Print the answer you intend to give, look at it, and only then give it. Do not answer in the first turn.
If turns run short, give the best answer that the evidence allows.`

const answerByDictionary = `To answer, set the dictionary \`answer\` in a repl block:

\`\`\`repl
answer["content"] = result
answer["ready"] = True
\`\`\`

Setting \`ready\` ends the work; until then \`answer["content"]\` is only a draft. Text outside of code is never taken as the answer.`

const answerByTag = `To answer, write one of these on a line of its own, outside of any code block:
- FINAL(your answer here) gives the text between the parentheses.
- FINAL_VAR(variable_name) gives the value of a variable of the REPL; assign it in an earlier turn.
Do not write these tags before you are done: the first one ends the work.`

function assemble(...parts: string[]): string {
  return parts.join('\n\n')
}

/** The built-in system prompt of a protocol. */
export function systemPrompt(id: ProtocolId, variant: PromptVariant): string {
  const prompts: Record<ProtocolId, string> = {
    rlm: assemble(workspace, subCalls(variant), answerByDictionary, workingOrder),
    'rlm-final': assemble(workspace, subCalls(variant), answerByTag, workingOrder),
    repl: assemble(workspace, answerByDictionary, workingOrder),
    direct:
      'Answer the question from the text that you are given. Reply with the answer alone, in the form that the question asks for.',
  }
  return prompts[id]
}

/** The section that tells of the tools; empty when there are none. */
export function toolsSection(tools: readonly Tool[]): string {
  if (tools.length === 0) return ''
  const lines = tools.map((tool) => `- \`${tool.name}\`: ${tool.description}`)
  return `\n\nThe REPL also holds these names, made for this work:\n${lines.join('\n')}`
}

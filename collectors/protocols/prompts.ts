// The system prompts: our own texts, each describing one protocol's REPL and its way to answer.

const workspace = `You solve a question about a text that is too long to read at once. The text is not in this conversation: it is the variable \`context\` of a Python REPL that keeps its state from turn to turn.

To run Python, write a fenced block whose language is \`repl\`:

\`\`\`repl
print(type(context), len(context))
print(context[:1000])
\`\`\`

You then get what the code printed. Only printed text comes back (the value of a last expression is not shown), and of each block's output only the first 20,000 characters, so print what you need and no more. The standard library of Python is there; files and the network are not.`

const subCalls = `From inside the code you can ask a language model:
- \`llm_query(prompt)\` sends one prompt and returns the reply as a string. That model sees nothing but the prompt: put into it the text to read, the question, and the exact form of the reply.
- \`llm_query_batched(prompts)\` sends a list of prompts at the same time and returns the replies in the same order.
- \`rlm_query(prompt)\` and \`rlm_query_batched(prompts)\` do the same with a model that has a REPL of its own, where that is allowed; otherwise they equal the two above.
- \`SHOW_VARS()\` returns the names and types of your variables.
A failed call returns a string that begins with "Error:". One prompt may hold about 300,000 characters. Prefer few large prompts in one batch over many small ones: at most some 20 prompts a batch. What plain code can decide (searching, counting, sorting, parsing), decide by code.`

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

export const systemPrompts = {
  rlm: assemble(workspace, subCalls, answerByDictionary, workingOrder),
  'rlm-final': assemble(workspace, subCalls, answerByTag, workingOrder),
  repl: assemble(workspace, answerByDictionary, workingOrder),
  direct:
    'Answer the question from the text that you are given. Reply with the answer alone, in the form that the question asks for.',
} as const

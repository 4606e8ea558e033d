// A tiny loop for tests of policies: runs a rollout's cells in a real Python process that holds one
// namespace, and answers `llm_query` through a model. Not a sandbox: the cells are our own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Message, Model } from '../../src/models/model.ts'
import { contextFacts } from '../../src/tasks/context.ts'
import type { Task } from '../../src/tasks/task.ts'

const pythonPath = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

const program = `
import contextlib, io, json, sys
out, wire = sys.stdout, sys.stdin
def send(message):
    out.write(json.dumps(message) + "\\n")
    out.flush()
def ask(prompts):
    send({"prompts": prompts})
    return json.loads(wire.readline())
class Answer(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if key == "ready" and value:
            state["final"] = str(self["content"])
state = {"final": None}
def fresh():
    return {"context": json.load(open(sys.argv[1])), "answer": Answer(content="", ready=False),
        "llm_query": lambda prompt: ask([prompt])[0], "llm_query_batched": lambda prompts: ask(list(prompts))}
names = fresh()
for line in wire:
    job = json.loads(line)
    state["final"] = None
    text = io.StringIO()
    error = None
    value = None
    with contextlib.redirect_stdout(text):
        try:
            if "variable" in job:
                value = str(names[job["variable"]]) if job["variable"] in names else None
            else:
                exec(job["code"], names)
        except BaseException as raised:
            error = type(raised).__name__ + ": " + str(raised)
            if isinstance(raised, SystemExit):
                names = fresh()
    send({"stdout": text.getvalue(), "error": error, "final": state["final"], "value": value})
`

export interface Played {
  answer: string | null
  turns: number
  messages: Message[]
  errors: string[]
  subCalls: number
  blocks: number[]
}

interface CellReply {
  stdout: string
  error: string | null
  final: string | null
  value: string | null
}

export const dictSystem = 'You have a REPL with llm_query. Set answer["content"] and answer["ready"].'
export const finalSystem = 'You have a REPL with llm_query. End with FINAL(text) or FINAL_VAR(name).'

/** Plays one rollout in the reference's message layout. */
export async function play(
  task: Task,
  models: { policy: Model; sub: Model },
  {
    maxTurns = 12,
    seed = 1,
    system = dictSystem,
  }: { maxTurns?: number; seed?: number; system?: string } = {},
): Promise<Played> {
  const directory = await mkdtemp(join(tmpdir(), 'descent-policy-'))
  const value =
    task.context.kind === 'text' ? task.context.text : task.context.kind === 'json' ? task.context.value : ''
  const facts = contextFacts(value)
  await writeFile(join(directory, 'context.json'), JSON.stringify(value))
  const python = spawn(pythonPath, ['-ISc', program, join(directory, 'context.json')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  const { signal } = new AbortController()
  const played: Played = { answer: null, turns: 0, messages: [], errors: [], subCalls: 0, blocks: [] }

  async function job(body: object): Promise<CellReply> {
    python.stdin.write(`${JSON.stringify(body)}\n`)
    for (;;) {
      const line = await lines.next()
      if (line.done) throw new Error('python ended')
      const reply = JSON.parse(line.value) as CellReply & { prompts?: string[] }
      if (!reply.prompts) return reply
      played.subCalls += reply.prompts.length
      const answers: string[] = []
      for (const prompt of reply.prompts) {
        const messages: Message[] = [{ role: 'user', content: prompt }]
        answers.push(
          (await models.sub.complete({ messages, sampling: {}, wantTokens: false, seed }, signal)).text,
        )
      }
      python.stdin.write(`${JSON.stringify(answers)}\n`)
    }
  }

  try {
    const { messages } = played
    messages.push(
      { role: 'system', content: system },
      {
        role: 'user',
        content: `Answer the following: ${task.prompt}\n\nYour context is a ${facts.type} of ${facts.characters} total characters. Each sub-LLM call can handle roughly ~100k tokens at once.`,
      },
    )
    while (played.turns < maxTurns && played.answer === null) {
      played.turns += 1
      const before = played.turns === 1 ? 'You have not interacted with the REPL yet.\n\n' : ''
      messages.push({ role: 'user', content: `${before}Turn ${played.turns}/${maxTurns}:` })
      const { text } = await models.policy.complete(
        { messages, sampling: {}, wantTokens: false, seed },
        signal,
      )
      messages.push({ role: 'assistant', content: text })
      const blocks = [...text.matchAll(/```repl\s*\n([\s\S]*?)\n```/g)].map(([, code]) => code ?? '')
      played.blocks.push(blocks.length)
      const outputs: string[] = []
      for (const code of blocks) {
        const reply = await job({ code })
        played.answer ??= reply.final
        if (reply.error) played.errors.push(reply.error)
        outputs.push([reply.stdout, reply.error].filter(Boolean).join('\n') || 'No output')
      }
      if (outputs.length > 0)
        messages.push({ role: 'user', content: `REPL output:\n${outputs.join('\n\n')}` })
      if (system !== finalSystem) continue
      const prose = text.replaceAll(/```[\s\S]*?```/g, '')
      const variable = /^FINAL_VAR\((\w+)\)/m.exec(prose)?.[1]
      if (variable) played.answer = (await job({ variable })).value
      else played.answer = /^FINAL\((.*)\)/m.exec(prose)?.[1] ?? null
    }
    return played
  } finally {
    python.stdin.end()
    python.kill()
    await rm(directory, { recursive: true, force: true })
  }
}

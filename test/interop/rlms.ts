// The reference implementation (PyPI `rlms`), pointed at the proxy door by its base URL, is recorded as a tree,
// and the log that it writes meanwhile is imported as the same one.
// `node test/interop/rlms.ts [PYTHON]`: PYTHON has rlms installed; without it a virtual environment is made.
// The model behind is a scripted server. Exits 1 when what was recorded is not the tree, 77 when rlms cannot be
// installed.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../api/http/app.ts'
import { openProxy } from '../../api/http/proxy/index.ts'
import { serve } from '../../api/http/serve.ts'
import { importLogs } from '../../collectors/import/index.ts'
import { openStore, type Store } from '../../src/store/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { startOpenAIServer } from '../support/openai-server.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'
import { preparePython } from './python.ts'

const program = `
import sys
from rlm import RLM
from rlm.logger import RLMLogger
rlm = RLM(
    backend="openai",
    backend_kwargs={"model_name": "test-model", "base_url": sys.argv[1], "api_key": "none"},
    environment="local",
    max_iterations=5,
    logger=RLMLogger(log_dir=sys.argv[2]),
)
print("ANSWER", rlm.completion(prompt="alpha 7\\nbeta 9\\n" * 50, root_prompt="What is beta?").response)
`

const firstCode = `part = context[:200]
seen = llm_query("What is beta in this text? " + part)
print("the sub-model says", seen)`

async function main(): Promise<number> {
  const found = process.argv[2]
    ? { python: process.argv[2] }
    : await preparePython(['rlms'], { large: false })
  if ('reason' in found) {
    process.stdout.write(`rlms is not there: ${found.reason}\n`)
    return 77
  }
  const work = await mkdtemp(join(tmpdir(), 'descent-rlms-'))
  const directory = await temporaryDirectory('rlms-store')
  const logs = join(work, 'logs')
  const model = await startOpenAIServer(({ messages }) => {
    const text = messages.map(({ content }) => content).join('\n')
    const usage = { prompt_tokens: 40, completion_tokens: 1, total_tokens: 41 }
    if (!text.includes('REPL')) return { text: 'nine', usage }
    return text.includes('the sub-model says nine')
      ? { text: '```repl\nanswer["content"] = "9"\nanswer["ready"] = True\n```\nFINAL(9)', usage }
      : { text: `I look at a part first.\n\`\`\`repl\n${firstCode}\n\`\`\``, usage }
  })
  const store = await openStore(directory)
  const problems: unknown[] = []
  const proxy = openProxy(store, { url: model.baseUrl, key: null }, (error) => problems.push(error))
  const server = await serve({ store, host: '127.0.0.1', port: 0, webDirectory: null, proxy })
  try {
    await writeFile(join(work, 'run.py'), program)
    const output = await run(found.python, [join(work, 'run.py'), `${server.url}/v1/proxy/rlms-run`, logs])
    process.stdout.write(output)
    const ended = await fetch(`${server.url}/v1/proxy/rlms-run/end`, { method: 'POST' })
    const { trajectoryId } = (await ended.json()) as { trajectoryId: string }
    const tree = await store.readTrajectory(trajectoryId)
    const turns = tree.invocations.flatMap((invocation) => invocation.turns)
    for (const turn of turns) {
      process.stdout.write(`turn ${turn.index}: ${turn.call.messages.length} messages\n`)
      for (const cell of turn.cells) {
        process.stdout.write(
          `  cell: ${JSON.stringify(cell.code.slice(0, 60))} printed ${cell.stdout.length}\n`,
        )
        for (const call of cell.calls) {
          process.stdout.write(`    ${call.kind}: ${JSON.stringify(call.response.text)}\n`)
        }
      }
    }
    const [first] = turns
    const asked = model.seen.length
    const recorded = turns.length + turns.flatMap(({ cells }) => cells.flatMap(({ calls }) => calls)).length
    const imported = await importedTree(store, logs)
    const app = createApp(store, { webDirectory: null })
    const shown = await app.request(`/v1/trajectories/${trajectoryId}`)
    const right =
      output.includes('ANSWER 9') &&
      problems.length === 0 &&
      recorded === asked &&
      first?.cells[0]?.calls[0]?.response.text === 'nine' &&
      first.cells[0].stdout.includes('the sub-model says nine') &&
      shown.status === 200 &&
      sameTrees(imported, tree)
    for (const problem of problems) process.stdout.write(`${String(problem)}\n`)
    process.stdout.write(`${right ? 'ok' : 'FAIL'}: ${recorded} of ${asked} calls recorded as a tree\n`)
    process.stdout.write(right ? '1 passed, 0 failed\n' : '0 passed, 1 failed\n')
    return right ? 0 : 1
  } finally {
    await server.close()
    await proxy.close()
    await model.close()
    await store.close()
    await removeDirectory(directory)
    await rm(work, { recursive: true, force: true })
  }
}

async function importedTree(store: Store, logs: string): Promise<Trajectory> {
  const { signal } = new AbortController()
  const { runs } = await importLogs({ store, paths: [logs], skipBadRows: false, signal })
  const { items } = await store.listTrajectories(runs[0]?.runId ?? '', { limit: 2 })
  return await store.readTrajectory(items[0]?.id ?? '')
}

/** What was sent and said, turn by turn, from the log and from the traffic. */
function sameTrees(imported: Trajectory, proxied: Trajectory): boolean {
  const told = ({ invocations }: Trajectory) =>
    JSON.stringify(
      invocations.flatMap(({ turns }) =>
        turns.map(({ call, cells }) => [
          call.messages,
          call.response.text,
          cells.map(({ code, calls }) => [
            code,
            calls.map(({ messages, response }) => [messages, response.text]),
          ]),
        ]),
      ),
    )
  const same = told(imported) === told(proxied) && imported.answer === '9'
  process.stdout.write(`the imported log ${same ? 'tells the same' : 'DIFFERS'}\n`)
  if (!same) process.stdout.write(`${told(imported)}\n${told(proxied)}\n`)
  return same
}

async function run(command: string, args: string[]): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`exit code ${code}`))))
  })
}

process.exitCode = await main()

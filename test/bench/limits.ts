// What the parts of the collection benchmark reach when nothing else is in the way: cells of a bare Python,
// requests of a bare HTTP client, rows of the store.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { createInterface } from 'node:readline'
import { newId } from '../../src/ids.ts'
import type { JournalEntry, NewCall } from '../../src/store/contract.ts'
import { openStore } from '../../src/store/index.ts'
import { schemaVersion } from '../../src/trajectory.ts'

export async function printLimits(baseUrl: string, store: string): Promise<void> {
  console.log('\nwithout anything around it:')
  const figures: [number, string][] = [
    [await bareCells(), 'cells/s of one Python that executes lines from a pipe'],
    [await bareRequests(baseUrl), 'requests/s of 32 keep-alive connections to the scripted server'],
    [await bareRows(store), 'calls/s stored by the embedded store, 66 in one commit, 16 commits at once'],
  ]
  for (const [rate, what] of figures) console.log(`  ${rate.toFixed(0).padStart(8)} ${what}`)
}

async function bareCells(): Promise<number> {
  const count = 5_000
  const loop = 'import sys\nfor line in sys.stdin:\n    exec(line)\n    print("done", flush=True)'
  const python = spawn('python3', ['-c', loop], { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  const start = performance.now()
  for (let cell = 0; cell < count; cell += 1) {
    python.stdin.write('x = sum(range(10))\n')
    await lines.next()
  }
  const seconds = (performance.now() - start) / 1000
  python.stdin.end()
  await once(python, 'close')
  return count / seconds
}

async function bareRequests(baseUrl: string): Promise<number> {
  const connections = 32
  const each = 200
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(1_000) }] })
  const one = async () =>
    await new Promise<void>((resolve, reject) => {
      const request = http.request(`${baseUrl}/chat/completions`, { method: 'POST', agent }, (response) => {
        response.resume().on('end', resolve)
      })
      request.on('error', reject)
      request.end(body)
    })
  const start = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let count = 0; count < each; count += 1) await one()
    }),
  )
  agent.destroy()
  return (connections * each) / ((performance.now() - start) / 1000)
}

async function bareRows(directory: string): Promise<number> {
  const store = await openStore(directory)
  try {
    const runId = newId()
    await store.createRun({
      id: runId,
      name: 'limits',
      status: 'running',
      config: {},
      configHash: 'x',
      protocol: 'rlm',
      protocolHash: 'x',
      model: 'scripted',
      policyVersion: null,
      scripted: true,
      seed: 0,
      codeVersion: '0',
      tags: [],
      rollouts: 1,
      schemaVersion,
    })
    const commits = 400
    let left = commits
    const start = performance.now()
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (left > 0) {
          left -= 1
          const trajectoryId = newId()
          const invocationId = newId()
          await store.append(
            Array.from({ length: 66 }, (_, order): JournalEntry => ({
              table: 'calls',
              row: callRow({ runId, trajectoryId, invocationId, order }),
            })),
          )
        }
      }),
    )
    return (commits * 66) / ((performance.now() - start) / 1000)
  } finally {
    await store.close()
  }
}

function callRow(place: Pick<NewCall, 'runId' | 'trajectoryId' | 'invocationId' | 'order'>): NewCall {
  return {
    ...place,
    id: newId(),
    cellId: null,
    kind: 'llm',
    batchId: null,
    batchIndex: null,
    depth: 0,
    childInvocationId: null,
    model: 'scripted',
    responseModel: null,
    provider: 'openai',
    scripted: true,
    prompt: 'x'.repeat(1_000),
    sampling: {},
    response: '1000',
    reasoning: null,
    finishReason: 'stop',
    inputTokens: 250,
    outputTokens: 1,
    cachedTokens: 0,
    reasoningTokens: 0,
    costUsd: null,
    costSource: 'none',
    attempts: 1,
    error: null,
    latencyMs: 1,
    requestId: null,
    tokenSource: 'none',
    promptTokens: null,
    completionTokens: null,
    logprobs: null,
    raw: null,
    startedAt: new Date().toISOString(),
  }
}

// One session of a foreign harness, recorded from its traffic alone as a trajectory of a run of its own. What
// the traffic tells: a request that repeats the reply of an earlier one goes on with that conversation (a
// turn); one that begins a conversation with a system message is an invocation; any other is a sub-call of
// the code that ran last. Code and its output are read from the messages. Records are appended as they come.
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { hashOf } from '../../../src/hash.ts'
import { newId } from '../../../src/ids.ts'
import { version } from '../../../src/package.ts'
import type { JournalEntry, NewCall, NewTask, Store } from '../../../src/store/contract.ts'
import { schemaVersion } from '../../../src/trajectory.ts'

export interface ProxyMessage {
  role: string
  content: string
}

export interface Exchange {
  model: string
  messages: ProxyMessage[]
  sampling: Record<string, unknown>
  startedAt: string
  latencyMs: number
  reply: { text: string; reasoning: string | null; finishReason: string | null } | null
  usage: { inputTokens: number; outputTokens: number } | null
  error: { code: string; message: string } | null
  requestId: string | null
}

interface Conversation {
  id: string
  depth: number
  turns: number
  stored: ProxyMessage[]
  /** The reply by which the next request is known to go on with this one. */
  reply: string
  /** What the last reply ran; written when the next request tells what it printed. */
  cells: { id: string; turnId: string; code: string; startedAt: string }[]
}

export interface ProxySession {
  readonly runId: string
  readonly trajectoryId: string
  /** Errors raised: StoreError. Exchanges are recorded in the order of their calls. */
  record(exchange: Exchange): Promise<void>
  end(): Promise<void>
}

/** Begins the run and its one trajectory. */
export async function openProxySession(store: Store, name: string, model: string): Promise<ProxySession> {
  const runId = newId()
  await store.createRun({
    id: runId,
    name,
    status: 'pending',
    config: { name, proxy: true, model: { provider: 'openai', name: model } },
    configHash: hashOf({ proxy: runId }),
    protocol: 'foreign',
    protocolHash: hashOf('foreign'),
    model,
    policyVersion: null,
    scripted: false,
    seed: 0,
    codeVersion: version,
    tags: ['proxy'],
    rollouts: 1,
    schemaVersion,
  })
  const directory = await mkdtemp(path.join(os.tmpdir(), 'descent-proxy-'))
  try {
    await store.addTasks(runId, onlyTask(name, directory), 1, 0)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  const [planned] = await store.pendingTrajectories(runId)
  const trajectoryId = planned?.id ?? ''
  const startedAt = new Date().toISOString()
  await store.updateRun(runId, { status: 'running', startedAt })
  await store.beginTrajectory(trajectoryId, startedAt)
  return createSession(store, { runId, trajectoryId })
}

/** A foreign harness does not say what its task is; its context never passes here. */
async function* onlyTask(name: string, directory: string): AsyncGenerator<NewTask> {
  const file = path.join(directory, 'context')
  await writeFile(file, '')
  const hash = createHash('sha256').digest()
  yield {
    id: name,
    hash: hashOf({ proxy: name }),
    prompt: '',
    context: { file, hash, format: 'text', type: 'str', characters: 0, bytes: 0 },
    answer: null,
    metadata: {},
  }
}

function createSession(store: Store, place: { runId: string; trajectoryId: string }): ProxySession {
  const conversations: Conversation[] = []
  const totals = { input: 0, output: 0, calls: 0, cells: 0, turns: 0 }
  let subCalls = 0
  let last: Promise<void> = Promise.resolve()

  function owner(): Conversation | undefined {
    return conversations.findLast((one) => one.cells.length > 0)
  }

  function callRow(exchange: Exchange, conversation: Conversation, row: Partial<NewCall>): NewCall {
    const { model, sampling, startedAt, latencyMs, reply, usage, error, requestId } = exchange
    totals.calls += 1
    totals.input += usage?.inputTokens ?? 0
    totals.output += usage?.outputTokens ?? 0
    return {
      ...place,
      id: newId(),
      invocationId: conversation.id,
      kind: 'policy',
      order: 0,
      depth: conversation.depth,
      model,
      provider: 'openai',
      scripted: false,
      sampling: sampling as NewCall['sampling'],
      response: reply?.text ?? null,
      reasoning: reply?.reasoning ?? null,
      finishReason: reply?.finishReason ?? null,
      inputTokens: usage?.inputTokens ?? null,
      outputTokens: usage?.outputTokens ?? null,
      costSource: 'none',
      attempts: 1,
      error: error && { boundary: 'model', ...error },
      latencyMs,
      requestId,
      tokenSource: 'none',
      startedAt,
      ...row,
    }
  }

  /** The cells of the last reply, with what the messages after it say that they printed. */
  function cellEntries(conversation: Conversation, feedback: string[]): JournalEntry[] {
    const { cells } = conversation
    conversation.cells = []
    totals.cells += cells.length
    return cells.map((cell, index) => {
      const each = feedback.length === cells.length
      const stdout = each ? (feedback[index] ?? '') : index === cells.length - 1 ? feedback.join('\n') : ''
      const traceback =
        /Traceback \(most recent call last\):[\s\S]*?\n(\w+(?:Error|Exception|Interrupt)): ?(.*)/.exec(stdout)
      return {
        table: 'cells',
        row: {
          ...place,
          id: cell.id,
          invocationId: conversation.id,
          turnId: cell.turnId,
          index,
          code: cell.code,
          stdout,
          stderr: '',
          stdoutCharacters: stdout.length,
          stderrCharacters: 0,
          error: traceback && {
            type: traceback[1] ?? '',
            message: traceback[2] ?? '',
            traceback: traceback[0],
          },
          death: null,
          variables: [],
          finalAnswer: null,
          durationMs: Math.max(0, Date.now() - Date.parse(cell.startedAt)),
          computeMs: 0,
          startedAt: cell.startedAt,
        },
      }
    })
  }

  function turnEntries(exchange: Exchange, conversation: Conversation): JournalEntry[] {
    const { messages, reply } = exchange
    const entries: JournalEntry[] = []
    const extended = conversation.stored.every(
      (message, index) =>
        message.role === messages[index]?.role && message.content === messages[index].content,
    )
    const promptStart = extended ? 0 : conversation.stored.length
    for (const [index, message] of messages.entries()) {
      if (extended && index < conversation.stored.length) continue
      const row = { ...place, invocationId: conversation.id, index: promptStart + index, ...message }
      entries.push({ table: 'messages', row })
    }
    conversation.stored = extended ? messages : [...conversation.stored, ...messages]
    const call = callRow(exchange, conversation, {})
    const turnId = newId()
    entries.push(
      { table: 'calls', row: call },
      {
        table: 'turns',
        row: {
          ...place,
          id: turnId,
          invocationId: conversation.id,
          index: conversation.turns,
          callId: call.id,
          promptStart,
          promptMessages: promptStart + messages.length,
        },
      },
    )
    conversation.turns += 1
    totals.turns += 1
    conversation.reply = reply?.text ?? ''
    const startedAt = new Date().toISOString()
    conversation.cells = codeBlocks(reply?.text ?? '').map((code) => ({
      id: newId(),
      turnId,
      code,
      startedAt,
    }))
    subCalls = 0
    return entries
  }

  async function write(exchange: Exchange): Promise<void> {
    const { messages } = exchange
    const known = conversations.findLast(
      ({ reply }) =>
        reply !== '' && messages.some(({ role, content }) => role === 'assistant' && content === reply),
    )
    if (known) {
      const at = messages.findLastIndex(
        ({ role, content }) => role === 'assistant' && content === known.reply,
      )
      const feedback = messages.slice(at + 1).map(({ content }) => content)
      await store.append([...cellEntries(known, feedback), ...turnEntries(exchange, known)])
      return
    }
    const parent = owner()
    const begins = messages.some(({ role }) => role === 'system') || conversations.length === 0
    const [cell] = parent?.cells ?? []
    if (!begins && parent && cell) {
      const prompt = messages.map(({ content }) => content).join('\n\n')
      const row = { kind: 'llm', cellId: cell.id, order: subCalls++, depth: parent.depth + 1, prompt }
      await store.append([{ table: 'calls', row: callRow(exchange, parent, row) }])
      return
    }
    const conversation: Conversation = {
      id: newId(),
      depth: parent ? parent.depth + 1 : 0,
      turns: 0,
      stored: [],
      reply: '',
      cells: [],
    }
    conversations.push(conversation)
    await store.append([
      {
        table: 'invocations',
        row: {
          ...place,
          id: conversation.id,
          parentCellId: cell?.id ?? null,
          depth: conversation.depth,
          model: exchange.model,
          protocolHash: hashOf('foreign'),
          startedAt: exchange.startedAt,
        },
      },
      ...turnEntries(exchange, conversation),
    ])
  }

  async function finish(): Promise<void> {
    const endedAt = new Date().toISOString()
    for (const conversation of conversations) {
      await store.append(cellEntries(conversation, []))
      const answer = conversation.reply || null
      await store.endInvocation(conversation.id, { stopReason: 'answered', answer, endedAt })
    }
    const root = conversations[0]
    const end = {
      status: 'done' as const,
      stopReason: root?.reply ? ('answered' as const) : ('cancelled' as const),
      answer: root?.reply || null,
      error: null,
      sandbox: null,
      inputTokens: totals.input,
      outputTokens: totals.output,
      turns: totals.turns,
      cells: totals.cells,
      calls: totals.calls,
      failedCells: 0,
      maxDepth: Math.max(0, ...conversations.map(({ depth }) => depth)),
      costUsd: null,
    }
    await store.endTrajectory(place.trajectoryId, end, endedAt)
    await store.updateRun(place.runId, { status: 'done', endedAt })
  }

  return {
    ...place,
    async record(exchange) {
      const recorded = last.then(() => write(exchange))
      last = recorded.catch(() => {})
      await recorded
    },
    async end() {
      const ended = last.then(finish)
      last = ended.catch(() => {})
      await ended
    },
  }
}

/** Fenced blocks of code that a REPL runs. */
function codeBlocks(text: string): string[] {
  return [...text.matchAll(/```(?:repl|python|py)\s*\n([\s\S]*?)```/g)].map(([, code = '']) => code.trimEnd())
}

// What goes in comes out, to the code unit; what was acknowledged is durable.
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { newId } from '../../src/ids.ts'
import { trajectorySchema } from '../../src/trajectory.ts'
import { openStore } from '../../src/store/index.ts'
import type { JournalEntry } from '../../src/store/index.ts'
import { backends, temporaryDirectory } from './backends.ts'
import * as make from './fixtures.ts'

const awkward = {
  plain: 'plain',
  empty: '',
  nul: 'a\0b',
  loneHigh: 'x\uD800y',
  loneLow: '\uDC00',
  emoji: '👩‍👩‍👧 𝄞 é',
  private: 'a\uE000b\uE0000000',
  backslash: '\\x00 \\u0000 "quoted" \n\r\t',
  mark: '\uFEFFbom',
  // The same bytes as `loneTwin` in UTF-16LE without its byte order mark.
  twin: '\0\u0600\0',
  loneTwin: '\uD800\u0080',
  limit: 'l'.repeat(2000),
  overLimit: 'o'.repeat(2001),
  pairAtCut: `${'p'.repeat(199)}😀${'q'.repeat(3000)}`,
  long: 'the quick brown fox\n'.repeat(262_144),
  longLone: `${'z'.repeat(9_000_000)}\uDFFF`,
}

describe.each(backends())('journal on $name', (backend) => {
  test('every table comes back exactly as it was written', async () => {
    const store = await backend.freshStore()
    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 1,
      rollouts: 1,
    })
    const id = planned[0]?.id ?? ''
    const place = { runId, trajectoryId: id }
    expect(await store.beginTrajectory(id, make.now())).toBe(1)

    const root = make.anInvocation(place)
    const texts = Object.values(awkward)
    const policy = make.aCall(place, root.id, {
      response: awkward.longLone,
      reasoning: awkward.nul,
      sampling: { stop: ['\0', '\uD800'], 'key\0': awkward.private, seven: '7', number: 7 },
      requestId: 'request-1',
    })
    const turn = make.aTurn(place, root.id, policy.id, { promptMessages: texts.length - 1, forced: true })
    const childId = newId()
    const cell = make.aCell(place, root.id, turn.id, {
      code: 'c'.repeat(20_001),
      stdout: awkward.long,
      stderr: awkward.loneTwin,
      stdoutCharacters: 10_000_000_000,
      finalAnswer: awkward.twin,
      error: { type: 'ValueError', message: 'bad \0 \uDBFF', traceback: awkward.backslash },
      death: { reason: 'memory', detail: '\0' },
      variables: [{ name: 'x\0', type: 'str', basic: true }],
      durationMs: 0.1 + 0.2,
    })
    const calls = [
      make.aCall(place, root.id, {
        kind: 'llm',
        cellId: cell.id,
        order: 1,
        depth: 1,
        prompt: awkward.pairAtCut,
        batchId: newId(),
        batchIndex: 0,
      }),
      make.aCall(place, root.id, {
        kind: 'rlm',
        cellId: cell.id,
        order: 0,
        depth: 1,
        prompt: awkward.emoji,
        childInvocationId: childId,
        response: null,
        inputTokens: null,
        outputTokens: null,
        costUsd: null,
        latencyMs: null,
        error: { boundary: 'model', code: 'rate_limit', message: 'slow down \0' },
      }),
    ]
    await store.append([
      { table: 'invocations', row: root },
      {
        table: 'invocations',
        row: make.anInvocation(place, { id: childId, depth: 1, parentCellId: cell.id }),
      },
      ...texts.map((content, index): JournalEntry => ({
        table: 'messages',
        row: make.aMessage(place, root.id, { index, content }),
      })),
      { table: 'calls', row: policy },
      { table: 'turns', row: turn },
      { table: 'cells', row: cell },
      ...calls.map((row): JournalEntry => ({ table: 'calls', row })),
    ])
    await store.endInvocation(root.id, {
      stopReason: 'answered',
      answer: awkward.overLimit,
      endedAt: make.now(),
    })
    await store.endTrajectory(
      id,
      make.anEnd({ answer: awkward.nul, costUsd: null }),
      '2026-01-02T03:04:05.678Z',
    )

    const read = await store.readTrajectory(id)
    expect(trajectorySchema.parse(read)).toEqual(read)
    expect(read).toMatchObject({
      id,
      runId,
      status: 'done',
      stopReason: 'answered',
      attempt: 1,
      sandbox: 'namespace',
    })
    expect(read.answer).toBe(awkward.nul)
    expect(read.endedAt).toBe('2026-01-02T03:04:05.678Z')
    expect(read.usage).toEqual({ inputTokens: 10, outputTokens: 5, calls: 2, costUsd: null })
    expect(read.invocations.map((item) => [item.id, item.depth, item.parentCellId])).toEqual([
      [root.id, 0, null],
      [childId, 1, cell.id],
    ])
    expect(read.invocations[0]?.answer).toBe(awkward.overLimit)
    const [readTurn] = read.invocations[0]?.turns ?? []
    expect(readTurn?.forced).toBe(true)
    // The whole prompt but the last message.
    expect(readTurn?.call.messages.map((message) => message.content)).toEqual(texts.slice(0, -1))
    expect(readTurn?.call.response).toEqual({
      text: awkward.longLone,
      reasoning: awkward.nul,
      finishReason: 'stop',
    })
    expect(readTurn?.call.sampling).toEqual(policy.sampling)
    expect(readTurn?.call.usage).toEqual({
      inputTokens: 10,
      outputTokens: 5,
      cachedTokens: 0,
      reasoningTokens: 0,
      costUsd: 0.001,
    })
    const [readCell] = readTurn?.cells ?? []
    const { code, stdout, stderr, stdoutCharacters, finalAnswer, error, death, variables, durationMs } = cell
    expect(readCell).toMatchObject({
      code,
      stdout,
      stderr,
      stdoutCharacters,
      finalAnswer,
      error,
      death,
      variables,
      durationMs,
    })
    expect(
      readCell?.calls.map((call) => [call.kind, call.order, call.messages[0]?.content, call.invocationId]),
    ).toEqual([
      ['rlm', 0, awkward.emoji, childId],
      ['llm', 1, awkward.pairAtCut, null],
    ])
    expect(readCell?.calls[0]).toMatchObject({ usage: null, latencyMs: null, error: calls[1]?.error })
    expect(readCell?.calls[1]).toMatchObject({ batchId: calls[0]?.batchId, batchIndex: 0 })
  })

  test('token arrays come back bit for bit', async () => {
    const store = await backend.freshStore()
    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 1,
      rollouts: 1,
    })
    const place = { runId, trajectoryId: planned[0]?.id ?? '' }
    const base = make.aCall(place, newId(), {
      tokenSource: 'engine',
      promptTokens: Int32Array.from({ length: 8000 }, (_, at) => (at * 7919) % 151_936),
      completionTokens: new Int32Array([0, -1, 2 ** 31 - 1]),
      logprobs: new Float32Array([-0.1, -Infinity, NaN, -0]),
      policyVersion: 'step-7',
    })
    const next = make.aCall(place, newId(), { tokenBaseCallId: base.id, promptTokens: new Int32Array(0) })
    await store.append([base, next, make.aCall(place, newId())].map((row) => ({ table: 'calls', row })))
    const tokens = await store.readTokens(place.trajectoryId)
    expect([...tokens.keys()].toSorted()).toEqual([base.id, next.id].toSorted())
    expect(tokens.get(base.id)).toEqual({
      callId: base.id,
      baseCallId: null,
      prompt: base.promptTokens,
      completion: base.completionTokens,
      logprobs: base.logprobs,
      policyVersion: 'step-7',
    })
    expect(tokens.get(next.id)).toMatchObject({
      baseCallId: base.id,
      prompt: new Int32Array(0),
      completion: null,
    })
  })

  test('1000 appends in flight: each is durable when it resolves, in few transactions', async () => {
    const url = await backend.freshDatabase()
    const store = await openStore(url)
    const other = postgres(url, { max: 1, onnotice: () => {} })
    const ids = Array.from({ length: 1000 }, newId)
    const runId = newId()
    let seen = 0
    const [before] = await other<{ xid: string }[]>`select pg_current_xact_id()::text as xid`
    await Promise.all(
      ids.map(async (trajectoryId, at) => {
        await store.append(
          make.aTurnsEntries({ runId, trajectoryId }, `text ${at} ${'x'.repeat(at % 7 === 0 ? 3000 : 10)}`),
        )
        if (at % 50 !== 0) return
        const [row] = await other<{ n: number }[]>`
          select count(*)::int as n from cells where trajectory_id = ${trajectoryId}`
        expect(row?.n).toBe(1)
        seen++
      }),
    )
    const [after] = await other<{ xid: string }[]>`select pg_current_xact_id()::text as xid`
    expect(seen).toBe(20)
    for (const table of ['invocations', 'messages', 'turns', 'cells', 'calls']) {
      const [row] = await other.unsafe<{ n: number }[]>(`select count(*)::int as n from ${table}`)
      expect([table, row?.n]).toEqual([table, 1000])
    }
    expect(Number(after?.xid) - Number(before?.xid)).toBeLessThan(300)
    await other.end()
    await store.close()
  })

  test('a group that the database refuses fails alone and leaves nothing of itself', async () => {
    const store = await backend.freshStore()
    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 3,
      rollouts: 1,
    })
    const places = planned.map(({ id }) => ({ runId, trajectoryId: id }))
    const groups = places.map((place, at) => make.aTurnsEntries(place, `group ${at}`))
    const [, , bad] = groups[1] ?? []
    if (bad?.table === 'calls') bad.row.inputTokens = 3_000_000_000
    const results = await Promise.allSettled(groups.map((group) => store.append(group)))
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const trees = await Promise.all(places.map((place) => store.readTrajectory(place.trajectoryId)))
    expect(trees.map((tree) => tree.invocations.length)).toEqual([1, 0, 1])
    const reason = (results[1] as PromiseRejectedResult).reason as Error
    expect(reason.message).toContain('out of range')
    expect(reason.message).not.toContain('group 1')
  })

  test('equal texts are one blob, and appending twice changes nothing', async () => {
    const url = await backend.freshDatabase()
    const store = await openStore(url)
    const other = postgres(url, { max: 1, onnotice: () => {} })
    const place = { runId: newId(), trajectoryId: newId() }
    const entries = make.aTurnsEntries(place, 'same '.repeat(2000))
    await store.append(entries)
    await store.append(entries)
    const stranger = await openStore(url)
    await stranger.append(entries)
    await stranger.close()
    await store.append(make.aTurnsEntries(place, 'same '.repeat(2000)))
    expect(await other`select size::int from blobs`).toEqual([{ size: 10_000 }])
    expect(await other`select length(stdout) from cells`).toEqual([{ length: 200 }, { length: 200 }])
    await other.end()
    await store.close()
  })

  test('texts of every size come back, and one whose bytes are damaged is named', async () => {
    const url = await backend.freshDatabase()
    const store = await openStore(url)
    const { runId, planned } = await make.aPlannedRun(store, await temporaryDirectory(), {
      tasks: 1,
      rollouts: 1,
    })
    const id = planned[0]?.id ?? ''
    // Around the sizes at which a text is a blob, is compressed, and is decompressed in another way.
    const sizes = [1999, 2001, 3000, 65_536, 262_143, 262_144, 262_145, 400_000, 9_000_000]
    const texts = sizes.map((size) => `${'né 😀 '.repeat(size / 6)}${size}`.slice(0, size))
    const root = make.anInvocation({ runId, trajectoryId: id })
    const call = make.aCall({ runId, trajectoryId: id }, root.id, {})
    await store.beginTrajectory(id, make.now())
    await store.append([
      { table: 'invocations', row: root },
      ...texts.map((content, index) => ({
        table: 'messages' as const,
        row: make.aMessage({ runId, trajectoryId: id }, root.id, { index, content }),
      })),
      { table: 'calls', row: call },
      {
        table: 'turns',
        row: make.aTurn({ runId, trajectoryId: id }, root.id, call.id, { promptMessages: sizes.length }),
      },
    ])
    const read = async () =>
      (await store.readTrajectory(id)).invocations[0]?.turns[0]?.call.messages.map(({ content }) => content)
    expect(await read()).toEqual(texts)

    const other = postgres(url, { max: 1, onnotice: () => {} })
    await other`update blobs set data = set_byte(data, 0, 0) where size between 2000 and 3500`
    await other.end()
    await expect(read()).rejects.toThrow(/^the blob [0-9a-f]{64} is damaged in the store: restore it/)
    await store.close()
  })
})

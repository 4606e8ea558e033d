// A trajectory as a hostile model could leave it: a payload in every text field, among believable
// content. Two invocations, a batch, a failed call, a killed cell, control characters, 300 kB of output.
import { newId } from '../../src/ids.ts'
import type { Call, Invocation, Trajectory } from '../../src/trajectory.ts'
import { afterwards, makeCall, makeCell, makeTurn, resetClock, start, tick } from './make.ts'

export const markup =
  '<script>window.pwned=1</script><img src=x onerror="window.pwned=1"><a href="javascript:window.pwned=1">x</a>'
export const oddCharacters =
  'NUL:\u0000 ESC:\u001b[31mred BEL:\u0007 RLO:\u202egnp.exe ZWSP:\u200b 👩‍🔬🚀 tag:\u{E0041}'
export const hostile = `${markup} ${oddCharacters}`

const systemPrompt = `You are an agent that answers a question about a context too long to read at once.
The context is in the variable \`context\` of a Python REPL. Write code in a \`\`\`repl\`\`\` block to look
at it; call llm_query(prompt) to ask a model about a part, rlm_query(prompt) to hand a part to an agent
with a REPL of its own. When you know the answer, set answer["content"] and answer["ready"] = True.`

const question =
  'In the log below, which customer was refunded twice in March, and for which amount in total?'

const inspectCode = `# Look at the shape of the context before anything else
lines = context.split("\\n")
print(f"{len(lines):,} lines, {len(context):,} characters")
for line in lines[:5]:
    print(repr(line[:120]))

refunds = [l for l in lines if "refund" in l.lower() and "-03-" in l]
print("candidates:", len(refunds))`

const batchCode = `from collections import Counter

chunks = ["\\n".join(refunds[i:i + 40]) for i in range(0, len(refunds), 40)]
answers = llm_query_batched([
    f"""List every customer id that is refunded in these lines,
one "id amount" pair a line, nothing else.
{chunk}"""
    for chunk in chunks
])
totals = Counter()
for text in answers:
    for pair in text.splitlines():
        customer, amount = pair.split()
        totals[customer] += float(amount)
print(totals.most_common(3))`

export interface Made {
  trajectory: Trajectory
  /** The ids that tests look for. */
  ids: { batchCell: string; hostileCall: string; failedCall: string; killedCell: string; childTurn: string }
}

export function makeHostile(runId: string): Made {
  resetClock()
  const history = [
    { role: 'system', content: systemPrompt },
    { role: 'user', content: `${question}\n\nThe context is a str of 1,284,113 characters.` },
  ]
  const firstText = `I will look at the shape of the log first.\n\n\`\`\`repl\n${inspectCode}\n\`\`\`\n`
  const first = makeCall({
    messages: history,
    response: {
      text: firstText,
      reasoning: 'The context is long. Sampling a few lines tells me the format; then I can filter by month.',
      finishReason: 'stop',
    },
  })
  const inspectCell = makeCell({
    code: inspectCode,
    stdout:
      "18,402 lines, 1,284,113 characters\n'2026-03-01T00:00:12 order=99121 customer=C-1043 total=59.90'\n'2026-03-01T00:00:19 order=99122 customer=C-2210 total=12.00'\n'2026-03-01T00:01:02 REFUND customer=C-1043 amount=59.90 reason=damaged'\ncandidates: 463\n",
    variables: [
      { name: 'lines', type: 'list', basic: true },
      { name: 'refunds', type: 'list', basic: true },
    ],
  })

  const second = afterwards(first, inspectCell, {
    response: {
      text: `The refunds are few enough to ask about in batches.\n\n\`\`\`repl\n${batchCode}\n\`\`\``,
      reasoning: null,
      finishReason: 'stop',
    },
    latencyMs: 2630,
  })
  const batchId = newId()
  const batchAt = tick(0)
  const batch = Array.from({ length: 12 }, (_, index) => batchCall(batchId, index, batchAt))
  const failedCall = batch[7]
  const batchCell = makeCell({
    code: batchCode,
    stdout: "[('C-1043', 119.8), ('C-3310', 44.5), ('C-0027', 40.0)]\n",
    stderr: 'sub-call 7 of the batch failed: rate_limit after 6 attempts\n',
    durationMs: 1502.4,
    limits: ['calls_open'],
    variables: [
      { name: 'chunks', type: 'list', basic: true },
      { name: 'totals', type: 'Counter', basic: false },
    ],
    calls: batch,
  })

  const third = afterwards(second, batchCell, {
    response: { text: hostile, reasoning: hostile, finishReason: hostile },
    model: markup,
    latencyMs: 3310,
  })
  const spawnedAt = tick(0)
  const child = makeChild()
  const spawn = makeCall({
    kind: 'rlm',
    model: 'Qwen/Qwen3-Coder-30B',
    messages: [
      { role: 'user', content: 'Check customer C-1043: list both refunds with date, amount and reason.' },
    ],
    response: {
      text: '2026-03-01 59.90 damaged; 2026-03-19 59.90 not delivered',
      reasoning: null,
      finishReason: 'stop',
    },
    invocationId: child.invocation.id,
    startedAt: spawnedAt,
    latencyMs: Date.parse(tick(0)) - Date.parse(spawnedAt),
  })
  const hostileCall = makeCall({
    kind: 'llm',
    model: `small ${markup}`,
    provider: markup,
    messages: [
      {
        role: 'user',
        content: `${hostile}\n[click](javascript:alert(1)) ![](https://example.com/pixel.png)\n\`\`\`html\n${hostile}\n\`\`\``,
      },
    ],
    response: {
      text: `\`\`\`${markup}\n${hostile}\n\`\`\`\nunclosed \`\`\`python\nprint("${markup}")`,
      reasoning: hostile,
      finishReason: 'length',
    },
    order: 1,
    latencyMs: 911,
    requestId: hostile,
    sampling: { [markup]: hostile },
  })
  const hostileCell = makeCell({
    code: `"""${hostile}"""\nprint('${markup}')  # ${hostile}\n${'x = 1; '.repeat(400)}`,
    stdout: `${hostile}\n${'0123456789abcdef'.repeat(300_000 / 16)}`,
    stderr: hostile,
    error: {
      type: markup,
      message: hostile,
      traceback: `Traceback (most recent call last):\n  File "<cell>", line 1\n${hostile}`,
    },
    variables: [{ name: markup, type: hostile, basic: false }],
    finalAnswer: hostile,
    calls: [spawn, hostileCall],
  })
  hostileCell.durationMs = Date.parse(tick(0)) - Date.parse(spawnedAt) + 42
  child.invocation.parentCellId = hostileCell.id

  const fourth = afterwards(third, hostileCell, {
    response: {
      text: '```repl\nimport re\nre.match(r"(a+)+$", "a" * 40 + "b")\n```',
      reasoning: null,
      finishReason: 'stop',
    },
  })
  const killedCell = makeCell({
    code: 'import re\nre.match(r"(a+)+$", "a" * 40 + "b")  # never returns',
    death: {
      reason: 'timeout',
      detail: 'killed after 120 s of wall time; a new REPL was opened and the variables are lost',
    },
    durationMs: 120_004,
    computeMs: 119_870,
  })
  const fifth = afterwards(fourth, killedCell, {
    response: {
      text: 'The double refund is clear.\n\n```repl\nanswer["content"] = "C-1043, 119.80 in total"\nanswer["ready"] = True\n```',
      reasoning: null,
      finishReason: 'stop',
    },
  })
  const lastCell = makeCell({
    code: 'answer["content"] = "C-1043, 119.80 in total"\nanswer["ready"] = True',
    finalAnswer: 'C-1043, 119.80 in total',
    durationMs: 3.2,
    computeMs: 0.4,
  })

  const root: Invocation = {
    id: newId(),
    depth: 0,
    parentCellId: null,
    stopReason: 'answered',
    answer: 'C-1043, 119.80 in total',
    turns: [
      makeTurn(0, first, inspectCell),
      makeTurn(1, second, batchCell),
      makeTurn(2, third, hostileCell),
      makeTurn(3, fourth, killedCell),
      makeTurn(4, fifth, lastCell),
    ],
  }
  const trajectory: Trajectory = {
    id: newId(),
    runId,
    taskId: `refunds-0007 ${markup}`,
    rollout: 0,
    status: 'done',
    stopReason: 'answered',
    answer: `C-1043, 119.80 in total ${hostile.repeat(2)}`,
    usage: { inputTokens: 60_214, outputTokens: 7418, calls: 20, costUsd: 0.0871 },
    scores: [
      { reward: 'exact', version: '1', value: 1, weight: 1, error: null, details: { note: hostile } },
      { reward: 'efficiency', version: '2', value: 0.42, weight: 0.1, error: null, details: null },
      {
        reward: `judge ${markup}`,
        version: '1',
        value: null,
        weight: 0.5,
        error: { boundary: 'model', code: 'rate_limit', message: hostile },
        details: null,
      },
    ],
    reward: null,
    scripted: true,
    error: { boundary: 'sandbox', code: 'late_close', message: hostile },
    startedAt: new Date(start).toISOString(),
    endedAt: tick(0),
    schemaVersion: 1,
    sandbox: 'namespace',
    protocol: { id: 'rlm', hash: 'c0ffee'.repeat(10) },
    seed: 7,
    attempt: 1,
    divergence: null,
    origin: null,
    lostCalls: [],
    invocations: [root, child.invocation],
  }
  return {
    trajectory,
    ids: {
      batchCell: batchCell.id,
      hostileCall: hostileCall.id,
      failedCall: failedCall?.id ?? '',
      killedCell: killedCell.id,
      childTurn: child.invocation.turns[0]?.id ?? '',
    },
  }
}

function batchCall(batchId: string, index: number, startedAt: string): Call {
  const failed = index === 7
  return makeCall({
    kind: 'llm',
    model: 'Qwen/Qwen3-4B',
    messages: [
      {
        role: 'user',
        content: `List every customer id that is refunded in these lines, one "id amount" pair a line, nothing else.\n2026-03-${String(index + 1).padStart(2, '0')}T11:20:02 REFUND customer=C-1043 amount=59.90 reason=damaged`,
      },
    ],
    response: failed
      ? { text: null, reasoning: null, finishReason: null }
      : { text: `C-1043 59.90\nC-${3310 + index} 44.50`, reasoning: null, finishReason: 'stop' },
    usage: failed
      ? null
      : {
          inputTokens: 1830 + index * 7,
          outputTokens: 24,
          cachedTokens: 0,
          reasoningTokens: 0,
          costUsd: 0.00021,
        },
    error: failed
      ? {
          boundary: 'model',
          code: 'rate_limit',
          message: '429 from the server: too many requests, retry after 20 s',
        }
      : null,
    attempts: failed ? 6 : 1,
    latencyMs: 640 + ((index * 137) % 800),
    startedAt,
    order: index,
    batchId,
    batchIndex: index,
  })
}

function makeChild(): { invocation: Invocation } {
  const code =
    'hits = [l for l in context.split("\\n") if "C-1043" in l and "REFUND" in l]\nprint("\\n".join(hits))'
  const call = makeCall({
    depth: 1,
    messages: [
      { role: 'system', content: systemPrompt },
      { role: 'user', content: 'Check customer C-1043: list both refunds with date, amount and reason.' },
    ],
    response: { text: `\`\`\`repl\n${code}\n\`\`\``, reasoning: null, finishReason: 'stop' },
  })
  const cell = makeCell({
    code,
    stdout:
      '2026-03-01T00:01:02 REFUND customer=C-1043 amount=59.90 reason=damaged\n2026-03-19T16:44:31 REFUND customer=C-1043 amount=59.90 reason=not delivered\n',
    calls: [
      makeCall({
        kind: 'llm',
        model: 'Qwen/Qwen3-4B',
        depth: 1,
        messages: [{ role: 'user', content: 'Are these two refunds of the same order? Answer yes or no.' }],
        response: { text: 'no', reasoning: null, finishReason: 'stop' },
        latencyMs: 702,
      }),
    ],
  })
  const last = afterwards(call, cell, {
    depth: 1,
    response: {
      text: '```repl\nanswer["content"] = "\\n".join(hits)\nanswer["ready"] = True\n```',
      reasoning: null,
      finishReason: 'stop',
    },
  })
  const lastCell = makeCell({
    code: 'answer["content"] = "\\n".join(hits)\nanswer["ready"] = True',
    finalAnswer: cell.stdout,
  })
  return {
    invocation: {
      id: newId(),
      depth: 1,
      parentCellId: null,
      stopReason: 'answered',
      answer: cell.stdout,
      turns: [makeTurn(0, call, cell), makeTurn(1, last, lastCell)],
    },
  }
}

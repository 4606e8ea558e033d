// A child invocation: what `rlm_query` starts where the depth allows it. Its context is the prompt of
// the call, it has a REPL of its own, and it draws on the budget of the tree, within limits of its own.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { toErrorRecord, type ErrorRecord } from '../src/errors.ts'
import { deriveId } from '../src/ids.ts'
import type { ContextFile } from '../src/sandbox.ts'
import type { TrajectoryJournal } from '../src/store/contract.ts'
import type { ContextFacts } from '../src/tasks/task.ts'
import { createBudget } from './budget.ts'
import { runInvocation } from './invocation.ts'
import type { RunChild, Tree } from './tree.ts'
import { takeUpSpending } from './recorder.ts'
import type { Replay } from './replay.ts'
import { childCallRow } from './rows.ts'
import { failureText } from './sub-calls.ts'

/** `scratch` is a directory for the children's contexts. */
export function runChildInvocation(scratch: string): RunChild {
  const runChild: RunChild = async (tree, parent, prompt, signal) => {
    const { place, depth } = parent
    const startedAt = new Date().toISOString()
    const start = performance.now()
    const settle = async (child: {
      invocationId: string
      answer: string | null
      error: ErrorRecord | null
    }) => {
      const latencyMs = performance.now() - start
      const row = childCallRow(place, { ...child, model: tree.childModel, prompt, startedAt, latencyMs })
      await tree.recorder.append([{ table: 'calls', row }])
    }
    const ended = new AbortController()
    try {
      signal.throwIfAborted()
      const id = deriveId(place.id, 'child')
      const context = await childContext(scratch, prompt)
      const input = {
        id,
        depth: depth + 1,
        parent: { cellId: place.cellId ?? '', callId: place.id },
        prompt: null,
        context,
      }
      const end = await runInvocation(boundedTree(tree, id, signal, ended.signal), input, runChild)
      const error = end.error ?? (end.answer === null ? unanswered(end.stopReason) : null)
      await settle({ invocationId: end.id, answer: end.answer, error })
      return end.answer ?? failureText({ kind: 'rlm', childInvocationId: end.id }, error)
    } catch (thrown) {
      tree.signal.throwIfAborted()
      const error = signal.aborted ? givenUp : toErrorRecord(thrown, 'sandbox')
      await settle({ invocationId: '', answer: null, error })
      return failureText({ kind: 'rlm' }, error)
    } finally {
      ended.abort()
    }
  }
  return runChild
}

/** The tree as a child sees it: it ends with the cell that started it, and by limits of its own. */
function boundedTree(tree: Tree, id: string, cell: AbortSignal, ended: AbortSignal): Tree {
  const own = tree.config.limits.child ?? {}
  const budget = createBudget(own, tree.budget)
  if (tree.replay) takeUpSpending(budget, callsBelow(tree.replay, id))
  const deadline = new AbortController()
  if (own.maxTimeSeconds !== undefined) {
    const timer = setTimeout(() => deadline.abort(), own.maxTimeSeconds * 1000)
    ended.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }
  const { maxTurns = tree.config.limits.maxTurns, maxErrors = tree.config.limits.maxErrors } = own
  return {
    ...tree,
    config: { ...tree.config, limits: { ...tree.config.limits, maxTurns, maxErrors } },
    budget,
    subCalls: { ...tree.subCalls, budget },
    signal: AbortSignal.any([tree.signal, cell, deadline.signal]),
    timedOut: () => tree.timedOut() || (deadline.signal.aborted && !tree.signal.aborted && !cell.aborted),
  }
}

/** What an earlier attempt has recorded of an invocation and all below it. */
function callsBelow({ journal }: Replay, id: string): TrajectoryJournal['calls'] {
  const below = new Set([id])
  for (const row of journal.invocations.toSorted((a, b) => a.depth - b.depth)) {
    const parent = journal.calls.find((call) => call.id === row.parentCallId)
    if (parent && below.has(parent.invocationId)) below.add(row.id)
  }
  return journal.calls.filter((call) => below.has(call.invocationId))
}

const givenUp: ErrorRecord = {
  boundary: 'model',
  code: 'cancelled',
  message: 'the child was given up when its cell ended',
}

function unanswered(stopReason: string): ErrorRecord {
  return {
    boundary: 'protocol',
    code: stopReason,
    message: `the child ended without an answer (${stopReason})`,
  }
}

async function childContext(
  scratch: string,
  prompt: string,
): Promise<{ facts: ContextFacts; files: ContextFile[]; text(): Promise<string> }> {
  const bytes = Buffer.from(prompt)
  const file = path.join(scratch, `${createHash('sha256').update(bytes).digest('hex')}.txt`)
  await writeFile(file, bytes)
  return {
    facts: { type: 'str', characters: Array.from(prompt).length },
    files: [{ path: file, format: 'text', bytes: bytes.length }],
    text: async () => prompt,
  }
}

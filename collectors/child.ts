// A child invocation: what `rlm_query` starts where the depth allows it. Its context is the prompt of
// the call, it has a REPL of its own, and it draws on the budget of the tree.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { toErrorRecord, type ErrorRecord } from '../src/errors.ts'
import { deriveId } from '../src/ids.ts'
import type { ContextFile } from '../src/sandbox.ts'
import type { ContextFacts } from '../src/tasks/task.ts'
import { runInvocation, type RunChild } from './invocation.ts'
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
    try {
      signal.throwIfAborted()
      const context = await childContext(scratch, prompt)
      const input = {
        id: deriveId(place.id, 'child'),
        depth: depth + 1,
        parent: { cellId: place.cellId ?? '', callId: place.id },
        prompt: null,
        context,
      }
      // The child ends with the cell that started it.
      const bounded = { ...tree, signal: AbortSignal.any([tree.signal, signal]) }
      const end = await runInvocation(bounded, input, runChild)
      const error = end.error ?? (end.answer === null ? unanswered(end.stopReason) : null)
      await settle({ invocationId: end.id, answer: end.answer, error })
      return end.answer ?? failureText({ kind: 'rlm', childInvocationId: end.id }, error)
    } catch (thrown) {
      tree.signal.throwIfAborted()
      const error = signal.aborted ? givenUp : toErrorRecord(thrown, 'sandbox')
      await settle({ invocationId: '', answer: null, error })
      return failureText({ kind: 'rlm' }, error)
    }
  }
  return runChild
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

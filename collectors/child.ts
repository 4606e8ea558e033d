// A child invocation: what `rlm_query` starts where the depth allows it. Its context is the prompt of
// the call, it has a REPL of its own, and it draws on the budget of the tree.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { toErrorRecord, type ErrorRecord } from '../src/errors.ts'
import type { ContextFile } from '../src/sandbox.ts'
import type { ContextFacts } from '../src/tasks/task.ts'
import { runInvocation, type RunChild } from './invocation.ts'
import { childCallRow } from './recorder.ts'

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
        depth: depth + 1,
        parent: { cellId: place.cellId ?? '', callId: place.id },
        prompt: null,
        context,
      }
      const end = await runInvocation(tree, input, runChild)
      const error = end.error ?? (end.answer === null ? unanswered(end.stopReason) : null)
      await settle({ invocationId: end.id, answer: end.answer, error })
      return end.answer ?? `Error: Child RLM completion failed - ${error?.message ?? end.stopReason}`
    } catch (thrown) {
      tree.signal.throwIfAborted()
      const error = toErrorRecord(thrown, 'sandbox')
      await settle({ invocationId: '', answer: null, error })
      return `Error: RLM query failed - ${error.message}`
    }
  }
  return runChild
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
): Promise<{ facts: ContextFacts; file: ContextFile; text(): Promise<string> }> {
  const bytes = Buffer.from(prompt)
  const file = path.join(scratch, `${createHash('sha256').update(bytes).digest('hex')}.txt`)
  await writeFile(file, bytes)
  return {
    facts: { type: 'str', characters: Array.from(prompt).length },
    file: { path: file, format: 'text', bytes: bytes.length },
    text: async () => prompt,
  }
}

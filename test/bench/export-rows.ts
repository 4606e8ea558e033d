// Rows as `sft-turns` gives them, for the benchmark: five turns a trajectory, each prompt the one
// before and two messages more, of real text (the sources and documents of installed packages).
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecipeRow } from '../../src/datasets/arrow.ts'

export const turnsPerTrajectory = 5

let texts = ''

/** The rows from trajectory `first` on. `bytes` counts their texts. */
export async function makeRows(count: number, first = 0): Promise<{ rows: RecipeRow[]; bytes: number }> {
  texts ||= await realTexts(join(import.meta.dirname, '../../node_modules'), 8_000_000)
  let position = first * 7_654_321
  function take(size: number): string {
    const start = (position = (position * 31 + 7919 * size + 104_729) % (texts.length - size))
    // Through bytes, as a text from a database comes: flat, and one byte a character where it can be.
    return Buffer.from(texts.slice(start, start + size)).toString()
  }
  const system = take(3000)
  const rows: RecipeRow[] = []
  let bytes = 0
  while (rows.length < count) {
    const trajectory = first + Math.floor(rows.length / turnsPerTrajectory)
    const messages = [
      { role: 'system', content: system },
      { role: 'user', content: take(400) },
    ]
    for (let turn = 0; turn < turnsPerTrajectory && rows.length < count; turn += 1) {
      const completion = [{ role: 'assistant', content: take(300 + ((rows.length * 37) % 900)) }]
      const row = rowOf(trajectory, turn, [...messages], completion)
      bytes += [...messages, ...completion].reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
      messages.push(...completion, { role: 'user', content: take(400 + ((rows.length * 61) % 2200)) })
      rows.push(row)
    }
  }
  return { rows, bytes }
}

function rowOf(trajectory: number, turn: number, prompt: object[], completion: object[]): RecipeRow {
  return {
    prompt,
    completion,
    role: 'root',
    run_id: '0199d3a1-7b1e-7cc0-8d7e-1f1f6f9f2b11',
    trajectory_id: `0199d3a1-7b1e-7cc0-8d7e-${String(trajectory).padStart(12, '0')}`,
    task_id: `task-${trajectory >> 2}`,
    rollout: trajectory & 3,
    invocation_id: `0199d3a1-7b1e-8cc0-8d7e-${String(trajectory).padStart(12, '0')}`,
    depth: 0,
    turn,
    turns: turnsPerTrajectory,
    compaction: false,
    extendsPrevious: null,
    forced: turn === turnsPerTrajectory - 1 && trajectory % 10 === 0,
    reward: trajectory % 7 === 0 ? null : (trajectory % 100) / 100,
    stop_reason: 'answered',
    model: 'a-model',
    protocol: 'rlm',
    protocol_hash: '81de85dfab26d2a9f5c1'.repeat(3),
    prompt_characters: 1000 * turn,
    policy_version: null,
    scripted: false,
  }
}

async function realTexts(directory: string, size: number): Promise<string> {
  const parts: string[] = []
  let length = 0
  for (const name of (await readdir(directory)).toSorted()) {
    const files = await readdir(join(directory, name), { recursive: true }).catch(() => [])
    for (const file of files.toSorted((a, b) => a.localeCompare(b)).slice(0, 60)) {
      if (!/\.(md|js|ts|mjs)$/.test(file)) continue
      const text = await readFile(join(directory, name, file), 'utf8').catch(() => '')
      if (text.length > 400_000) continue
      parts.push(text)
      length += text.length
      if (length > size) return parts.join('\n')
    }
  }
  return parts.join('\n')
}

// Compaction: the history that nears the model's window gives way to the model's own summary of it
// (alexzhang13/rlm, rlm/core/rlm.py: _compact_history). What was said before stays in the record and, as
// `history`, in the REPL.
import type { CompactionConfig } from '../../src/run-file.ts'
import type { Compaction } from './protocol.ts'

// The reference's words, byte for byte: they are its interface to the model.
const askText =
  'Summarize your progress so far. Include:\n' +
  '1. Which steps/sub-tasks you have completed and which remain.\n' +
  '2. Any concrete intermediate results (numbers, values, variable names) ' +
  'you computed — preserve these exactly.\n' +
  '3. What your next action should be.\n' +
  'Be concise (1–3 paragraphs) but preserve all key results and your ' +
  'current position in the task.'

function restartText(count: number): string {
  return (
    `Your conversation has been compacted ${count} time(s). ` +
    'Continue from the above summary. Do NOT repeat work you have already completed. ' +
    'Use SHOW_VARS() to check which REPL variables exist, and check `history` for full context. ' +
    'Your next action:'
  )
}

/** `strict`: the user's prologue is lost with the history, and children are never compacted. */
export function createCompaction(config: CompactionConfig, strict: boolean): Compaction {
  return {
    tokens: Math.floor(config.window * config.at),
    rootOnly: strict,
    ask: { role: 'user', content: askText },
    restart: (opening, summary, count) => [
      ...(strict ? opening.slice(0, 2) : opening),
      { role: 'assistant', content: summary },
      { role: 'user', content: restartText(count) },
    ],
  }
}

/** What the texts of compaction are, for the protocol's hash and the stored run. */
export const compactionTexts = { compactionAsk: askText, compactionRestart: restartText(1) }

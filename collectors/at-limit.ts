// What becomes of a rollout that reaches a limit, as the run file chooses: nothing more, one last answer
// that is asked for, or what the REPL holds already. Left out, it is the reference's way: a last answer is
// asked for when the turns are used up, and any other limit ends the rollout as it is.
import type { AtLimit } from '../src/run-file.ts'
import type { SandboxSession } from '../src/sandbox.ts'
import type { StopReason } from '../src/trajectory.ts'

/** The draft or the variable that the run wants, as text; null when there is none or it is empty. */
export async function takeDraft(
  atLimit: AtLimit | undefined,
  session: SandboxSession | null,
): Promise<string | null> {
  if (session === null || atLimit === undefined || atLimit === 'stop' || atLimit === 'answer') return null
  const text =
    atLimit === 'draft'
      ? await session.variable('answer', 'content')
      : await session.variable(atLimit.variable)
  return text === null || text.trim() === '' ? null : text
}

/**
 * Whether one last answer is asked for. When the time is up there is none left for it; `spent` tells that
 * the tree's calls, tokens or dollars are used up, which only `answer` exceeds by that one call.
 */
export function asksForAnswer(
  atLimit: AtLimit | undefined,
  stopReason: StopReason,
  state: { forceAnswer: boolean; spent: boolean; timedOut: boolean },
): boolean {
  if (state.timedOut || atLimit === 'stop') return false
  if (atLimit === 'answer') return true
  return state.forceAnswer && !state.spent && (stopReason === 'max_turns' || stopReason === 'no_code')
}

// How a turn that cleaning leaves out is told from one whose call failed: both have no response, and keep
// their place in the prompts after them.
import type { Turn } from '../../trajectory.ts'

/** The boundary in the error of such a turn. */
export const cleaningBoundary = 'cleaning'

export function isLeftOut(turn: Turn): boolean {
  return turn.call.error?.boundary === cleaningBoundary
}

// Looks at a trajectory that selections, recipes and cleaning share.
import type { Trajectory, Turn } from '../trajectory.ts'
import { isLeftOut } from './clean/left-out.ts'

/** The invocation that the task started; undefined for a trajectory that ended before it. */
export function rootInvocation(trajectory: Trajectory) {
  return trajectory.invocations.find((invocation) => invocation.depth === 0)
}

export interface Message {
  role: string
  content: string
}

export function sameMessage(a: Message | undefined, b: Message | undefined): boolean {
  return a === b || (a?.role === b?.role && a?.content === b?.content)
}

/** The text of the turn's response; null when its call failed. */
export function responseOf(turn: Turn): string | null {
  return turn.call.error === null ? turn.call.response.text : null
}

/** Counts a turn without a response. What cleaning leaves out is counted by cleaning. */
export function countFailed(turn: Turn, leaveOut: (reason: string) => void): void {
  if (!isLeftOut(turn)) leaveOut('turns whose call failed')
}

/** What the root said, turn by turn; turns whose call failed said nothing. */
export function responsesOf(trajectory: Trajectory): string[] {
  return (rootInvocation(trajectory)?.turns ?? []).flatMap((turn) => responseOf(turn) ?? [])
}

/** What the funnel says of prompts above a limit. */
export function tooLong(limit: number): string {
  return `prompts of more than ${limit} characters`
}

/** Counts the code points of conversations. A message is in all later prompts: its length is kept. */
export function characterCounter(): (messages: Message[]) => number {
  const lengths = new Map<Message, number>()
  return (messages) => {
    let sum = 0
    for (const message of messages) {
      let length = lengths.get(message)
      if (length === undefined) lengths.set(message, (length = countCodePoints(message.content)))
      sum += length
    }
    return sum
  }
}

function countCodePoints(text: string): number {
  // As many bytes as units: all of it is ASCII, as most texts are, and this is told at once.
  if (Buffer.byteLength(text) === text.length) return text.length
  let pairs = 0
  for (let index = 1; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0xdc00 || unit > 0xdfff) continue
    const before = text.charCodeAt(index - 1)
    if (before >= 0xd800 && before <= 0xdbff) pairs += 1
  }
  return text.length - pairs
}

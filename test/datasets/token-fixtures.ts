// Trajectories whose calls have token arrays, placed as the recorder places them. The engine here gives a
// character its code point, and each message an opening and a closing id.
import { createTokenChains } from '../../src/models/token-deltas.ts'
import type { CallTokens } from '../../src/store/contract.ts'
import type { Trajectory } from '../../src/trajectory.ts'

export const opening = 2_000_000
export const closing = 2_000_001

export type StoredTokens = Map<string, Map<string, CallTokens>>

export function idsOf(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0)
}

export function promptIds(messages: { content: string }[]): number[] {
  return [...messages.flatMap(({ content }) => [opening, ...idsOf(content), closing]), opening]
}

/** Gives every policy call of the trajectories an id of its own, and tokens. `versions`: by turn. */
export function withEngineTokens(
  trajectories: Trajectory[],
  options: { versions?: string[]; logprob?: (index: number) => number } = {},
): StoredTokens {
  const all: StoredTokens = new Map()
  for (const trajectory of trajectories) {
    const chains = createTokenChains()
    const stored = new Map<string, CallTokens>()
    for (const invocation of trajectory.invocations) {
      for (const turn of invocation.turns) {
        const { call } = turn
        call.id = `${trajectory.id}/${invocation.id}/${turn.index}`
        if (call.response.text === null) continue
        const completion = Int32Array.from([...idsOf(call.response.text), closing])
        const placed = chains.place(invocation.id, call.id, {
          source: 'engine',
          prompt: Int32Array.from(promptIds(call.messages)),
          completion,
          logprobs: null,
        })
        stored.set(call.id, {
          callId: call.id,
          baseCallId: placed.baseCallId,
          prompt: placed.prompt,
          completion,
          logprobs: Float32Array.from(completion, (_, index) => options.logprob?.(index) ?? -0.5),
          policyVersion: options.versions?.[turn.index] ?? null,
        })
      }
    }
    all.set(trajectory.id, stored)
  }
  return all
}

// Token arrays in linear size. A prompt that extends the sequence before it (prompt + completion of the
// call before) exactly is stored as what follows that sequence; any other is stored whole, so that an
// invocation whose later call has no base is one whose history was rewritten (the extension property
// does not hold). Reassembling gives the exact arrays back.
import { StoreError } from '../errors.ts'
import type { TokenData } from './model.ts'

export type Placement = { extends: true; delta: Int32Array } | { extends: false; whole: Int32Array }

/** `previous`: the prompt and completion of the call before; null when there was none. */
export function placePrompt(previous: Int32Array | null, prompt: Int32Array): Placement {
  if (previous === null || prompt.length < previous.length) return { extends: false, whole: prompt }
  for (let index = 0; index < previous.length; index++)
    if (previous[index] !== prompt[index]) return { extends: false, whole: prompt }
  return { extends: true, delta: prompt.slice(previous.length) }
}

/** What of a call's tokens is stored: the columns `tokenBaseCallId` and `promptTokens`. */
export interface PlacedTokens {
  baseCallId: string | null
  prompt: Int32Array | null
  /** Null for the first call of a chain and where prompt ids are missing. */
  extends: boolean | null
}

/** The chains of one trajectory: one per invocation, in the order of its policy calls. */
export interface TokenChains {
  /** Places the tokens of an invocation's next policy call, which the call after it may then extend. */
  place(chainId: string, callId: string, tokens: TokenData | null): PlacedTokens
  /** Continues a chain whose last call was stored by an earlier attempt. */
  continue(chainId: string, callId: string, sequence: Int32Array): void
  /** Forgets an invocation that has ended. */
  end(chainId: string): void
}

export function createTokenChains(): TokenChains {
  const last = new Map<string, { callId: string; sequence: Int32Array }>()
  return {
    place(chainId, callId, tokens) {
      if (!tokens) return { baseCallId: null, prompt: null, extends: null }
      const before = last.get(chainId) ?? null
      const { prompt, completion } = tokens
      // Without both arrays nobody can tell what the next prompt should begin with.
      if (prompt && completion) last.set(chainId, { callId, sequence: joined([prompt, completion]) })
      else last.delete(chainId)
      if (!prompt) return { baseCallId: null, prompt: null, extends: null }
      const placed = placePrompt(before?.sequence ?? null, prompt)
      if (placed.extends) return { baseCallId: before?.callId ?? null, prompt: placed.delta, extends: true }
      return { baseCallId: null, prompt: placed.whole, extends: before ? false : null }
    },
    continue: (chainId, callId, sequence) => void last.set(chainId, { callId, sequence }),
    end: (chainId) => void last.delete(chainId),
  }
}

/** The arrays of one call as they are stored (`Store.readTokens`). */
export interface StoredTokens {
  callId: string
  baseCallId: string | null
  prompt: Int32Array | null
  completion: Int32Array | null
  logprobs: Float32Array | null
}

/**
 * The calls whose tokens make up one call's sequence, from the first (whose prompt is whole) to that
 * call. Errors raised: StoreError `corrupt` when a base is missing or a chain has no beginning.
 */
export function tokenChain(rows: ReadonlyMap<string, StoredTokens>, callId: string): StoredTokens[] {
  const chain: StoredTokens[] = []
  const seen = new Set<string>()
  let id: string | null = callId
  while (id !== null) {
    const row: StoredTokens | undefined = rows.get(id)
    if (!row || seen.has(id))
      throw new StoreError(
        'corrupt',
        `the tokens of call ${callId} cannot be put together: ${id} ${row ? 'is its own base' : 'is missing'}`,
      )
    seen.add(id)
    chain.push(row)
    id = row.baseCallId
  }
  return chain.toReversed()
}

/**
 * The exact arrays that the engine gave for a call; null where it gave none. Errors raised: StoreError
 * `corrupt`.
 */
export function reassemble(
  rows: ReadonlyMap<string, StoredTokens>,
  callId: string,
): { prompt: Int32Array | null; completion: Int32Array | null; logprobs: Float32Array | null } {
  const chain = tokenChain(rows, callId)
  const own = chain.at(-1)
  const prompt = own?.prompt
    ? joined(
        chain.flatMap(({ prompt: part, completion }, index) =>
          index === chain.length - 1 ? [part ?? none] : [part ?? none, completion ?? none],
        ),
      )
    : null
  return { prompt, completion: own?.completion ?? null, logprobs: own?.logprobs ?? null }
}

/**
 * Prompt and completion of a call in one, as the call after it is compared with; null where either is
 * missing. Errors raised: StoreError `corrupt`.
 */
export function sequenceOf(rows: ReadonlyMap<string, StoredTokens>, callId: string): Int32Array | null {
  if (!rows.has(callId)) return null
  const { prompt, completion } = reassemble(rows, callId)
  return prompt && completion ? joined([prompt, completion]) : null
}

const none = new Int32Array(0)

function joined(parts: Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

// What logprobs tell of a response as a whole, and how sure one token was. Pure.

/**
 * Over the tokens that have a logprob: the mean, the perplexity exp(-mean), and the least. Null when none has.
 */
export function measure(
  logprobs: (number | null)[] | null,
): { mean: number; perplexity: number; least: number } | null {
  const known = (logprobs ?? []).filter((value) => value !== null)
  if (known.length === 0) return null
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  return { mean, perplexity: Math.exp(-mean), least: known.reduce((a, b) => Math.min(a, b)) }
}

const steps = [0.9, 0.5, 0.2, 0.05]

/** 0 for a token that was all but certain, to 4; `none` without a logprob. */
export function heatOf(logprob: number | null): string {
  if (logprob === null) return 'none'
  const step = steps.findIndex((least) => Math.exp(logprob) >= least)
  return String(step === -1 ? steps.length : step)
}

// How often tasks are solved, from n rollouts each of which c were right. All are unbiased: they count the
// choices of k out of the n, without putting back.

/** The logarithm of n over k, which does not overflow. */
function logChoose(n: number, k: number): number {
  let sum = 0
  for (let i = 1; i <= k; i += 1) sum += Math.log((n - k + i) / i)
  return sum
}

/**
 * The chance that at least one of k rollouts is right: 1 − C(n−c, k) / C(n, k). Null when n < k.
 * Source: Chen and others, arXiv 2107.03374, equation 1.
 */
export function passAtK(n: number, c: number, k: number): number | null {
  if (n < k) return null
  if (n - c < k) return 1
  let none = 1
  for (let i = n - c + 1; i <= n; i += 1) none *= 1 - k / i
  return 1 - none
}

/**
 * The chance that all k are right: C(c, k) / C(n, k). Null when n < k.
 * Source: τ-bench, arXiv 2406.12045 ("pass^k").
 */
export function passHatK(n: number, c: number, k: number): number | null {
  if (n < k) return null
  let all = 1
  for (let i = 0; i < k; i += 1) all *= Math.max(0, c - i) / (n - i)
  return all
}

/** The chance that at least `least` of k are right (hypergeometric). Null when n < k. */
export function leastOfK(n: number, c: number, k: number, least: number): number | null {
  if (n < k) return null
  let sum = 0
  for (let right = Math.max(0, least); right <= k; right += 1) {
    if (right > c || k - right > n - c) continue
    sum += Math.exp(logChoose(c, right) + logChoose(n - c, k - right) - logChoose(n, k))
  }
  return Math.min(1, sum)
}

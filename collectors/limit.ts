// Bounds how many asynchronous tasks run at once, first come, first served.
import pLimit from 'p-limit'

export type Limit = <T>(task: () => Promise<T>) => Promise<T>

export function createLimit(concurrency: number): Limit {
  return pLimit(concurrency)
}

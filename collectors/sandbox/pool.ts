// Interpreters started ahead of their session. A context is inherited at the start, so those that wait
// hold the contexts of the session opened last: the next rollout of a task finds its own.
import type { ContextFile } from '../../src/sandbox.ts'
import { startRepl } from './repl.ts'
import type { Repl } from './repl.ts'
import type { Level } from './level.ts'
import type { Interpreter } from './python.ts'

export interface ReplPool {
  take(contexts: readonly ContextFile[]): Promise<Repl>
  /** Ends those that wait and those that were taken, and settles when none is left. */
  close(): Promise<void>
}

/** `warm`: how many interpreters wait at most. Throws a SandboxError. */
export async function openPool(
  level: Level,
  interpreter: Interpreter | null,
  warm: number,
): Promise<ReplPool> {
  const letGo = interpreter === null ? undefined : await level.hold?.(interpreter)
  const all = new Set<Repl>()
  let waiting: { key: string; repl: Promise<Repl | null> }[] = []
  let closed = false

  async function start(contexts: readonly ContextFile[]): Promise<Repl> {
    const repl = await startRepl(level, interpreter, contexts)
    all.add(repl)
    void repl.exited.then(() => all.delete(repl))
    if (closed) repl.kill()
    return repl
  }

  function refill(contexts: readonly ContextFile[]): void {
    if (closed || warm === 0) return
    const key = keyOf(contexts)
    const others = waiting.filter((entry) => entry.key !== key)
    let missing = warm - (waiting.length - others.length)
    while (missing > 0) {
      waiting.push({ key, repl: start(contexts).catch(() => null) })
      missing -= 1
    }
    waiting = waiting.filter((entry) => entry.key === key)
    for (const entry of others) void entry.repl.then((repl) => repl?.kill())
  }

  refill([])
  return {
    async take(contexts) {
      const key = keyOf(contexts)
      const index = waiting.findIndex((entry) => entry.key === key)
      const [entry] = index < 0 ? [] : waiting.splice(index, 1)
      const repl = await entry?.repl
      setImmediate(() => refill(contexts))
      return repl && repl.death() === null ? repl : await start(contexts)
    },
    async close() {
      closed = true
      await Promise.all(waiting.map(async (entry) => await entry.repl))
      const left = [...all]
      for (const repl of left) repl.kill({ reason: 'cancelled', detail: 'the sandbox was closed' })
      await Promise.all(left.map(async (repl) => await repl.exited))
      letGo?.()
    },
  }
}

function keyOf(contexts: readonly ContextFile[]): string {
  return JSON.stringify(contexts.map((context) => context.path))
}

// A session: one interpreter at a time, replaced when it dies. Invariant: whatever a cell does, the next
// `execute` finds a REPL with the contexts loaded; what was lost is said in the result of the cell that
// lost it.
import { randomUUID } from 'node:crypto'
import { SandboxError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import type { CellResult, Death, SandboxSession, SessionOptions, Variable } from '../../src/sandbox.ts'
import { deadCell, runCell } from './cell.ts'
import type { Frame } from './channel.ts'
import { startClock } from './clock.ts'
import { sessionLimits } from './limits.ts'
import type { Repl } from './repl.ts'
import { setUp } from './setup.ts'

export interface SessionHost {
  /** An interpreter that holds the session's contexts; from then on the session's to end. */
  takeRepl(): Promise<Repl>
  onClose(): void
}

/** Opens a session; throws a SandboxError when no REPL can be started and set up. */
export async function openSession(host: SessionHost, options: SessionOptions): Promise<SandboxSession> {
  const limits = sessionLimits(options.limits)
  const made = { calls: 0 }
  let closed = false
  let busy = false
  const remembered: Json[] = []
  /** How many of `remembered` the REPL has. */
  let told = 0
  let current = begin()
  const { level } = (await current).repl

  async function begin(): Promise<{ repl: Repl; variables: Variable[] }> {
    const repl = await host.takeRepl()
    told = 0
    const variables = await setUp(repl, options)
    repl.freeze()
    if (closed) repl.kill()
    return { repl, variables }
  }

  /** A fresh REPL in place of the dead one; the variables it starts with, none if it cannot start. */
  async function replace(): Promise<Variable[]> {
    if (closed) return []
    current = begin()
    return await current.then(
      ({ variables }) => variables,
      () => [],
    )
  }

  async function live(): Promise<Repl> {
    try {
      return (await current).repl
    } catch {
      // The last attempt to replace a dead REPL failed; the machine may have room again.
      current = begin()
      return (await current).repl
    }
  }

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw new SandboxError('closed', 'the session is closed')
    if (busy) throw new SandboxError('busy', 'the session is executing a cell: await it before the next one')
    busy = true
    try {
      return await work()
    } finally {
      busy = false
    }
  }

  async function execute(code: string, run: Parameters<SandboxSession['execute']>[1]): Promise<CellResult> {
    run.signal?.throwIfAborted()
    const repl = await live()
    const death = repl.death()
    if (death === null) tell(repl)
    const result: CellResult =
      death === null
        ? await runCell(repl, code, { functions: options.setup.functions, limits, made, ...run })
        : { ...deadCell({ ...death, detail: `between cells, ${death.detail}` }), durationMs: 0, computeMs: 0 }
    if (result.death === null) return result
    return { ...result, variables: await replace() }
  }

  /** A frozen REPL reads it when it thaws: before the cell that is sent next. */
  function tell(repl: Repl): void {
    for (const entry of remembered.slice(told))
      repl.channel.send({ order: 'remember' }, [JSON.stringify(entry)])
    told = remembered.length
  }

  /** `str()` of a variable is code of the cells: it has a cell's time, and may end the REPL. */
  async function variable(name: string, key?: string): Promise<string | null> {
    const repl = await live()
    const identity = randomUUID()
    const { alarms, transport } = repl
    const limitMs = options.limits.cellSeconds * 1000
    const clock = startClock(alarms.compute, limitMs, transport.processId, () => repl.kill())
    const ended = new Promise<string | null | Death>((resolve) => {
      function onFrame(frame: Frame): void {
        if ('call' in frame) {
          repl.channel.send({ answer: frame.call, kind: 'error' }, ['no cell is running'])
        } else if ('variable' in frame && frame.variable === identity) {
          repl.freeze()
          resolve(frame.found ? (frame.texts[0] ?? '') : null)
        }
      }
      repl.listen({ onFrame, onExit: resolve })
    })
    repl.thaw()
    repl.channel.send({ order: 'variable', id: identity, name, key: key ?? null })
    const value = await ended
    clock.stop()
    if (typeof value === 'string' || value === null) return value
    await replace()
    return null
  }

  return {
    isolation: level.isolation,
    execute: async (code, run) => await alone(async () => await execute(code, run)),
    variable: async (name, key) => await alone(async () => await variable(name, key)),
    remember: (entry) => void remembered.push(entry),
    async close() {
      if (closed) return
      closed = true
      const found = await current.catch(() => null)
      found?.repl.kill({ reason: 'cancelled', detail: 'the session was closed' })
      await found?.repl.exited
      host.onClose()
    },
  }
}

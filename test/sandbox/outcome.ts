// What must come of a hostile cell, and how a result differs from it.
import type { CellResult, Isolation, SandboxLimits } from '../../src/sandbox.ts'
import { outcomesElsewhere } from './hostile/elsewhere.ts'

type Expected = string | RegExp

/** What must come of a cell. */
export type Outcome = Pick<HostileCell, 'stdout' | 'error' | 'message' | 'death'>

export interface HostileCell {
  name: string
  /** TARGET_FILE and TARGET_PORT stand for a file of the host with a secret and a port it listens on. */
  code: string
  /** Printed by the cell, exactly or as a pattern. */
  stdout?: Expected
  /** The exception's class; where levels differ, for each. Patterns are for differences between Pythons. */
  error?: Expected | Partial<Record<Isolation, Expected>>
  message?: RegExp
  /** Where levels differ, for each. */
  death?: RegExp | Partial<Record<Isolation, RegExp>>
  limits?: Partial<SandboxLimits>
}

/** How cells speak past the runner where the channel is not descriptor 3. */
const channels: Partial<Record<Isolation, { before: string; write: string }>> = {
  gvisor: { before: '', write: 'os.write(4,' },
  wasm: {
    before:
      'def to_channel(data):\n    import _descent_host\n    from pyodide.ffi import to_js\n    _descent_host.send(to_js(bytes(data)))\n',
    write: 'to_channel(',
  },
}

export function aimed(code: string, file: string, port: number, level: Isolation): string {
  const aim = code.replaceAll('TARGET_FILE', file).replaceAll('TARGET_PORT', `${port}`)
  const channel = channels[level]
  if (channel === undefined || !aim.includes('os.write(3,')) return aim
  return channel.before + aim.replaceAll('os.write(3,', channel.write)
}

/** The cell with what comes of it at this level. */
export function cellAt(cell: HostileCell, level: Isolation): HostileCell {
  const other = outcomesElsewhere[level]?.[cell.name]
  if (other === undefined) return cell
  const { name, code, limits } = cell
  return { name, code, limits, ...other }
}

/** What is not as it must be, in words; empty when all is. */
export function differences(cell: HostileCell, result: CellResult, level: Isolation): string[] {
  const death = result.death ? `${result.death.reason}: ${result.death.detail}` : ''
  const deadly = at(cell.death, level)
  const error = at(cell.error, level) ?? (deadly ? 'Killed' : '')
  const traceback = result.error?.traceback ?? ''
  const found: string[] = []
  function must(what: string, seen: string, wanted: Expected): void {
    if (!exactly(wanted).test(seen)) found.push(`${what}: ${JSON.stringify(seen.slice(0, 300))}`)
  }
  must('death', death, deadly ?? '')
  must('error', result.error?.type ?? '', error)
  must('message', result.error?.message ?? '', cell.message ?? /^/)
  must('stdout', result.stdout, cell.stdout ?? /^/)
  if (traceback.length > 8200) found.push(`traceback: ${traceback.length} characters`)
  if (traceback.includes('<descent:')) found.push('traceback: shows the runner')
  return found
}

function at(
  expected: Expected | Partial<Record<Isolation, Expected>> | undefined,
  level: Isolation,
): Expected | undefined {
  if (typeof expected !== 'object' || expected instanceof RegExp) return expected
  return expected[level] ?? (level === 'gvisor' ? expected.namespace : undefined)
}

function exactly(expected: Expected): RegExp {
  if (expected instanceof RegExp) return expected
  return new RegExp(`^${expected.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`)
}

// The frames from the hostile side: random, cut, oversized, nested, untimely, forged; many thousands of cases,
// each a whole cell of its own. Whatever comes, the cell ends with a result, what the host is asked and what
// it records comes from that very case, and nothing piles up.
import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { runCell } from '../../collectors/sandbox/cell.ts'
import type { Level } from '../../collectors/sandbox/level.ts'
import { sessionLimits } from '../../collectors/sandbox/limits.ts'
import { startRepl } from '../../collectors/sandbox/repl.ts'
import type { CellResult } from '../../src/sandbox.ts'
import { show, limits } from './helpers.ts'

// All of them with `npm run test:levels`.
const cases = process.env['DESCENT_ALL_LEVELS'] ? 100_000 : 30_000
const seed = 20_260_101

let state = seed
function random(below: number): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
}

function pick<T>(...from: readonly T[]): T {
  return from[random(from.length)] as T
}

function bytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)))
}

function frame(header: unknown, blob: Buffer | string = ''): Buffer {
  const head = typeof header === 'string' ? Buffer.from(header) : Buffer.from(JSON.stringify(header))
  const body = Buffer.from(blob)
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32BE(head.length, 0)
  prefix.writeUInt32BE(body.length, 4)
  return Buffer.concat([prefix, head, body])
}

const done = { counts: [6, 0], error: false, final: false, variables: [] }

/** One thing that an interpreter might send; `mark` tells the case apart. */
function something(mark: string, id: string): { sent: Buffer; forges?: boolean } {
  const odd = pick<unknown>(-1, 1.5, 2 ** 53, null, true, 'x', [], {}, [[]], '__proto__', 1e308)
  const call = {
    call: random(4),
    function: pick('llm_query', 'llm_query', 'none', '__proto__', 'constructor', 'toString'),
    batched: pick(true, false),
    texts: [mark.length],
  }
  const key = pick('call', 'function', 'batched', 'texts', 'model', 'encoded', 'extra', '__proto__')
  switch (random(16)) {
    case 0:
      return { sent: bytes(random(60)) }
    case 1:
      return { sent: frame(bytes(random(40)).toString('latin1')) }
    case 2:
      return { sent: frame(call, mark) }
    case 3:
      return { sent: frame({ ...call, [key]: odd }, mark) }
    case 4:
      return { sent: frame({ ...call, encoded: [random(3)] }, pick(mark, '{'.repeat(mark.length))) }
    case 5:
      return { sent: frame('['.repeat(random(3000)) + ']'.repeat(random(3000))) }
    case 6:
      return { sent: frame(call, mark).subarray(0, random(80)) }
    case 7: {
      const prefix = Buffer.alloc(8)
      prefix.writeUInt32BE(pick(0, 1 << 20, 1 << 21, 2 ** 32 - 1), 0)
      prefix.writeUInt32BE(pick(0, 96 << 20, 97 << 20, 2 ** 32 - 1), 4)
      return { sent: prefix }
    }
    case 8:
      return { sent: frame({ done: pick('x', '', odd), ...done, texts: [6, 0] }, 'forged') }
    case 9:
      return { sent: frame({ done: id, ...done, texts: [6, 0] }, 'forged'), forges: true }
    case 10: {
      const broken = { [pick('counts', 'variables', 'texts', 'error')]: odd }
      return { sent: frame({ done: id, ...done, ...broken }, ''), forges: true }
    }
    case 11:
      return { sent: frame(pick<unknown>({ up: true }, { ready: true, variables: [] }, { failed: 'x' })) }
    case 12:
      return { sent: frame({ variable: pick(id, 'x'), found: true, texts: [6] }, 'forged') }
    case 13:
      return { sent: frame({ printed: pick('stdout', 'stderr', odd), count: 5, texts: [5] }, 'print') }
    case 14:
      return { sent: frame({ ...call, texts: [pick(-2, 1, 2 ** 31), mark.length] }, `xx${mark}`) }
    default:
      return { sent: frame({ ...call, texts: Array.from({ length: random(50) }, () => 0) }) }
  }
}

/** What is not as it must be in a case's result and in what the host was asked. */
function wrongly(result: CellResult, asked: readonly string[], mark: string, forges: boolean): string[] {
  const found: string[] = []
  for (const prompt of asked) {
    // Sizes of its own choice cut the mark; where it is whole, it is this case's.
    const marks: string[] = prompt.match(/case \d+\./g) ?? []
    if (marks.some((other) => other !== mark)) found.push(`asked ${prompt}`)
  }
  if (asked.length > 5) found.push(`asked ${asked.length} times`)
  if (result.death === null) {
    const possible = forges ? ['honest', 'forged', ''] : ['honest']
    if (!possible.includes(result.stdout)) found.push(`printed ${result.stdout}`)
  } else {
    if (!['protocol', 'exit'].includes(result.death.reason)) found.push(`died of ${result.death.reason}`)
    if (result.variables.length > 0) found.push('has variables after its death')
  }
  return found
}

class Hostile extends Duplex {
  written: Buffer[] = []
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    // The runner's sources have arrived.
    if (this.written.length === 0) queueMicrotask(() => this.emit('data', frame({ up: true })))
    this.written.push(chunk)
    taken()
  }
}

it(`ends ${cases.toLocaleString('en')} cells, each with a result of its own`, async () => {
  let stream = new Hostile()
  let die: (death: { reason: 'exit'; detail: string }) => void = () => {}
  const level: Level = {
    isolation: 'none',
    hostPython: false,
    obstacle: async () => null,
    async start() {
      const own = (stream = new Hostile())
      const exited = new Promise<{ reason: 'exit'; detail: string }>((resolve) => (die = resolve))
      const kill = (): void => die({ reason: 'exit', detail: 'killed' })
      const nothing = (): void => {}
      return {
        stream: own,
        processId: null,
        exited,
        contexts: [],
        snapshot: null,
        interrupt: nothing,
        freeze: nothing,
        thaw: nothing,
        kill,
      }
    },
    confinement: () => ({ plan: { limits: {}, seccompNumber: 0 }, filter: Buffer.alloc(0) }),
  }
  const counts = { honest: 0, forged: 0, protocol: 0, calls: 0 }
  const heapAtStart = process.memoryUsage().heapUsed
  for (let index = 0; index < cases; index += 1) {
    const mark = `case ${index}.`
    const repl = await startRepl(level, null, [])
    const asked: string[] = []
    const before = stream.written.length
    const running = runCell(repl, 'x = 1', {
      functions: ['llm_query'],
      limits: sessionLimits({ ...limits, callsPerCell: 5 }),
      made: { calls: 0 },
      onCall: async ({ args: [prompt] }) => {
        asked.push(show(prompt))
        return mark
      },
    })
    const order = stream.written[before] ?? Buffer.alloc(0)
    const { id } = JSON.parse(order.toString('utf8', 8, 8 + order.readUInt32BE(0))) as { id: string }
    const sent: Buffer[] = []
    let forges = false
    for (let count = 1 + random(4); count > 0; count -= 1) {
      const one = something(mark, id)
      sent.push(one.sent)
      forges ||= one.forges === true
    }
    sent.push(frame({ done: id, ...done, texts: [6, 0] }, 'honest'))
    let rest = Buffer.concat(sent)
    // In pieces of any size, as a socket delivers them.
    while (rest.length > 0) {
      const size = pick(1 + random(20), rest.length, rest.length)
      stream.emit('data', rest.subarray(0, size))
      rest = rest.subarray(size)
    }
    // A frame that was announced and never came leaves the cell running, until its interpreter ends.
    setImmediate(() => die({ reason: 'exit', detail: 'ended' }))
    const result = await running
    repl.kill()
    expect(wrongly(result, asked, mark, forges)).toEqual([])
    if (result.death?.reason === 'protocol') counts.protocol += 1
    else if (result.death === null) counts[result.stdout === 'honest' ? 'honest' : 'forged'] += 1
    counts.calls += asked.length
  }
  // Every way was taken, often.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(cases / 50)
  expect(process.memoryUsage().heapUsed - heapAtStart).toBeLessThan(300 << 20)
}, 400_000)

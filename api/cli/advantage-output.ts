// Where the rows of `descent advantages` go: a file, JSON lines or CSV on stdout, or a table of the first ones.
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { Credit } from '../../rewards/credit/levels.ts'
import type { CreditLevel } from '../../rewards/credit/methods.ts'
import { UsageError } from '../../src/errors.ts'
import { csvLine } from './csv.ts'
import { formatScore, formatTable } from './format.ts'
import { say } from './store-option.ts'

const columns = [
  'taskId',
  'rollout',
  'trajectoryId',
  'invocationId',
  'depth',
  'turnId',
  'turn',
  'reward',
  'advantage',
  'weight',
] as const

export interface Output {
  add(credit: Credit): Promise<void>
  end(): Promise<void>
}

/**
 * To a file by its ending, and to stdout as JSON lines, as CSV, or as a table of the first `lines` rows.
 * Errors raised: UsageError for an ending that is neither .jsonl nor .csv, and from `end` for a file that cannot
 * be written.
 */
export function openAdvantageOutput(
  options: { out?: string; json?: boolean; csv?: boolean },
  level: CreditLevel,
  lines: number,
): Output {
  const parts = [options.out === undefined ? null : openFile(options.out, level)]
  if (options.json) parts.push(textOutput((credit) => `${JSON.stringify(rowOf(credit, level))}\n`, ''))
  else if (options.csv) parts.push(textOutput((credit) => csvOf(credit, level), csvHead(level)))
  else if (options.out === undefined) parts.push(tableOutput(lines))
  const open = parts.filter((part) => part !== null)
  return {
    async add(credit) {
      for (const part of open) await part.add(credit)
    },
    async end() {
      for (const part of open) await part.end()
    },
  }
}

function openFile(file: string, level: CreditLevel): Output {
  if (/\.jsonl$/i.test(file)) {
    return textOutput((credit) => `${JSON.stringify(rowOf(credit, level))}\n`, '', createWriteStream(file))
  }
  if (/\.csv$/i.test(file)) {
    return textOutput((credit) => csvOf(credit, level), csvHead(level), createWriteStream(file))
  }
  throw new UsageError(`--out: ${JSON.stringify(file)} ends neither in .jsonl nor in .csv`)
}

function textOutput(
  format: (credit: Credit) => string,
  head: string,
  stream: NodeJS.WritableStream = process.stdout,
): Output {
  stream.write(head)
  const isFile = stream !== process.stdout
  let closed = false
  const ended = finished(stream).finally(() => {
    closed = true
  })
  // Heard when it is waited for; a reader of stdout may go when it has seen enough.
  ended.catch(() => undefined)
  return {
    async add(credit) {
      if (closed || stream.write(format(credit))) return
      const drained = new AbortController()
      await Promise.race([once(stream, 'drain', { signal: drained.signal }), ended]).catch(() => undefined)
      drained.abort()
    },
    async end() {
      if (!isFile) return
      stream.end()
      await ended.catch((error: unknown) => {
        throw new UsageError(`--out: cannot be written (${(error as NodeJS.ErrnoException).code ?? 'error'})`)
      })
    },
  }
}

function rowOf(credit: Credit, level: CreditLevel): Record<string, unknown> {
  const row: Record<string, unknown> = Object.fromEntries(columns.map((name) => [name, credit[name]]))
  if (level === 'token') row['tokens'] = credit.tokens === null ? null : [...credit.tokens]
  return row
}

const csvHead = (level: CreditLevel): string =>
  csvLine([...columns, ...(level === 'token' ? ['tokens'] : [])])
const csvOf = (credit: Credit, level: CreditLevel): string => csvLine(Object.values(rowOf(credit, level)))

function tableOutput(lines: number): Output {
  const rows: string[][] = []
  let more = 0
  return {
    async add(credit) {
      if (rows.length >= lines) {
        more += 1
        return
      }
      rows.push([
        credit.taskId.slice(0, 28),
        String(credit.rollout),
        credit.trajectoryId.slice(-8),
        credit.depth === null ? '' : String(credit.depth),
        credit.invocationId?.slice(-8) ?? '',
        credit.turn === null ? '' : String(credit.turn + 1),
        formatScore(credit.reward),
        formatScore(credit.advantage),
        formatScore(credit.weight),
        ...(credit.tokens === null ? [''] : [String(credit.tokens.length)]),
      ])
    },
    async end() {
      const head = [
        'task',
        'rollout',
        'id',
        'depth',
        'invocation',
        'turn',
        'reward',
        'advantage',
        'weight',
        'tokens',
      ]
      // Columns that say nothing at this level are left out.
      const kept = head.map((_, at) => rows.some((row) => (row[at] ?? '') !== ''))
      const pick = (row: string[]): string[] => row.filter((_, at) => kept[at])
      if (rows.length > 0) process.stdout.write(`${formatTable(pick(head), rows.map(pick))}\n`)
      if (more > 0) say(`… and ${more} more (--limit, --json, --csv or --out)`)
    },
  }
}

// The selection language (../datasets/where) as SQL over `trajectories`, so that lists and statistics of a
// run are filtered where the rows are. Invariant: the SQL holds for a trajectory exactly when the parsed
// condition does. What has no SQL here gives null, and the caller evaluates the condition itself.
import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { findField } from '../datasets/where/fields.ts'
import { readTokens } from '../datasets/where/tokens.ts'
import type { Token } from '../datasets/where/tokens.ts'
import type { StoredRun } from './contract.ts'
import { scores, trajectories } from './schema.ts'

export interface WhereSql {
  condition: SQL
  /** The rows of `groupsOf` must be joined as `g`. */
  usesGroups: boolean
}

class NoSql extends Error {}

const comparisons: Record<string, SQL> = {
  '=': sql`=`,
  '==': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
}

const columns: Record<string, SQL> = {
  reward: sql`${trajectories.reward}`,
  turns: sql`${trajectories.turns}`,
  cells: sql`${trajectories.cells}`,
  calls: sql`${trajectories.calls}`,
  depth: sql`${trajectories.maxDepth}`,
  errors: sql`${trajectories.failedCells}`,
  input_tokens: sql`${trajectories.inputTokens}`,
  output_tokens: sql`${trajectories.outputTokens}`,
  cost: sql`${trajectories.costUsd}`,
  rollout: sql`${trajectories.rollout}`,
  stop_reason: sql`${trajectories.stopReason}`,
  status: sql`${trajectories.status}`,
  answer: sql`${trajectories.answer}`,
  task: sql`${trajectories.taskId}`,
}

const groupColumns: Record<string, SQL> = {
  'group.mean': sql`g.mean`,
  'group.max': sql`g.max`,
  'group.size': sql`g.scored`,
}

/** Above this, the product of pass@k is left to the caller. */
const mostAttempts = 64

/** What is known of each task of a run: over its rollouts that have a reward, in their order. */
export function groupsOf(runId: string, threshold: number): SQL {
  return sql`(${figures(threshold)}
    from trajectories where run_id = ${runId}::uuid group by task_id
  ) g`
}

/** The same for the task of each row: a page of a list reads the groups on it, not those of the whole run. */
export function groupOfRow(runId: string, threshold: number): SQL {
  return sql`lateral (${figures(threshold)}
    from trajectories same where same.run_id = ${runId}::uuid and same.task_id = trajectories.task_id
    group by same.task_id
  ) g`
}

function figures(threshold: number): SQL {
  return sql`
    select task_id, sum(reward order by rollout) / nullif(count(reward), 0) as mean, max(reward) as max,
      count(reward) as scored, count(*) filter (where reward >= ${threshold}::float8) as correct`
}

/** `source` has been parsed before: its mistakes are not reported here. */
export function compileWhere(source: string, run: StoredRun): WhereSql | null {
  const tokens = readTokens(source)
  let next = 0
  let usesGroups = false
  const peek = (): Token | undefined => tokens[next]
  const isWord = (word: string) => peek()?.kind === 'word' && peek()?.text.toLowerCase() === word
  const isSign = (sign: string) => peek()?.kind === 'sign' && peek()?.text === sign
  function takeWord(word: string): boolean {
    if (!isWord(word)) return false
    next += 1
    return true
  }
  function takeSign(sign: string): boolean {
    if (!isSign(sign)) return false
    next += 1
    return true
  }
  function expectSign(sign: string): void {
    if (!takeSign(sign)) throw new NoSql()
  }

  function either(): SQL {
    const parts = [all()]
    while (takeWord('or')) parts.push(all())
    return sql`(${sql.join(parts, sql` or `)})`
  }
  function all(): SQL {
    const parts = [negation()]
    while (takeWord('and')) parts.push(negation())
    return sql`(${sql.join(parts, sql` and `)})`
  }
  function negation(): SQL {
    if (takeWord('not')) return sql`not ${negation()}`
    if (!takeSign('(')) return comparison()
    const inner = either()
    expectSign(')')
    return inner
  }
  function comparison(): SQL {
    const first = operand()
    if (takeWord('is')) {
      const negative = takeWord('not')
      if (!takeWord('null')) throw new NoSql()
      return negative ? sql`(${first} is not null)` : sql`(${first} is null)`
    }
    const absent = isWord('not') && tokens[next + 1]?.text.toLowerCase() === 'in' && takeWord('not')
    if (takeWord('in')) return membership(first, absent)
    const tests: SQL[] = []
    let left = first
    for (;;) {
      const token = peek()
      const sign = token?.kind === 'sign' ? comparisons[token.text] : undefined
      if (!sign) break
      next += 1
      const right = operand()
      // Where a value is not there, the comparison is false, also inside `not`.
      tests.push(sql`coalesce(${left} ${sign} ${right}, false)`)
      left = right
    }
    if (tests.length === 0) throw new NoSql()
    return sql`(${sql.join(tests, sql` and `)})`
  }
  function membership(first: SQL, absent: boolean): SQL {
    expectSign('(')
    const values = [operand()]
    while (takeSign(',')) values.push(operand())
    expectSign(')')
    const tests = values.map((value) => sql`coalesce(${first} = ${value}, false)`)
    const found = sql`(${sql.join(tests, sql` or `)})`
    return absent ? sql`(${first} is not null and not ${found})` : found
  }
  function operand(): SQL {
    const token = tokens[next++]
    if (token?.kind === 'number') return sql`${Number(token.text)}::float8`
    if (token?.kind === 'text') return sql`${token.text.slice(1, -1)}::text`
    if (token?.kind !== 'word') throw new NoSql()
    return findField(token.text) ? field(token.text) : sql`${token.text}::text`
  }
  function field(name: string): SQL {
    const column = columns[name]
    if (column) return column
    if (name === 'run') return sql`${run.name}::text`
    if (name === 'model') return sql`${run.model}::text`
    if (name === 'protocol') return sql`${run.protocol}::text`
    const score = /^score\.(.+)$/.exec(name)?.[1]
    if (score !== undefined) return scoreOf(score)
    const group = groupColumns[name] ?? passAt(name)
    if (!group) throw new NoSql()
    usesGroups = true
    return group
  }

  try {
    const condition = either()
    return peek()?.kind === 'end' ? { condition, usesGroups } : null
  } catch (error) {
    if (error instanceof NoSql) return null
    throw error
  }
}

/** The score that counts: of the last version and options, the newest. */
function scoreOf(name: string): SQL {
  return sql`(
    select ${scores.value} from ${scores}
    where ${scores.trajectoryId} = ${trajectories.id} and ${scores.reward} = ${name}::text
      and ${scores.invocationId} is null and ${scores.turnId} is null
    order by ${scores.version} desc, ${scores.optionsHash} desc, ${scores.createdAt} desc, ${scores.id} desc
    limit 1
  )`
}

/** 1 - C(wrong, k) / C(scored, k), as fields.ts computes it. */
function passAt(name: string): SQL | null {
  const attempts = Number(/^group\.pass_at_([1-9]\d{0,5})$/.exec(name)?.[1] ?? Infinity)
  if (attempts > mostAttempts) return null
  const factors = Array.from(
    { length: attempts },
    (_, drawn) =>
      sql`greatest(0, g.scored - g.correct - ${drawn}::bigint)::float8 / (g.scored - ${drawn}::bigint)`,
  )
  const wrong = sql.join(factors, sql` * `)
  return sql`(case when g.scored >= ${attempts}::bigint then 1 - ${wrong} end)`
}

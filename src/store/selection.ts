// The trajectories of a run that a selection takes, as SQL. What the selection language says without an SQL
// form is evaluated here over the run's figures, and becomes a list of ids.
import { and, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { parseChoice } from '../datasets/choice.ts'
import { selectTrajectories } from '../datasets/selection.ts'
import { parseWhere } from '../datasets/where/parse.ts'
import type { Store, StoredRun } from './contract.ts'
import type { Database } from './database.ts'
import type { Selection } from './read-contract.ts'
import { trajectories } from './schema.ts'
import { readTrajectory } from './read-trajectory.ts'
import { readTasks } from './tasks.ts'
import { listTrajectories } from './trajectories.ts'
import { compileWhere, groupOfRow, groupsOf } from './where.ts'

export interface SelectionSql {
  condition: SQL
  /** To be joined with `trajectories` where the condition asks for groups. */
  groups: { table: SQL; on: SQL } | null
}

const defaultThreshold = 0.5

/**
 * `byRow` is for queries that end early: groups are summed where a row asks for its own. Errors raised:
 * UsageError that points at the mistake in `where`.
 */
export async function selectionSql(
  database: Database,
  run: StoredRun,
  { where, status, threshold = defaultThreshold }: Selection,
  { byRow = false } = {},
): Promise<SelectionSql> {
  const base = and(
    eq(trajectories.runId, run.id),
    status ? eq(trajectories.status, status) : undefined,
  ) as SQL
  if (where === undefined || where.trim() === '') return { condition: base, groups: null }
  // Parsed first in any case: this is where a mistake is found.
  const parsed = parseWhere(where)
  const compiled = compileWhere(where, run)
  if (compiled === null) {
    const ids = await evaluate(database, run, parsed, threshold)
    return {
      groups: null,
      condition: sql`${base} and ${trajectories.id} = any(${`{${ids.join(',')}}`}::uuid[])`,
    }
  }
  return {
    condition: sql`${base} and ${compiled.condition}`,
    groups: compiled.usesGroups
      ? {
          table: byRow ? groupOfRow(run.id, threshold) : groupsOf(run.id, threshold),
          on: sql`g.task_id = ${trajectories.taskId}`,
        }
      : null,
  }
}

async function evaluate(
  database: Database,
  run: StoredRun,
  where: ReturnType<typeof parseWhere>,
  threshold: number,
): Promise<string[]> {
  const criteria = {
    statuses: ['pending', 'running', 'done', 'failed'] as const,
    threshold,
    where,
    choice: parseChoice('all'),
  }
  const reader = {
    listTrajectories: (runId: string, options: Parameters<Store['listTrajectories']>[1]) =>
      listTrajectories(database, runId, options),
    readTasks: (runId: string, taskIds: string[]) => readTasks(database, runId, taskIds),
    readTrajectory: (id: string) => readTrajectory(database, id),
  }
  const { selected } = await selectTrajectories(reader as unknown as Store, [run], {
    ...criteria,
    statuses: [...criteria.statuses],
  })
  return selected.map(({ id }) => id)
}

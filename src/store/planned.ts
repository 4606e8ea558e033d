// Rollouts that wait for workers: one as it is planned, by its id, and failed ones that are to be tried again.
import { and, eq } from 'drizzle-orm'
import type { TrajectoryStatus } from '../trajectory.ts'
import type { PlannedTrajectory } from './contract.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { trajectories } from './schema.ts'
import { currentTransaction } from './trajectories.ts'

/** Null when there is no such trajectory. */
export async function readPlanned(
  database: Database,
  trajectoryId: string,
): Promise<PlannedTrajectory | null> {
  const [row] = await query(database, () =>
    database.db.select().from(trajectories).where(eq(trajectories.id, trajectoryId)),
  )
  if (!row) return null
  const { id, taskId, taskHash, rollout, position, seed, attempt, originTrajectoryId, originTurns } = row
  const origin = originTrajectoryId && { trajectoryId: originTrajectoryId, turns: originTurns ?? 0 }
  const status = row.status as TrajectoryStatus
  return { id, taskId, taskHash, rollout, position, seed, status, attempt, origin: origin || null }
}

/** Failed rollouts wait again, and no longer count as ended. */
export async function reopenFailed(database: Database, runId: string): Promise<void> {
  await query(database, () =>
    database.db
      .update(trajectories)
      .set({ status: 'pending', revision: currentTransaction })
      .where(and(eq(trajectories.runId, runId), eq(trajectories.status, 'failed'))),
  )
}

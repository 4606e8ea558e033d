// What the embedded store tells its keeper, over the keeper's stdin as JSON.
import type { Target } from './connect.ts'

/** The keeper's application_name, by which an opener sees that there is one. */
export const keeperName = 'descent-keeper'

export type KeeperOrders =
  | { mode: 'start'; postgres: string; data: string; uid: number | null; target: Target }
  | { mode: 'adopt'; pid: number; target: Target }

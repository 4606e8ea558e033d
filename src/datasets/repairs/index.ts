// The door of the repairs.
export { parseRepairs } from './parse.ts'
export {
  type OpenReplayer,
  type Repair,
  type Rescore,
  repairTrajectory,
  type ReplayedTurn,
  type Replayer,
} from './repair.ts'
export { type RepairRule, repairRules } from './rules.ts'

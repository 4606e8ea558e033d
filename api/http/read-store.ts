// The part of the store that the HTTP door uses: it only reads.
import type { Store } from '../../src/store/contract.ts'

export type ReadStore = Pick<
  Store,
  | 'location'
  | 'embedded'
  | 'listRuns'
  | 'findRun'
  | 'summarizeRun'
  | 'listTrajectories'
  | 'findTrajectory'
  | 'readTrajectory'
  | 'readTask'
  | 'listDatasets'
  | 'findDataset'
>

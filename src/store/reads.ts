// The reading side of the store, put together.
import * as accessTokens from './access-tokens.ts'
import * as annotations from './annotations.ts'
import { runChanges, trajectoryChanges } from './changes.ts'
import type { Database } from './database.ts'
import { findTrajectories } from './find-trajectories.ts'
import * as groups from './groups.ts'
import { readCall, readCell } from './read-bodies.ts'
import type { StoreReads } from './read-contract.ts'
import { readSkeleton } from './read-skeleton.ts'
import { search } from './search.ts'
import { indexForSearch } from './search-index.ts'
import { runStatistics } from './statistics.ts'

export function openReads(database: Database): StoreReads {
  return {
    findTrajectories: (runId, options) => findTrajectories(database, runId, options),
    runStatistics: (runId, selection) => runStatistics(database, runId, selection),
    readSkeleton: (id) => readSkeleton(database, id),
    readCall: (trajectoryId, id) => readCall(database, trajectoryId, id),
    readCell: (trajectoryId, id) => readCell(database, trajectoryId, id),
    listGroups: (runId, options) => groups.listGroups(database, runId, options),
    readGroup: (runId, taskId) => groups.readGroup(database, runId, taskId),
    readOutlines: (ids) => groups.readOutlines(database, ids),
    indexForSearch: (options) => indexForSearch(database, options),
    search: (options) => search(database, options),
    scoreHistory: (id) => annotations.scoreHistory(database, id),
    runChanges: (runId, cursor, limit) => runChanges(database, runId, cursor, limit),
    trajectoryChanges: (id, cursor, limit) => trajectoryChanges(database, id, cursor, limit),
    addAnnotation: (annotation) => annotations.addAnnotation(database, annotation),
    listAnnotations: (of, options) => annotations.listAnnotations(database, of, options),
    removeAnnotation: (id) => annotations.removeAnnotation(database, id),
    tagRun: (runId, tags) => annotations.tagRun(database, runId, tags),
    addToken: (token) => accessTokens.addToken(database, token),
    listTokens: () => accessTokens.listTokens(database),
    revokeToken: (reference) => accessTokens.revokeToken(database, reference),
    validTokens: () => accessTokens.validTokens(database),
    leaseGroups: (runId, options) => groups.leaseGroups(database, runId, options),
    endLease: (leaseId, keep) => groups.endLease(database, leaseId, keep),
  }
}

// Under which uid a session runs. Root gives every live session a uid of its own, one that no account
// uses, so that sessions cannot touch each other and RLIMIT_NPROC counts each alone; anybody else runs
// sessions under the own uid.
import { isRoot } from '../../src/reach.ts'

const firstUid = 200_000
const uidCount = 50_000

const inUse = new Set<number>()
let next = Math.floor(Math.random() * uidCount)

export interface Identity {
  /** Null: the uid of this process. */
  uid: number | null
  release(): void
}

export function takeIdentity(): Identity {
  if (!isRoot()) return { uid: null, release() {} }
  do next = (next + 1) % uidCount
  while (inUse.has(next) && inUse.size < uidCount)
  const taken = next
  inUse.add(taken)
  return {
    uid: firstUid + taken,
    release() {
      inUse.delete(taken)
    },
  }
}

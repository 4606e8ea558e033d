// Under which uid a session runs. Root gives every live session a uid of its own, one that no account
// uses, so that sessions cannot touch each other and RLIMIT_NPROC counts each alone; anybody else runs
// sessions under the own uid. In a container, only the uids of its id map exist.
import { readFileSync } from 'node:fs'
import { isRoot, nobody } from '../../src/reach.ts'

export interface Identity {
  /** Null: the uid of this process. */
  uid: number | null
  release(): void
}

export interface IdRange {
  first: number
  count: number
}

const usual: IdRange = { first: 200_000, count: 50_000 }
/** Where a map ends early: below it are people's accounts and those of system services. */
const lowest = 30_000

/**
 * The range of ids to take from, all of which exist by both maps (text of /proc/self/uid_map and
 * gid_map), `taken` not among them; null when there is none.
 */
export function idRange(uidMap: string, gidMap: string, taken: ReadonlySet<number>): IdRange | null {
  const shared = ranges(uidMap).flatMap((one) =>
    ranges(gidMap).map((other) => ({
      first: Math.max(one.first, other.first),
      end: Math.min(one.first + one.count, other.first + other.count),
    })),
  )
  if (shared.some(({ first, end }) => first <= usual.first && end >= usual.first + usual.count)) return usual
  let best: IdRange | null = null
  for (const { first, end } of shared) {
    // Above the highest account that is in use; `nobody` and its neighbour mean "unmapped".
    const borders = [...taken].filter((id) => id < nobody).map((id) => id + 1)
    const from = Math.max(first, lowest, ...borders.filter((id) => id <= end))
    const count = Math.min(end, first < nobody ? nobody : end) - from
    if (count > (best?.count ?? 0)) best = { first: from, count: Math.min(count, usual.count) }
  }
  return best
}

/** `inside outside count` a line, as in user_namespaces(7). */
function ranges(map: string): IdRange[] {
  return map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([first = 0, , count = 0]) => ({ first, count }))
}

const inUse = new Set<number>()
let found: IdRange | null | undefined
let next = 0

/** Identities are given back when nothing runs under them; then others get them. */
export function takeIdentity(): Identity {
  if (!isRoot()) return own()
  if (found === undefined) {
    found = findRange()
    next = Math.floor(Math.random() * (found?.count ?? 1))
  }
  const range = found
  if (range === null) return own()
  do next = (next + 1) % range.count
  while (inUse.has(next) && inUse.size < range.count)
  const taken = next
  inUse.add(taken)
  return {
    uid: range.first + taken,
    release() {
      inUse.delete(taken)
    },
  }
}

function own(): Identity {
  return { uid: null, release() {} }
}

function findRange(): IdRange | null {
  if (process.platform !== 'linux') return usual
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }
  const accounts = [...read('/etc/passwd').split('\n'), ...read('/etc/group').split('\n')]
  const taken = new Set(accounts.map((line) => Number(line.split(':')[2])).filter(Number.isInteger))
  return idRange(read('/proc/self/uid_map'), read('/proc/self/gid_map'), taken)
}

/** How many identities are in use. */
export function identitiesInUse(): number {
  return inUse.size
}

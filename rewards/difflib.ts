// `difflib.SequenceMatcher(None, a, b).ratio()` of CPython 3, to the last bit. Its matches are not a
// longest common subsequence: the longest block is taken first, then what is left and right of it; and
// from 200 characters of `b` on, characters that make up more than 1 % of it start no block ("autojunk").
// It is therefore not symmetric: a and b must be given as the original gives them.

/** The similarity in [0, 1]; 1 for two empty texts. Compares code points. */
export function sequenceRatio(a: string, b: string): number {
  const left = codePoints(a)
  const right = codePoints(b)
  const total = left.length + right.length
  return total === 0 ? 1 : (2 * matchedCharacters(left, right)) / total
}

function codePoints(text: string): Uint32Array {
  return Uint32Array.from(text, (character) => character.codePointAt(0) ?? 0)
}

interface Block {
  i: number
  j: number
  size: number
}

function matchedCharacters(a: Uint32Array, b: Uint32Array): number {
  const positions = indexPositions(b)
  const search = createSearch(a, b, positions)
  const open: [number, number, number, number][] = [[0, a.length, 0, b.length]]
  let matched = 0
  for (let range = open.pop(); range; range = open.pop()) {
    const [aLow, aHigh, bLow, bHigh] = range
    const { i, j, size } = search(aLow, aHigh, bLow, bHigh)
    if (size === 0) continue
    matched += size
    if (aLow < i && bLow < j) open.push([aLow, i, bLow, j])
    if (i + size < aHigh && j + size < bHigh) open.push([i + size, aHigh, j + size, bHigh])
  }
  return matched
}

/** Where each character stands in `b`, the popular ones left out. */
function indexPositions(b: Uint32Array): Map<number, number[]> {
  const positions = new Map<number, number[]>()
  for (const [at, character] of b.entries()) {
    const list = positions.get(character)
    if (list) list.push(at)
    else positions.set(character, [at])
  }
  if (b.length >= 200) {
    const most = Math.floor(b.length / 100) + 1
    for (const [character, list] of positions) if (list.length > most) positions.delete(character)
  }
  return positions
}

function createSearch(a: Uint32Array, b: Uint32Array, positions: Map<number, number[]>) {
  // Lengths of the runs that end at each place of b, for the row before and for this one. A length is
  // valid when its stamp is the row's, so nothing is cleared between rows.
  let before = { length: new Int32Array(b.length + 1), stamp: new Int32Array(b.length + 1) }
  let now = { length: new Int32Array(b.length + 1), stamp: new Int32Array(b.length + 1) }
  let row = 1

  return (aLow: number, aHigh: number, bLow: number, bHigh: number): Block => {
    let [i, j, size] = [aLow, bLow, 0]
    // A new search must not see the last row of the one before.
    row += 1
    for (let x = aLow; x < aHigh; x += 1) {
      row += 1
      for (const y of positions.get(a[x] ?? 0) ?? []) {
        if (y < bLow) continue
        if (y >= bHigh) break
        const run = before.stamp[y] === row - 1 ? (before.length[y] ?? 0) + 1 : 1
        now.length[y + 1] = run
        now.stamp[y + 1] = row
        if (run > size) [i, j, size] = [x - run + 1, y - run + 1, run]
      }
      ;[before, now] = [now, before]
    }
    while (i > aLow && j > bLow && a[i - 1] === b[j - 1]) [i, j, size] = [i - 1, j - 1, size + 1]
    while (i + size < aHigh && j + size < bHigh && a[i + size] === b[j + size]) size += 1
    return { i, j, size }
  }
}

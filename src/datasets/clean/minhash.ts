// MinHash signatures of texts: the share of equal places of two signatures estimates the Jaccard
// similarity of the sets of word n-grams of the two texts (Broder, 1997).

/** Places of a signature: the estimate's standard error is at most 0.5 / sqrt(128), about 0.044. */
export const signatureSize = 128
const shingleWords = 5

const seeds = Uint32Array.from({ length: signatureSize }, (_, index) => mix(index + 1))

/** Of the 5-word shingles of the texts; null when there is no word at all. */
export function signatureOf(texts: Iterable<string>): Uint32Array | null {
  const signature = new Uint32Array(signatureSize).fill(0xffffffff)
  let any = false
  for (const text of texts) {
    for (const shingle of shinglesOf(wordsOf(text), shingleWords)) {
      any = true
      const hash = hashText(shingle)
      for (let place = 0; place < signatureSize; place += 1) {
        const value = mix(hash ^ (seeds[place] ?? 0))
        if (value < (signature[place] ?? 0)) signature[place] = value
      }
    }
  }
  return any ? signature : null
}

/** The estimated Jaccard similarity, 0 to 1. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  let equal = 0
  for (let place = 0; place < signatureSize; place += 1) if (a[place] === b[place]) equal += 1
  return equal / signatureSize
}

/** Lower-case words and numbers, without marks. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []
}

/** Each run of `size` words; a shorter text is one shingle. */
export function* shinglesOf(words: string[], size: number): Generator<string> {
  if (words.length === 0) return
  for (let start = 0; start <= Math.max(0, words.length - size); start += 1) {
    yield words.slice(start, start + size).join(' ')
  }
}

/** FNV-1a over the UTF-16 units, 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** The finalizer of MurmurHash3: every bit of the result depends on every bit given. */
function mix(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Bands of four places: two texts of similarity s share one with chance 1 - (1 - s^4)^32. */
const bandPlaces = 4

export interface NearDuplicates {
  /** The key of an earlier text at least so similar; null when there is none, and then this one is kept. */
  find(key: string, signature: Uint32Array): string | null
}

/** Holds one signature (512 bytes) and 32 band keys for each text that was kept. */
export function createNearDuplicates(threshold: number): NearDuplicates {
  const buckets = new Map<number, number[]>()
  const kept: { key: string; signature: Uint32Array }[] = []
  function bandsOf(signature: Uint32Array): number[] {
    return Array.from({ length: signatureSize / bandPlaces }, (_, band) => {
      const from = band * bandPlaces
      return hashText(`${band}:${signature.subarray(from, from + bandPlaces).join(',')}`)
    })
  }
  return {
    find(key, signature) {
      const bands = bandsOf(signature)
      const candidates = new Set(bands.flatMap((band) => buckets.get(band) ?? []))
      for (const index of [...candidates].toSorted((a, b) => a - b)) {
        const earlier = kept[index]
        if (earlier && similarity(earlier.signature, signature) >= threshold) return earlier.key
      }
      for (const band of bands) {
        const bucket = buckets.get(band)
        if (bucket) bucket.push(kept.length)
        else buckets.set(band, [kept.length])
      }
      kept.push({ key, signature })
      return null
    },
  }
}

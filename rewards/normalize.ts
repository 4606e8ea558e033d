// The one normalisation that all rewards share, so that they never disagree about what is equal:
// Unicode NFKC, typographic quotes and dashes made plain, lower case (ß as ss, final sigma as sigma),
// runs of white space made one space, and quotes, brackets, markup and punctuation taken off both ends.

const plain: readonly (readonly [RegExp, string])[] = [
  [/[\u2018\u2019\u201a\u201b\u02bc]/g, "'"],
  [/[\u201c-\u201f\u00ab\u00bb]/g, '"'],
  [/[\u2010-\u2015\u2212]/g, '-'],
  [/[\u200b-\u200d\ufeff]/g, ''],
]

const edge = String.raw`[\s"'\`*_()\[\]{}<>.,;:!?]+`
const edges = new RegExp(`^${edge}|${edge}$`, 'g')

/** Plain quotes and dashes, single spaces; case and edges kept. */
export function normalizeSpace(text: string): string {
  let result = text.normalize('NFKC')
  for (const [pattern, replacement] of plain) result = result.replaceAll(pattern, replacement)
  return result.replaceAll(/\s+/g, ' ').trim()
}

/** Two texts are equal for a reward when their normal forms are. Text of punctuation alone is kept. */
export function normalize(text: string): string {
  const folded = normalizeSpace(text).toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ')
  return folded.replaceAll(edges, '') || folded
}

// The fields that questions are asked about, and how their values are read. A number counts only when
// it stands first and is followed by the field's own unit; anything else is not read at all.

export interface NumericField {
  path: string
  /** How the question names the unit. */
  unit: string
  /** What must follow the number in the text. */
  suffix: string
  /** Stands before the number. */
  prefix?: string
}

export const numericFields: readonly NumericField[] = [
  { path: 'Geography / Area / total', unit: 'sq km', suffix: ' sq km' },
  { path: 'Geography / Coastline', unit: 'km', suffix: ' km' },
  { path: 'Geography / Land use / forest', unit: '%', suffix: '%' },
  { path: 'People and Society / Population', unit: 'people', suffix: '' },
  { path: 'People and Society / Median age / total', unit: 'years', suffix: ' years' },
  { path: 'People and Society / Population growth rate', unit: '%', suffix: '%' },
  {
    path: 'People and Society / Birth rate',
    unit: 'births/1,000 population',
    suffix: ' births/1,000 population',
  },
  {
    path: 'People and Society / Death rate',
    unit: 'deaths/1,000 population',
    suffix: ' deaths/1,000 population',
  },
  {
    path: 'People and Society / Infant mortality rate / total',
    unit: 'deaths/1,000 live births',
    suffix: ' deaths/1,000 live births',
  },
  {
    path: 'People and Society / Life expectancy at birth / total population',
    unit: 'years',
    suffix: ' years',
  },
  {
    path: 'People and Society / Total fertility rate',
    unit: 'children born/woman',
    suffix: ' children born/woman',
  },
  { path: 'People and Society / Health expenditures', unit: '% of GDP', suffix: '% of GDP' },
  {
    path: 'People and Society / Urbanization / urban population',
    unit: '% of total population',
    suffix: '% of total population',
  },
  { path: 'Economy / GDP - per capita (PPP)', unit: 'US dollars', prefix: '$', suffix: '' },
  { path: 'Economy / Unemployment rate', unit: '%', suffix: '%' },
  { path: 'Communications / Internet users / percent of population', unit: '%', suffix: '%' },
  { path: 'Transportation / Airports', unit: 'airports', suffix: '' },
  { path: 'Transportation / Roadways / total', unit: 'km', suffix: ' km' },
]

/** Fields whose text lists things, with words that some profiles mention there and others do not. */
export const wordFields: readonly { path: string; words: readonly string[] }[] = [
  {
    path: 'Geography / Natural resources',
    words: ['gold', 'petroleum', 'natural gas', 'coal', 'copper', 'timber', 'fish', 'hydropower', 'bauxite'],
  },
  {
    path: 'Economy / Agriculture - products',
    words: [
      'coffee',
      'rice',
      'wheat',
      'cotton',
      'bananas',
      'potatoes',
      'sugarcane',
      'poultry',
      'dairy products',
    ],
  },
  { path: 'Geography / Climate', words: ['tropical', 'temperate', 'rainy', 'arid', 'humid', 'mild'] },
  {
    path: 'Geography / Environment - current issues',
    words: ['deforestation', 'soil erosion', 'desertification', 'overgrazing', 'air pollution'],
  },
  { path: 'People and Society / Languages', words: ['English', 'French', 'Spanish', 'Arabic', 'Portuguese'] },
  { path: 'Government / Legal system', words: ['common law', 'civil law', 'Islamic', 'customary law'] },
  {
    path: 'Government / International organization participation',
    words: ['OECD', 'OPCW', 'AU', 'NATO', 'LAS', 'OAS'],
  },
]

/** Facts that name one country: each value occurs in one profile only, as a plain word or two. */
export const nameFields: readonly { path: string; what: string; shape: RegExp }[] = [
  { path: 'Government / Capital / name', what: 'name of the capital', shape: /^[A-Z][A-Za-z' -]+$/ },
  { path: 'Communications / Internet country code', what: 'Internet country code', shape: /^\.[a-z]{2}$/ },
]

const number = String.raw`(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)`

/** The value of a numeric field's text, or null when it is not plainly one. */
export function readNumber(field: NumericField, text: string): number | null {
  const prefix = field.prefix ? escapeRegExp(field.prefix) : ''
  const pattern = new RegExp(
    `^${prefix}${number}${escapeRegExp(field.suffix)}(?=$|[ (;])(?! (?:thousand|million|billion|trillion))`,
  )
  const found = pattern.exec(text)?.[1]
  return found === undefined ? null : Number(found.replaceAll(',', ''))
}

/** Whether `text` has `word` as a whole word, ignoring case. */
export function mentions(text: string, word: string): boolean {
  return new RegExp(`(?<![A-Za-z])${escapeRegExp(word)}(?![A-Za-z])`, 'i').test(text)
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

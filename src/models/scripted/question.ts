// The shapes of questions that the scripted models understand: those of the taskset `factbook`, read
// from the words of the prompt alone.

/** How a question names the country whose neighbours it is about. */
export type Centre = { country: string } | { path: string; value: string }

export type Question =
  | { shape: 'countNumbers'; path: string; least: boolean; limit: number }
  | { shape: 'countMentions'; path: string; word: string }
  | { shape: 'number'; path: string; country: string }
  | { shape: 'text'; path: string; country: string }
  | { shape: 'countryOf'; path: string; value: string }
  | { shape: 'extreme'; path: string; highest: boolean; count: number; centre: Centre | null }
  | { shape: 'above'; path: string; limit: number; centre: Centre | null }

export const bordersPath = 'Geography / Land boundaries / border countries'

/** The question in `text`, or null when it has none of the known shapes. */
export function parseQuestion(text: string): Question | null {
  let found = /a value of at (least|most) (-?[\d.,]*\d)[^"]*? in the field "([^"]+)"/.exec(text)
  if (found && text.includes('How many of the country profiles')) {
    return {
      shape: 'countNumbers',
      path: part(found, 3),
      least: found[1] === 'least',
      limit: number(part(found, 2)),
    }
  }
  if (found) {
    return { shape: 'above', path: part(found, 3), limit: number(part(found, 2)), centre: centreOf(text) }
  }
  found = /country profiles in the context mention "([^"]+)" in the field "([^"]+)"/.exec(text)
  if (found) return { shape: 'countMentions', word: part(found, 1), path: part(found, 2) }
  found = /value of the field "([^"]+)" for (.+?)\? Answer/.exec(text)
  if (found) return { shape: 'number', path: part(found, 1), country: part(found, 2) }
  found = /What is the [A-Za-z ]*?(?:capital|code) of ([^?"]+), as given in the field "([^"]+)"/.exec(text)
  if (found) return { shape: 'text', country: part(found, 1), path: part(found, 2) }
  found = /profile gives "([^"]+)" in the field "([^"]+)"/.exec(text)
  if (found) return { shape: 'countryOf', value: part(found, 1), path: part(found, 2) }
  found =
    /Which (?:of them|country in the context|(\d+) countries in the context) ha(?:s|ve) the (highest|lowest) values? in the field "([^"]+)"/.exec(
      text,
    )
  if (!found) return null
  return {
    shape: 'extreme',
    path: part(found, 3),
    highest: found[2] === 'highest',
    count: Number(found[1] ?? 1),
    centre: centreOf(text),
  }
}

function centreOf(text: string): Centre | null {
  const described = /the profile of the country whose field "([^"]+)" is "([^"]+)" lists in the field/.exec(
    text,
  )
  if (described) return { path: part(described, 1), value: part(described, 2) }
  const named = /the profile of (.+?) lists in the field/.exec(text)
  return named ? { country: part(named, 1) } : null
}

function part(found: RegExpExecArray, index: number): string {
  return found[index]?.trim() ?? ''
}

function number(text: string): number {
  return Number(text.replaceAll(',', ''))
}

// Multi-hop questions: first find the neighbours of a country, then look at their own profiles.
import type { Random } from '../random.ts'
import { nameFields, numericFields } from './fields.ts'
import type { NumericField } from './fields.ts'
import {
  compareRule,
  extreme,
  fieldName,
  mentionsName,
  nameFormat,
  ranked,
  readable,
  setFormat,
  threshold,
  written,
} from './plan.ts'
import type { Plan } from './plan.ts'
import { bordersPath, neighboursOf } from './profiles.ts'
import type { Profile } from './profiles.ts'

interface Neighbourhood {
  plan: Omit<Plan, 'ask'>
  field: NumericField
  /** The neighbours that have a profile, and how the question names the country they border. */
  names: Set<string>
  subject: string
}

function neighbourhood(profiles: readonly Profile[], random: Random): Neighbourhood | null {
  const field = random.pick(numericFields)
  const allowed = readable(profiles, field)
  const byName = new Map(allowed.map((profile) => [profile.name, profile]))
  const known = new Set(profiles.map((profile) => profile.name))
  const capital = nameFields[0]
  const candidates = allowed.filter((profile) => {
    const listed = neighboursOf(profile)
    // A name that is no heading could still be taken for one by a reader: such countries are not asked about.
    return (
      listed &&
      listed.every((name) => known.has(name)) &&
      listed.filter((name) => byName.has(name)).length >= 3
    )
  })
  if (candidates.length === 0 || !capital) return null
  const centre = random.pick(candidates)
  const names = new Set(neighboursOf(centre))
  const town = centre.byPath.get(capital.path) ?? ''
  const byCapital =
    random.next() < 0.4 &&
    capital.shape.test(town) &&
    profiles.every((profile) => profile === centre || !mentionsName(profile, capital.path, town))
  return {
    field,
    names,
    subject: byCapital ? `the country whose field "${capital.path}" is "${town}"` : centre.name,
    plan: {
      paths: [field.path, bordersPath, ...(byCapital ? [capital.path] : [])],
      required: [centre, ...[...names].flatMap((name) => byName.get(name) ?? [])],
      allowed,
    },
  }
}

function hop(subject: string): string {
  return `Consider the countries that the profile of ${subject} lists in ${fieldName(bordersPath)} and that have a profile of their own in the context.`
}

export function extremeNeighbour(profiles: readonly Profile[], random: Random): Plan | null {
  const found = neighbourhood(profiles, random)
  if (!found) return null
  const { plan, field, names, subject } = found
  return {
    ...plan,
    ask(documents) {
      const chosen = extreme(
        documents.filter((document) => names.has(document.name)),
        field,
        1,
        random,
      )
      if (!chosen) return null
      return {
        prompt: `${hop(subject)} Which of them has the ${chosen.word} value in ${fieldName(field.path)} (${field.unit})? ${compareRule} ${nameFormat}`,
        answer: chosen.names[0] ?? null,
        answerType: 'text',
      }
    },
  }
}

export function neighboursAbove(profiles: readonly Profile[], random: Random): Plan | null {
  const found = neighbourhood(profiles, random)
  if (!found) return null
  const { plan, field, names, subject } = found
  return {
    ...plan,
    ask(documents) {
      const values = ranked(
        documents.filter((document) => names.has(document.name)),
        field,
      )
      const limit = threshold(values, random)
      if (limit === null) return null
      return {
        prompt: `${hop(subject)} Which of them have a value of at least ${written(limit)} ${field.unit} in ${fieldName(field.path)}? ${compareRule} ${setFormat}`,
        answer: values.filter(({ value }) => value > limit).map(({ name }) => name),
        answerType: 'set',
      }
    },
  }
}

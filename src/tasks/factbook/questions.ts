// Questions over country profiles, and their gold answers, computed from the very profiles that are in
// the context. A shape first says which profiles may and must be there, then asks; it gives up (null)
// rather than ask a question with a tie or without a clear answer.
import type { Random } from '../random.ts'
import { mentions, nameFields, numericFields, wordFields } from './fields.ts'
import { extremeNeighbour, neighboursAbove } from './neighbours.ts'
import {
  compareRule,
  extreme,
  fieldName,
  mentionsName,
  nameFormat,
  numberFormat,
  ranked,
  readable,
  setFormat,
  threshold,
  valueOf,
  written,
} from './plan.ts'
import type { Plan, Shape } from './plan.ts'
import type { Profile } from './profiles.ts'

export const kinds = ['counting', 'needle', 'multi-hop', 'comparison'] as const
export type Kind = (typeof kinds)[number]

export const shapes: Record<Kind, readonly Shape[]> = {
  counting: [countAbove, countMentions],
  needle: [findNumber, findName, findCountry],
  'multi-hop': [extremeNeighbour, neighboursAbove],
  comparison: [extremeCountry, topCountries],
}

function countAbove(profiles: readonly Profile[], random: Random): Plan {
  const field = random.pick(numericFields)
  return {
    paths: [field.path],
    required: [],
    allowed: readable(profiles, field),
    ask(documents) {
      const values = ranked(documents, field)
      const limit = threshold(values, random)
      if (limit === null) return null
      const least = random.next() < 0.5
      const count = values.filter(({ value }) => (least ? value > limit : value < limit)).length
      return {
        prompt: `How many of the country profiles in the context have a value of at ${least ? 'least' : 'most'} ${written(limit)} ${field.unit} in ${fieldName(field.path)}? ${compareRule} ${numberFormat}`,
        answer: count,
        answerType: 'numeric',
      }
    },
  }
}

function countMentions(profiles: readonly Profile[], random: Random): Plan {
  const { path, words } = random.pick(wordFields)
  return {
    paths: [path],
    required: [],
    allowed: [...profiles],
    ask(documents) {
      const counts = random.shuffle(words).map((word) => ({
        word,
        count: documents.filter((document) => mentions(document.byPath.get(path) ?? '', word)).length,
      }))
      const chosen = counts.find(({ count }) => count > 0 && count < documents.length)
      if (!chosen) return null
      return {
        prompt: `How many of the country profiles in the context mention "${chosen.word}" in ${fieldName(path)}? It counts as a whole word, ignoring case; profiles without the field do not count. ${numberFormat}`,
        answer: chosen.count,
        answerType: 'numeric',
      }
    },
  }
}

function findNumber(profiles: readonly Profile[], random: Random): Plan {
  const field = random.pick(numericFields)
  const allowed = readable(profiles, field)
  const subject = random.pick(allowed.filter((profile) => profile.byPath.has(field.path)))
  return {
    paths: [field.path],
    required: [subject],
    allowed,
    ask: () => ({
      prompt: `What is the value of ${fieldName(field.path)} for ${subject.name}? Answer with the first number in the field alone, in digits, without its unit (${field.unit}).`,
      answer: valueOf(subject, field),
      answerType: 'numeric',
    }),
  }
}

function findName(profiles: readonly Profile[], random: Random): Plan {
  const { path, what, shape } = random.pick(nameFields)
  const subject = random.pick(profiles.filter((profile) => shape.test(profile.byPath.get(path) ?? '')))
  return {
    paths: [path],
    required: [subject],
    allowed: [...profiles],
    ask: () => ({
      prompt: `What is the ${what} of ${subject.name}, as given in ${fieldName(path)}? Answer with the text of the field alone.`,
      answer: subject.byPath.get(path) ?? null,
      answerType: 'text',
    }),
  }
}

function findCountry(profiles: readonly Profile[], random: Random): Plan {
  const { path, shape } = random.pick(nameFields)
  const subject = random.pick(profiles.filter((profile) => shape.test(profile.byPath.get(path) ?? '')))
  const value = subject.byPath.get(path) ?? ''
  return {
    paths: [path],
    required: [subject],
    allowed: profiles.filter((profile) => profile === subject || !mentionsName(profile, path, value)),
    ask: () => ({
      prompt: `Which country's profile gives "${value}" in ${fieldName(path)}? ${nameFormat}`,
      answer: subject.name,
      answerType: 'text',
    }),
  }
}

function extremeCountry(profiles: readonly Profile[], random: Random): Plan {
  const field = random.pick(numericFields)
  return {
    paths: [field.path],
    required: [],
    allowed: readable(profiles, field),
    ask(documents) {
      const chosen = extreme(documents, field, 1, random)
      if (!chosen) return null
      return {
        prompt: `Which country in the context has the ${chosen.word} value in ${fieldName(field.path)} (${field.unit})? ${compareRule} ${nameFormat}`,
        answer: chosen.names[0] ?? null,
        answerType: 'text',
      }
    },
  }
}

function topCountries(profiles: readonly Profile[], random: Random): Plan {
  const field = random.pick(numericFields)
  return {
    paths: [field.path],
    required: [],
    allowed: readable(profiles, field),
    ask(documents) {
      const chosen = extreme(documents, field, 3, random)
      if (!chosen) return null
      return {
        prompt: `Which 3 countries in the context have the ${chosen.word} values in ${fieldName(field.path)} (${field.unit})? ${compareRule} ${setFormat}`,
        answer: chosen.names,
        answerType: 'set',
      }
    },
  }
}

// The models that were called and what is known of their licences. Nothing is looked up: a licence is
// what was stated at the export.
import type { ManifestFacts } from '../manifest.ts'
import { type ModelRole, modelRoles } from '../statistics.ts'
import { inline, table } from './markdown.ts'

const roleTexts: Record<ModelRole, string> = {
  root: 'root',
  child: 'child invocations',
  'sub-call': 'sub-calls',
}

export function modelSection({ configs, settings }: ManifestFacts): string {
  const called = configs.flatMap(({ statistics }) => statistics.models)
  if (called.length === 0) return '## Models\n\nThe rows hold nothing that a model said.\n'
  const byModel = Map.groupBy(called, ({ name, provider }) => JSON.stringify([name, provider]))
  const rows = [...byModel.values()].flatMap((of) => {
    const [first] = of
    if (!first) return []
    const roles = modelRoles.filter((role) => of.some((one) => one.role === role))
    const licence = settings.modelLicenses?.[first.name]
    return [
      [
        `\`${inline(first.name)}\``,
        inline(first.provider),
        roles.map((role) => roleTexts[role]).join(', '),
        licence === undefined ? 'not stated' : inline(licence),
      ],
    ]
  })
  return `## Models

${table(
  ['model', 'through', 'as', 'licence'],
  rows.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
)}

Licences are as they were stated at the export; none was looked up. The licence of a model, and the terms of who serves it, say what may be done with what it wrote.
`
}

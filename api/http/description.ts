// The OpenAPI 3.1 document. Paths come from the routes; the schemas they refer to are written by zod
// itself, whose JSON Schema keeps "or null" of a named schema, which the route generator drops.
import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'

/** What a server that asks for tokens takes; one on loopback without tokens asks for none. */
const security: Record<string, string[]>[] = [{}, { token: [] }]

const head = {
  openapi: '3.1.0',
  info: {
    title: 'Descent',
    version: '1',
    description: 'Runs, trajectories and datasets. Fields are added, never renamed.',
  },
  security,
}

export function describeApi(app: Pick<OpenAPIHono, 'getOpenAPI31Document'>) {
  const document = app.getOpenAPI31Document(head)
  // As for input: an answer may get more fields one day, so nothing is closed to additions.
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    io: 'input',
    uri: (id) => `#/components/schemas/${id}`,
  })
  const named: Record<string, object> = {}
  // Those that routes name, and those that these name in turn.
  const wanted = Object.keys(document.components?.schemas ?? {})
  for (let id = wanted.pop(); id !== undefined; id = wanted.pop()) {
    if (id in named) continue
    const { $schema: _dialect, $id: _address, ...schema } = schemas[id] ?? {}
    named[id] = schema
    for (const [, other] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (other !== undefined) wanted.push(other)
    }
  }
  const securitySchemes = { token: { type: 'http', scheme: 'bearer' } }
  return { ...document, components: { schemas: named, securitySchemes } }
}

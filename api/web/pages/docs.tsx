// The routes of the API, from its own description; nothing is loaded from elsewhere.
import { readDescription } from '../client.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine } from '../parts/chips.tsx'
import { navigate } from '../router.ts'
import { useLoaded } from '../use-loaded.ts'

interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: { type?: string; enum?: unknown[]; default?: unknown }
}

interface Operation {
  summary?: string
  parameters?: Parameter[]
  requestBody?: { content?: Record<string, { schema?: { $ref?: string } }> }
  responses?: Record<
    string,
    { description?: string; content?: Record<string, { schema?: { $ref?: string } }> }
  >
}

interface Description {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

const nameOf = (reference: string | undefined) => reference?.replace('#/components/schemas/', '')

export function DocsPage() {
  const { value, error } = useLoaded('docs', async (signal) => (await readDescription(signal)) as Description)
  useKeys({ Escape: () => navigate('/') })
  document.title = 'API · Descent'
  return (
    <main class="page docs">
      <header class="page-head">
        <h1>API</h1>
        <p class="faint">
          OpenAPI 3.1: <a href="/openapi.json">/openapi.json</a>
        </p>
      </header>
      {error !== null && <ErrorLine text={error} />}
      {value &&
        Object.entries(value.paths).flatMap(([path, methods]) =>
          Object.entries(methods).map(([method, operation]) => (
            <details class="panel route">
              <summary>
                <code class={`method method-${method}`}>{method.toUpperCase()}</code> <code>{path}</code>
                <span class="faint">{operation.summary}</span>
              </summary>
              <Parameters operation={operation} />
              <Answers operation={operation} />
            </details>
          )),
        )}
      {value && (
        <section>
          <h2>Schemas</h2>
          {Object.entries(value.components.schemas).map(([name, schema]) => (
            <details class="panel route" id={name}>
              <summary>
                <code>{name}</code>
              </summary>
              <pre class="long-text">{JSON.stringify(schema, null, 2)}</pre>
            </details>
          ))}
        </section>
      )}
    </main>
  )
}

function Parameters({ operation }: { operation: Operation }) {
  const body = nameOf(operation.requestBody?.content?.['application/json']?.schema?.$ref)
  const parameters = operation.parameters ?? []
  if (parameters.length === 0 && body === undefined) return null
  return (
    <table class="bars">
      <tbody>
        {parameters.map(({ name, in: place, required, description, schema }) => (
          <tr>
            <th scope="row">
              <code>{name}</code> <span class="faint">{place}</span>
            </th>
            <td class="meaning">
              {description ?? ''} {schema?.enum && <span class="faint">{schema.enum.join(', ')}</span>}
              {schema?.default !== undefined && (
                <span class="faint"> default {JSON.stringify(schema.default)}</span>
              )}
              {required && place === 'query' && <span class="warn"> required</span>}
            </td>
          </tr>
        ))}
        {body !== undefined && (
          <tr>
            <th scope="row">
              body <span class="faint">JSON</span>
            </th>
            <td class="meaning">{body}</td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

function Answers({ operation }: { operation: Operation }) {
  return (
    <table class="bars">
      <tbody>
        {Object.entries(operation.responses ?? {}).map(([status, { description, content }]) => {
          const [[type, media] = ['', undefined]] = Object.entries(content ?? {})
          return (
            <tr>
              <th scope="row">
                <code>{status}</code>
              </th>
              <td class="meaning">
                {description} <span class="faint">{nameOf(media?.schema?.$ref) ?? type}</span>
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

// The HTTP door: every route, what guards them, and the pages. It reads through the store's
// functions only, and changes nothing.
import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { describeApi } from './description.ts'
import { defaultWebDirectory, pageHandler } from './pages.ts'
import { errorResponse, HttpProblem, problemResponse, validationHook } from './problem.ts'
import type { ReadStore } from './read-store.ts'
import { datasetRoutes } from './routes/datasets.ts'
import { healthRoutes } from './routes/health.ts'
import { runRoutes } from './routes/runs.ts'
import { trajectoryRoutes } from './routes/trajectories.ts'
import { loopbackHost, securityHeaders } from './security.ts'

export interface AppOptions {
  /** Where the built trace browser lies; null serves the API alone. Default: the build of this package. */
  webDirectory?: string | null
  /** When given, files are sent only of datasets that lie in one of these directories. */
  exportRoots?: string[]
  /** Told of errors that the client sees as "the server failed". */
  onError?: (error: unknown) => void
}

const maxBodyBytes = 64 * 1024

export function createApp(store: ReadStore, options: AppOptions = {}) {
  const app = new OpenAPIHono({ defaultHook: validationHook })
  app.use(securityHeaders(), loopbackHost())
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: bodyTooLarge }))
  app.onError((error) => {
    const response = errorResponse(error)
    if (response.status >= 500) options.onError?.(error)
    return response
  })
  app.notFound(pageHandler(options.webDirectory === undefined ? defaultWebDirectory() : options.webDirectory))
  const routes = app
    .route('/v1', healthRoutes(store))
    .route('/v1', runRoutes(store))
    .route('/v1', trajectoryRoutes(store))
    .route('/v1', datasetRoutes(store, options.exportRoots))
  // Made once at the first request, and through the error handler should it fail.
  let document: string | null = null
  app.get('/openapi.json', (context) => {
    document ??= JSON.stringify(describeApi(app))
    return context.body(document, 200, { 'content-type': 'application/json' })
  })
  return routes
}

/** For a typed client: `hc<Api>(url)` of `hono/client`. */
export type Api = ReturnType<typeof createApp>

function bodyTooLarge(): Response {
  const detail = `A request body may have ${maxBodyBytes} bytes at most.`
  return problemResponse(new HttpProblem(413, 'body_too_large', detail))
}

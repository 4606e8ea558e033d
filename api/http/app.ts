// The HTTP door: every route, what guards them, and the pages.
import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { guard, openAccess, type AccessVariables } from './access.ts'
import { describeApi } from './description.ts'
import type { Exports } from './exports.ts'
import type { Jobs } from './jobs.ts'
import type { Proxy } from './proxy/index.ts'
import type { Rlm } from './rlm/index.ts'
import { createRateLimiter, limitRate, limitTime } from './limits.ts'
import { defaultWebDirectory, pageHandler } from './pages.ts'
import { errorResponse, HttpProblem, openAIErrors, problemResponse, validationHook } from './problem.ts'
import type { ApiStore } from './read-store.ts'
import { callTokenRoutes } from './routes/call-tokens.ts'
import { chatRoutes } from './routes/chat.ts'
import { compareRoutes } from './routes/compare.ts'
import { datasetRowRoutes } from './routes/dataset-rows.ts'
import { datasetRoutes } from './routes/datasets.ts'
import { eventRoutes } from './routes/events.ts'
import { exportRoutes } from './routes/exports.ts'
import { healthRoutes } from './routes/health.ts'
import { jobRoutes } from './routes/jobs.ts'
import { judgementRoutes } from './routes/judgements.ts'
import { proxyRoutes } from './routes/proxy.ts'
import { rescoreRoutes } from './routes/rescore.ts'
import { rerunRoutes } from './routes/rerun.ts'
import { rowRoutes } from './routes/rows.ts'
import { runRoutes } from './routes/runs.ts'
import { runTrajectoryRoutes } from './routes/run-trajectories.ts'
import { searchRoutes } from './routes/search.ts'
import { selectionRoutes } from './routes/selections.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { trajectoryRoutes } from './routes/trajectories.ts'
import { loopbackHost, ownPagesOnly, securityHeaders } from './security.ts'

export interface AppOptions {
  /** Where the built trace browser lies; null serves the API alone. Default: the build of this package. */
  webDirectory?: string | null
  /** When given, files are sent only of datasets that lie in one of these directories. */
  exportRoots?: string[]
  /** Runs collection jobs; without it the API shows runs and starts none. */
  jobs?: Jobs | null
  /** Makes datasets; without it the API shows those that there are. */
  exports?: Exports | null
  /** Passes chat requests on and records them; without it they are refused. */
  proxy?: Proxy | null
  /** Answers chat requests by rollouts. */
  rlm?: Rlm | null
  /** The server can be reached from elsewhere: any name of the host is answered, and never without a token. */
  open?: boolean
  /** Requests of one client: at once, and a second. */
  rate?: { burst: number; perSecond: number }
  /** Told of errors that the client sees as "the server failed". */
  onError?: (error: unknown) => void
}

const maxBodyBytes = 1024 * 1024
/** Of a chat request, which may hold a long context. */
const maxChatBytes = 64 * 1024 * 1024
const maxMilliseconds = 30_000
const maxChatMilliseconds = 30 * 60_000
const isChat = (path: string) => path.endsWith('/chat/completions')

export function createApp(store: ApiStore, options: AppOptions = {}) {
  const {
    open = false,
    jobs = null,
    exports = null,
    proxy = null,
    rlm = null,
    rate = { burst: 600, perSecond: 200 },
  } = options
  const access = openAccess(store, open)
  const failures = createRateLimiter(10, 1 / 6)
  const app = new OpenAPIHono<{ Variables: AccessVariables }>({ defaultHook: validationHook })
  app.use(securityHeaders())
  if (!open) app.use(loopbackHost())
  for (const path of ['/v1/chat/*', '/v1/proxy/*', '/v1/models', '/v1/models/*'])
    app.use(path, openAIErrors())
  app.use('/v1/*', limitRate(createRateLimiter(rate.burst, rate.perSecond)))
  const limits = {
    plain: bodyLimit({ maxSize: maxBodyBytes, onError: () => bodyTooLarge(maxBodyBytes) }),
    chat: bodyLimit({ maxSize: maxChatBytes, onError: () => bodyTooLarge(maxChatBytes) }),
  }
  app.use('/v1/*', ownPagesOnly(), guard(access, failures))
  app.use((context, next) => (isChat(context.req.path) ? limits.chat : limits.plain)(context, next))
  const times = { plain: limitTime(maxMilliseconds), chat: limitTime(maxChatMilliseconds) }
  app.use('/v1/*', async (context, next) => {
    const chat = isChat(context.req.path)
    // A rollout has the limits of its run file.
    if (rlm && chat && context.req.header('x-descent-session') === undefined) return await next()
    return await (chat ? times.chat : times.plain)(context, next)
  })
  app.onError((error) => {
    const response = errorResponse(error)
    if (response.status >= 500) options.onError?.(error)
    return response
  })
  app.notFound(pageHandler(options.webDirectory === undefined ? defaultWebDirectory() : options.webDirectory))
  const routes = app
    .route('/v1', healthRoutes(store))
    .route('/v1', runRoutes(store))
    .route('/v1', runTrajectoryRoutes(store))
    .route('/v1', trajectoryRoutes(store))
    .route('/v1', callTokenRoutes(store))
    .route('/v1', judgementRoutes(store))
    .route('/v1', searchRoutes(store))
    .route('/v1', compareRoutes(store))
    .route('/v1', eventRoutes(store))
    .route('/v1', exportRoutes(store, exports))
    .route('/v1', datasetRowRoutes(store, options.exportRoots))
    .route('/v1', datasetRoutes(store, options.exportRoots))
    .route('/v1', selectionRoutes(store))
    .route('/v1', rowRoutes(store))
    .route('/v1', chatRoutes(rlm, proxy))
    .route('/v1', proxyRoutes(proxy))
    .route('/v1', tokenRoutes(store, access, failures))
    .route('/v1', rerunRoutes(store, jobs))
    .route('/v1', rescoreRoutes(store))
    .route('/v1', jobRoutes(store, jobs))
  // Made once at the first request, and through the error handler should it fail.
  let document: string | null = null
  app.get('/openapi.json', (context) => {
    document ??= JSON.stringify(describeApi(app))
    return context.body(document, 200, { 'content-type': 'application/json' })
  })
  return routes
}

/** For a typed client: `hc<Api>(url)` of `hono/client`, or `createClient`. */
export type Api = ReturnType<typeof createApp>

function bodyTooLarge(bytes: number): Response {
  const detail = `A request body may have ${bytes} bytes at most.`
  return problemResponse(new HttpProblem(413, 'body_too_large', detail))
}

// Live: server-sent events of a run's trajectories and of one trajectory's records. The id of an event is
// its place in the store; a reader who comes back with Last-Event-ID goes on right after it.
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { UsageError } from '../../../src/errors.ts'
import type { Change } from '../../../src/store/contract.ts'
import { createFeed, type Feed, type ReadChanges } from '../feed.ts'
import { HttpProblem, orNotFound, problemResponses } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { trajectoryItem } from '../tree.ts'
import { createRoutes, runParameter, trajectoryParameter } from './shared.ts'

const keepAliveMilliseconds = 15_000
const mostReaders = 1000

const headers = z.object({
  'last-event-id': z.string().max(100).optional().meta({ description: 'Goes on after this event.' }),
})
const query = z.object({
  after: z.string().max(100).optional().meta({ description: 'The same, where no header can be sent.' }),
})

const stream = {
  200: {
    description: 'Events without end.',
    content: { 'text/event-stream': { schema: z.string() } },
  },
  ...problemResponses,
} as const

const runRoute = createRoute({
  method: 'get',
  path: '/runs/{run}/events',
  summary: 'Follow a run: a `trajectory` event with the row of each trajectory that changes',
  request: { params: runParameter, headers, query },
  responses: stream,
})

const trajectoryRoute = createRoute({
  method: 'get',
  path: '/trajectories/{id}/events',
  summary: 'Follow a trajectory: `turn`, `cell`, `call` and `trajectory` events as they are stored',
  request: { params: trajectoryParameter, headers, query },
  responses: stream,
})

/** The feeds that somebody reads, by what they are about. */
function openFeeds<Event>(read: (id: string) => ReadChanges<Event>) {
  const feeds = new Map<string, { feed: Feed<Event>; readers: number }>()
  return {
    enter(id: string): Feed<Event> {
      const entry = feeds.get(id) ?? { feed: createFeed(read(id)), readers: 0 }
      entry.readers += 1
      feeds.set(id, entry)
      return entry.feed
    },
    leave(id: string): void {
      const entry = feeds.get(id)
      if (!entry) return
      entry.readers -= 1
      if (entry.readers === 0) feeds.delete(id)
    },
  }
}

export function eventRoutes(store: ApiStore) {
  const runs = openFeeds((id) => (cursor, limit) => store.runChanges(id, cursor, limit))
  const trajectories = openFeeds((id) => (cursor, limit) => store.trajectoryChanges(id, cursor, limit))
  let readers = 0

  async function send<Event>(
    context: Context,
    id: string,
    feeds: ReturnType<typeof openFeeds<Event>>,
    place: string | null,
    read: ReadChanges<Event>,
    toEvent: (event: Event) => { name: string; data: unknown },
  ): Promise<Response> {
    // A place that is none of ours is a mistake to tell before the stream begins.
    await read(place, 1).catch((error: unknown) => {
      if (error instanceof UsageError) throw new HttpProblem(400, 'bad_event_id', error.message)
      throw error
    })
    if (readers >= mostReaders) {
      throw new HttpProblem(429, 'too_many_readers', `At most ${mostReaders} readers follow at once.`)
    }
    context.header('x-accel-buffering', 'no')
    return streamSSE(context, async (out) => {
      const aborter = new AbortController()
      out.onAbort(() => aborter.abort())
      const alive = setInterval(() => void out.write(': alive\n\n').catch(() => {}), keepAliveMilliseconds)
      readers += 1
      const feed = feeds.enter(id)
      try {
        await out.write('retry: 2000\n\n')
        for await (const { cursor, event } of feed.follow(place, aborter.signal) as AsyncIterable<
          Change<Event>
        >) {
          const { name, data } = toEvent(event)
          // Waits while the reader is slow: the feed goes on without it.
          await out.writeSSE({ id: cursor, event: name, data: JSON.stringify(data) })
        }
      } finally {
        clearInterval(alive)
        feeds.leave(id)
        readers -= 1
      }
    })
  }

  return createRoutes()
    .openapi(runRoute, async (context) => {
      const { id } = await orNotFound(store.findRun(context.req.valid('param').run))
      const read: ReadChanges<Parameters<typeof trajectoryItem>[0]> = (cursor, limit) =>
        store.runChanges(id, cursor, limit)
      return await send(context, id, runs, placeOf(context), read, (row) => ({
        name: 'trajectory',
        data: trajectoryItem(row),
      }))
    })
    .openapi(trajectoryRoute, async (context) => {
      const id = await orNotFound(store.findTrajectory(context.req.valid('param').id))
      const read = (cursor: string | null, limit: number) => store.trajectoryChanges(id, cursor, limit)
      return await send(context, id, trajectories, placeOf(context), read, (event) => ({
        name: event.type,
        data: event,
      }))
    })
}

function placeOf(context: Context): string | null {
  return context.req.header('last-event-id') ?? context.req.query('after') ?? null
}

// Many sessions: one after another, and many at once with contexts of their own. Prints processes,
// descriptors, user ids and memory before and after; exits with 1 when something is left over.
//
//   node test/bench/sandbox-churn.ts [--sessions 1000 --together 200 --megabytes 50 --level namespace]
import { readdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { identitiesInUse } from '../../collectors/sandbox/identity.ts'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { isolationSchema } from '../../src/sandbox.ts'
import type { ContextFile, SandboxSession } from '../../src/sandbox.ts'
import { descendants, echo, limits, setup, sleep } from '../sandbox/helpers.ts'
import { temporaryDirectory } from '../support/directory.ts'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000' },
    together: { type: 'string', default: '200' },
    megabytes: { type: 'string', default: '50' },
    level: { type: 'string' },
  },
})
const startAtOnce = 8
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

interface Holdings {
  processes: number
  descriptors: number
  identities: number
  heapMb: number
  rssMb: number
  freeMb: number
}

async function holdings(when: string): Promise<Holdings> {
  // What has just ended is collected by the system a little later.
  await sleep(500)
  collectGarbage()
  const memory = process.memoryUsage()
  const held = {
    processes: descendants(process.pid).length,
    descriptors: readdirSync('/proc/self/fd').length,
    identities: identitiesInUse(),
    heapMb: (memory.heapUsed + memory.external) / 2 ** 20,
    rssMb: memory.rss / 2 ** 20,
    freeMb: os.freemem() / 2 ** 20,
  }
  const shown = Object.entries(held).map(([name, value]) => `${name} ${value.toFixed(0)}`)
  console.log(`${when.padEnd(22)} ${shown.join('  ')}`)
  return held
}

const sandbox = await openSandbox(
  values.level === undefined ? {} : { level: isolationSchema.parse(values.level) },
)
const directory = await temporaryDirectory('bench-churn')
const count = Number(values.sessions)
const together = Number(values.together)
let wrong = 0

async function use(session: SandboxSession, code: string, printed: string): Promise<void> {
  const result = await session.execute(code, { onCall: echo })
  if (result.stdout !== printed) wrong += 1
}

try {
  // The first sessions load code and fill caches.
  for (let index = 0; index < 20; index += 1) {
    const session = await sandbox.open({ contexts: [], setup, limits })
    await use(session, 'print(llm_query("a"))', 'echo a\n')
    await session.close()
  }
  const before = await holdings('before')

  let start = performance.now()
  for (let index = 0; index < count; index += 1) {
    const session = await sandbox.open({ contexts: [], setup, limits })
    await use(session, `x = ${index}\nprint(x, llm_query("a"))`, `${index} echo a\n`)
    // Every tenth ends by itself and is replaced before it is closed.
    if (index % 10 === 0) await session.execute('import os\nos._exit(1)', { onCall: echo })
    await session.close()
  }
  console.log(`${(count / ((performance.now() - start) / 1000)).toFixed(0)} sessions/s, one after another`)
  const between = await holdings(`after ${count}`)

  const bytes = Number(values.megabytes) * 1_000_000
  const file = path.join(directory, 'context')
  await writeFile(file, 'a line of the context\n'.repeat(bytes / 22 + 1).slice(0, bytes))
  const context: ContextFile = { path: file, format: 'text', bytes }
  start = performance.now()
  const open: SandboxSession[] = []
  let left = together
  await Promise.all(
    Array.from({ length: startAtOnce }, async () => {
      while (left > 0) {
        left -= 1
        open.push(await sandbox.open({ contexts: [context], setup, limits }))
      }
    }),
  )
  console.log(
    `${open.length} sessions with ${values.megabytes} MB each in ${((performance.now() - start) / 1000).toFixed(1)} s`,
  )
  await holdings(`${together} at once`)
  start = performance.now()
  await Promise.all(open.map(async (session) => await use(session, 'print(len(context))', `${bytes}\n`)))
  console.log(`one cell in each, all at once: ${(performance.now() - start).toFixed(0)} ms`)
  await Promise.all(open.map(async (session) => await session.close()))
  const after = await holdings('after closing them')

  const problems = [
    wrong > 0 ? `${wrong} cells printed something else` : '',
    ...[between, after].flatMap((held) => [
      held.processes > before.processes ? `${held.processes - before.processes} processes left` : '',
      held.descriptors > before.descriptors
        ? `${held.descriptors - before.descriptors} descriptors left`
        : '',
      held.identities > before.identities ? `${held.identities - before.identities} user ids left` : '',
      held.heapMb > before.heapMb + 20 ? `${(held.heapMb - before.heapMb).toFixed(0)} MB of heap left` : '',
    ]),
  ].filter(Boolean)
  console.log(problems.length > 0 ? `WRONG: ${problems.join('; ')}` : 'nothing left over')
  process.exitCode = problems.length > 0 ? 1 : 0
} finally {
  await sandbox.close()
  await rm(directory, { recursive: true, force: true })
}

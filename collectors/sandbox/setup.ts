// Sets a waiting interpreter up for a session: limits, confinement, contexts, names.
import { SandboxError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import type { ContextFile, SessionOptions, Variable } from '../../src/sandbox.ts'
import { mostOutputCharacters } from './channel.ts'
import type { Frame } from './channel.ts'
import { closeAll, openContextFiles } from './context-files.ts'
import { interruptMessage, mostOpenFiles, mostThreads } from './limits.ts'
import { within } from './repl.ts'
import type { Repl } from './repl.ts'

/** The main thread, the reader of frames, and some room. */
const ownThreads = 8
/** A str takes up to four times its UTF-8, which is there as well while it is decoded. */
const memoryPerContextByte = 6
const setupTimeoutMs = 600_000
const pieceBytes = 4 << 20

/** Returns the variables that the first cell finds. Throws a SandboxError; the interpreter is then gone. */
export async function setUp(repl: Repl, options: SessionOptions): Promise<Variable[]> {
  const { contexts, setup, limits } = options
  const places = repl.transport.contexts
  const contextBytes = contexts.reduce((sum, context) => sum + context.bytes, 0)
  repl.transport.limitMemory?.(limits.memoryBytes + memoryPerContextByte * contextBytes)
  const { plan, filter } = repl.level.confinement({
    interpreter: repl.interpreter,
    identity: repl.identity,
    processId: repl.transport.processId,
    parentId: repl.transport.parentId ?? process.pid,
    limits: {
      AS: limits.memoryBytes + memoryPerContextByte * contextBytes,
      NOFILE: mostOpenFiles,
      FSIZE: 0,
      CORE: 0,
      STACK: 8 << 20,
      MEMLOCK: 0,
      MSGQUEUE: 0,
    },
    threads: mostThreads + ownThreads,
  })
  let answer: Frame | undefined
  const answered = new Promise<void>((resolve) => {
    function onFrame(frame: Frame): void {
      answer ??= frame
      resolve()
    }
    repl.listen({ onFrame, onExit() {} })
  })
  const header = {
    plan,
    setup: {
      ...setup,
      tools: setup.tools ?? [],
      histories: setup.histories ?? [],
      growingHistory: setup.growingHistory ?? false,
      seed: options.seed ?? 0,
      threads: mostThreads,
      outputCharacters: Math.min(limits.outputCharacters, mostOutputCharacters),
      interruptMessage,
      packages: repl.interpreter?.packages ?? [],
      snapshot: repl.transport.snapshot?.descriptor ?? null,
      snapshotBytes: repl.transport.snapshot?.halfBytes ?? 0,
    },
    contexts: contexts.map((context, index) => ({
      ...(places === 'inline' ? { inline: true } : places[index]),
      format: context.format,
    })),
  }
  repl.channel.send(JSON.parse(JSON.stringify(header)) as Record<string, Json>, [], filter)
  if (places === 'inline') await sendContexts(repl, contexts)
  const failure = await within(setupTimeoutMs, answered, repl.exited)
  if (failure === null && answer && 'ready' in answer) return toVariables(answer.variables)
  repl.kill()
  const said = answer && 'failed' in answer ? `${answer.failed}: ${answer.texts[0] ?? ''}` : failure
  throw new SandboxError(
    'setup',
    `the REPL could not be set up (${repl.level.isolation}): ${said ?? 'no answer'}`,
  )
}

/** In pieces, each waiting until the one before it has gone. Throws a SandboxError. */
async function sendContexts(repl: Repl, contexts: readonly ContextFile[]): Promise<void> {
  const files = await openContextFiles(contexts)
  try {
    for (const file of files) {
      for await (const piece of file.createReadStream({ autoClose: false, highWaterMark: pieceBytes })) {
        repl.channel.send({ last: false }, [], piece as Buffer)
        await repl.channel.drained()
      }
      repl.channel.send({ last: true }, [], Buffer.alloc(0))
    }
  } finally {
    await closeAll(files)
  }
}

export function toVariables(listed: readonly [name: string, type: string, basic: boolean][]): Variable[] {
  return listed.map(([name, type, basic]) => ({ name, type, basic }))
}

// Proves a level by running it: a cell must work, and must not reach what the level promises to keep
// from it.
import { SandboxError } from '../../src/errors.ts'
import type { SessionOptions } from '../../src/sandbox.ts'
import type { Level } from './level.ts'
import { findPython } from './python.ts'
import { startRepl } from './repl.ts'
import { openSession } from './session.ts'

const options: SessionOptions = {
  contexts: [],
  setup: { functions: [], answer: 'none', showVars: false, withoutBuiltins: [], strict: false },
  limits: { cellSeconds: 10, memoryBytes: 512 << 20, outputCharacters: 1000, openCalls: 1, callsPerCell: 1 },
}

const attempts = {
  'read /etc/passwd': "open('/etc/passwd').close()",
  'list /': "os.open('/proc/self/environ', os.O_RDONLY)",
  'write to /tmp': "open('/tmp/descent-proof', 'w').close()",
  'open a socket': 'socket.socket()',
  'start a process': 'os.fork() or os._exit(0)',
}
/** The files of a container are its image's, not the host's. */
const attemptsInContainer = (['write to /tmp', 'open a socket', 'start a process'] as const).map(
  (name) => [name, attempts[name]] as const,
)

/** Prints what the cell could do; nothing after the sum where a level isolates. */
function program(tried: readonly (readonly [name: string, attempt: string])[]): string {
  return `
import os, socket
print(6 * 7)
for name, attempt in {
${tried.map(([name, attempt]) => `    '${name}': lambda: ${attempt},`).join('\n')}
}.items():
    try:
        attempt()
        print(name)
    except OSError:
        pass
`
}

/** The same for Pyodide, whose files, sockets and process are all its own: the way out is JavaScript. */
const attemptsInWasm = `
import os
print(6 * 7)
def mount():
    import pyodide_js
    pyodide_js.mountNodeFS('/host', '/')
    os.listdir('/host')
def construct():
    from pyodide.ffi import to_js
    to_js([1]).constructor.constructor('return process')()
for name, attempt in {
    'read /etc/passwd': lambda: open('/etc/passwd').close(),
    'reach Node': lambda: __import__('js').process.env,
    'run JavaScript': lambda: __import__('pyodide.code').code.run_js('1'),
    'mount the files of the host': mount,
    'make code of text': construct,
    'start a process': lambda: os.fork() or os._exit(0),
}.items():
    try:
        attempt()
        print(name)
    except Exception:
        pass
`

/** What was proved, in words. Throws a SandboxError or UsageError that says why the level fails. */
export async function prove(level: Level, python: string | undefined): Promise<string> {
  const obstacle = await level.obstacle()
  if (obstacle !== null) throw new SandboxError('unavailable', obstacle)
  const interpreter = level.hostPython ? await findPython(python) : null
  const host = { takeRepl: async () => await startRepl(level, interpreter, []), onClose() {} }
  const session = await openSession(host, options)
  try {
    const isolates = level.isolation !== 'none' && level.isolation !== 'remote'
    const result = await session.execute(codeFor(level), { onCall: async () => null })
    const [sum, ...possible] = result.stdout.trim().split('\n')
    if (sum !== '42' || result.error) {
      throw new SandboxError('unavailable', `a cell failed: ${result.error?.message ?? result.stdout}`)
    }
    if (possible.length > 0) throw new SandboxError('unavailable', `a cell could ${possible.join(', ')}`)
    const named = interpreter
      ? `Python ${interpreter.version} at ${interpreter.executable}`
      : 'its own Python'
    return isolates
      ? `${named} ran a cell that could reach nothing of the host`
      : `${named} ran a cell${level.isolation === 'none' ? ', unconfined' : ''}`
  } finally {
    await session.close()
  }
}

function codeFor({ isolation }: Level): string {
  if (isolation === 'wasm') return attemptsInWasm
  if (isolation === 'docker') return program(attemptsInContainer)
  // Whatever a cell can reach at a vendor's is not of this machine.
  if (isolation === 'none' || isolation === 'remote') return program([])
  return program(Object.entries(attempts))
}

// A Python environment with the readers, kept between runs in the system's temporary directory.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { environment } from '../../src/env.ts'

const run = promisify(execFile)

/** PyTorch is large; whoever needs longer has it skipped, and is told so. */
const installMilliseconds = 900_000

/** The interpreter of an environment with `packages`, or why there is none. */
export async function preparePython(
  packages: string[],
  { large = true } = {},
): Promise<{ python: string } | { reason: string }> {
  const base = environment.python ?? 'python3'
  const place = join(tmpdir(), `descent-interop-${packages.join('-').replaceAll(/[^\w-]/g, '_')}`)
  const python = join(place, 'bin', 'python')
  const ready = join(place, 'ready')
  if (existsSync(ready)) return { python }
  if (large && process.argv.includes('--light'))
    return { reason: 'not installed, and --light installs no large packages; npm run test:interop does' }
  try {
    await run(base, ['-m', 'venv', place])
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], {
      timeout: installMilliseconds,
    })
    await writeFile(ready, '')
    return { python }
  } catch (error) {
    await rm(place, { recursive: true, force: true })
    const text = error instanceof Error ? error.message : String(error)
    return { reason: text.trim().split('\n').slice(0, 3).join(' ') }
  }
}

/** The lines of JSON that a program prints. */
export async function jsonLines(python: string, arguments_: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await run(python, arguments_, {
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: '/usr/bin:/bin',
      HF_HUB_OFFLINE: '1',
      HF_DATASETS_DISABLE_PROGRESS_BARS: '1',
      HOME: tmpdir(),
    },
  })
  return (
    stdout
      .trim()
      .split('\n')
      // Libraries print on stdout too.
      .filter((line) => line.startsWith('{"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  )
}

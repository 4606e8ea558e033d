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

export interface PythonOptions {
  /** Takes minutes to install: left out with `--light`. */
  large?: boolean
  /** Installed without the packages that they ask for. */
  alone?: string[]
  /** The interpreter of an environment whose packages are there too. */
  on?: string
  /** Also where what is installed alone asks for another Python. */
  anyPython?: boolean
}

/** The interpreter of an environment with `packages`, or why there is none. */
export async function preparePython(
  packages: string[],
  { large = true, alone = [], on, anyPython = false }: PythonOptions = {},
): Promise<{ python: string } | { reason: string }> {
  const base = environment.python ?? 'python3'
  const name = on === undefined ? packages.join('-') : `on-trl-${alone[0] ?? packages.join('-')}`
  const place = join(tmpdir(), `descent-interop-${name.replaceAll(/[^\w-]/g, '_')}`)
  const python = join(place, 'bin', 'python')
  const ready = join(place, 'ready')
  if (existsSync(ready)) return { python }
  if (large && process.argv.includes('--light'))
    return { reason: 'not installed, and --light installs no large packages; npm run test:interop does' }
  try {
    await run(base, ['-m', 'venv', place])
    if (on !== undefined) await lookInto(python, on)
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    const options = { timeout: installMilliseconds }
    const any = anyPython ? ['--ignore-requires-python'] : []
    if (alone.length > 0) await run(python, [...install, ...any, '--no-deps', ...alone], options)
    if (packages.length > 0) await run(python, [...install, ...packages], options)
    await writeFile(ready, '')
    return { python }
  } catch (error) {
    await rm(place, { recursive: true, force: true })
    const text = error instanceof Error ? error.message : String(error)
    return { reason: text.trim().split('\n').slice(0, 3).join(' ') }
  }
}

/** Makes the packages of another environment importable in this one, behind its own. */
async function lookInto(python: string, other: string): Promise<void> {
  const pathOf = async (one: string) =>
    (await run(one, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'])).stdout.trim()
  await writeFile(join(await pathOf(python), 'base.pth'), `${await pathOf(other)}\n`)
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
      AXOLOTL_DO_NOT_TRACK: '1',
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

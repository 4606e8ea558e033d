// `descent doctor`: what works here and, where something does not, how to mend it.
import { mkdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { styleText } from 'node:util'
import { probeSandbox } from '../../../collectors/sandbox/index.ts'
import { findPython } from '../../../collectors/sandbox/python.ts'
import { environment } from '../../../src/env.ts'
import { openStore } from '../../../src/store/index.ts'
import { prepareRun, readRunFile } from '../../compose.ts'
import { formatBytes } from '../format.ts'
import { printJson, type StoreOption } from '../store-option.ts'

interface Check {
  name: string
  ok: boolean
  /** A failed check that does not keep Descent from working. */
  optional?: boolean
  detail: string
}

export async function doctor(
  runFile: string | undefined,
  options: StoreOption & { json?: boolean },
): Promise<void> {
  const location = options.store ?? environment.store ?? './.descent'
  const checks: Check[] = [
    { name: 'node', ok: true, detail: process.version },
    await attempt('python', async () => {
      const python = await findPython()
      return `${python.version} (${python.executable})`
    }),
    ...(await sandboxChecks()),
    await attempt('store', async () => {
      const store = await openStore(location)
      await store.close()
      return store.location
    }),
    ...(location.startsWith('postgres') ? [] : [await diskCheck(location)]),
    ...(runFile ? await modelChecks(runFile) : []),
  ]
  if (options.json) for (const check of checks) printJson(check)
  else process.stdout.write(`${checks.map(line).join('\n')}\n`)
  if (checks.some((check) => !check.ok && !check.optional)) process.exitCode = 1
}

async function attempt(name: string, check: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await check() }
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

async function sandboxChecks(): Promise<Check[]> {
  try {
    const probes = await probeSandbox()
    return probes.map((probe) => ({
      name: `sandbox ${probe.level}`,
      ok: probe.ok,
      optional: probes.some((other) => other.ok),
      detail: probe.why,
    }))
  } catch (error) {
    return [{ name: 'sandbox', ok: false, detail: error instanceof Error ? error.message : String(error) }]
  }
}

async function diskCheck(location: string): Promise<Check> {
  return await attempt('disk', async () => {
    await mkdir(location, { recursive: true })
    const { bavail, bsize } = await statfs(location)
    const free = bavail * bsize
    if (free < 2 ** 30)
      throw new Error(
        `only ${formatBytes(free)} free where the store is; a run of 1,000 trajectories takes about 1 GiB`,
      )
    return `${formatBytes(free)} free in ${path.resolve(location)}`
  })
}

async function modelChecks(runFile: string): Promise<Check[]> {
  const prepared = await prepareRun(await readRunFile(runFile), path.dirname(path.resolve(runFile)))
  const { policy, sub, child } = prepared.models
  const checks: Check[] = []
  for (const model of new Set([policy, sub, child])) {
    checks.push(
      await attempt(`model ${model.name}`, async () => {
        await model.check(AbortSignal.timeout(20_000))
        return model.scripted ? 'scripted: no language model' : 'answers'
      }),
    )
  }
  return checks
}

function line(check: Check): string {
  const mark = check.ok
    ? styleText('green', 'ok  ')
    : check.optional
      ? styleText('yellow', 'no  ')
      : styleText('red', 'FAIL')
  return `${mark}  ${check.name.padEnd(18)}  ${check.detail}`
}

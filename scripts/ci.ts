// Everything that a change must pass, with one closing line: `N passed, N failed`. A suite whose needs
// are not there says so and counts as skipped, never as passed.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

interface Outcome {
  passed: number
  failed: number
  /** What failed and why, said again at the end: the middle of a long output is what people lose. */
  failures?: string[]
  /** What failed beside other tests, and passed alone. */
  unsteady?: string[]
  skipped?: boolean
}

interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
  }[]
}

const scratch = mkdtempSync(path.join(os.tmpdir(), 'descent-ci-'))
const skippedCode = 77

/** With `later`, the output is only returned: of suites that run at the same time. */
async function run(
  command: string,
  args: string[],
  { later = false } = {},
): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
      if (!later) process.stdout.write(chunk)
    })
  }
  return await new Promise((resolve) => child.on('exit', (code) => resolve({ code: code ?? 1, output })))
}

/** A check without tests of its own counts as one. */
async function check(name: string, command: string, ...args: string[]): Promise<Outcome> {
  heading(name)
  const { code, output } = await run(command, args)
  return code === 0
    ? { passed: 1, failed: 0 }
    : { passed: 0, failed: 1, failures: [`${name}\n${output.slice(-2000)}`] }
}

interface Attempt extends Outcome {
  failures: string[]
  /** The test files in which something failed. */
  files: string[]
}

const mostUnsteady = 3

/** A file that fails beside others is run once more, alone: one that passes then is told of, and passed. */
async function vitest(name: string, prefix: string[], ...args: string[]): Promise<Outcome> {
  heading(name)
  const first = await attempt(name, prefix, args)
  const { files, failures } = first
  if (files.length === 0 || files.length > mostUnsteady) return first
  heading(`${name}: what failed, alone`)
  const again = await attempt(`${name} again`, prefix, [...files, '--maxWorkers=1'])
  if (again.failed > 0) return first
  return { passed: first.passed + first.failed, failed: 0, unsteady: failures }
}

async function attempt(name: string, prefix: string[], args: string[]): Promise<Attempt> {
  const report = path.join(scratch, `${name.replaceAll(/\W+/g, '-')}.json`)
  const command = [
    ...prefix,
    'node_modules/.bin/vitest',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...args,
  ]
  const { code, output } = await run(command[0] ?? '', command.slice(1))
  if (code === skippedCode) return { ...skipped(name), failures: [], files: [] }
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
    const failures = testResults.flatMap((file) => [
      ...file.assertionResults
        .filter((one) => one.status === 'failed')
        .map(
          (one) => `${path.relative('.', file.name)} > ${one.fullName}\n${one.failureMessages.join('\n')}`,
        ),
      ...(file.status === 'failed' && file.message
        ? [`${path.relative('.', file.name)}\n${file.message}`]
        : []),
    ])
    // Errors outside of any test fail the run too; what they were is at the end of the output.
    if (code !== 0 && failures.length === 0)
      failures.push(`${name}: exit code ${code}\n${output.slice(-2000)}`)
    return {
      passed: numPassedTests,
      failed: numFailedTests + (code !== 0 && numFailedTests === 0 ? 1 : 0),
      failures,
      files: testResults
        .filter(({ status }) => status === 'failed')
        .map((file) => path.relative('.', file.name)),
    }
  } catch {
    return {
      passed: 0,
      failed: 1,
      failures: [`${name}: exit code ${code}, no report\n${output.slice(-2000)}`],
      files: [],
    }
  }
}

/** A script that prints `N passed, N failed` itself. */
async function script(name: string, file: string, ...args: string[]): Promise<Outcome> {
  const { code, output } = await run('node', [file, ...args], { later: true })
  heading(name)
  process.stdout.write(output)
  if (code === skippedCode) return skipped(name)
  const line = /(\d+) passed, (\d+) failed/.exec(
    output
      .split('\n')
      .toReversed()
      .find((one) => /\d+ passed, \d+ failed/.test(one)) ?? '',
  )
  if (!line) return { passed: 0, failed: 1, failures: [`${name}: no sum\n${output.slice(-2000)}`] }
  const failed = Math.max(Number(line[2]), code === 0 ? 0 : 1)
  const failures = output.split('\n').filter((one) => /^\s*(?:failed|FAIL)\b/u.test(one))
  if (failed > 0 && failures.length === 0) failures.push(output.slice(-2000))
  return { passed: Number(line[1]), failed, failures: failures.map((one) => `${name}: ${one}`) }
}

function heading(name: string): void {
  console.log(`\n=== ${name} (after ${Math.round(performance.now() / 1000)} s)`)
}

function skipped(name: string): Outcome {
  console.log(`SKIPPED: ${name}: what it needs is not installed here (see above)`)
  return { passed: 0, failed: 0, skipped: true }
}

/** All on a PostgreSQL server, then what records runs on the embedded store; or all on that one. */
async function tests(): Promise<Outcome[]> {
  const server = ['env', 'DESCENT_TEST_FSYNC=off', 'node', 'scripts/with-postgres.ts']
  const onServer = await vitest('tests on a PostgreSQL server', server)
  if (onServer.skipped) return [await vitest('tests on the embedded store', [])]
  return [
    onServer,
    await vitest(
      'tests on the embedded store',
      [],
      ...['collect', 'kills', 'resume'].map((name) => `test/cli/${name}.test.ts`),
    ),
  ]
}

const outcomes = [
  await check('types', 'node_modules/.bin/tsc'),
  await check('lint', 'node_modules/.bin/oxlint'),
  await check('format', 'node_modules/.bin/oxfmt', '--check'),
  ...(await tests()),
  // The one waits for a browser, the others for installs: together they take as long as the longer one.
  ...(await Promise.all([
    script('browser', 'test/browser/run.ts'),
    // PyTorch and its like take longer to install than all of this runs.
    script('interop', 'test/interop/run.ts', '--light'),
    script('the reference implementation at the proxy', 'test/interop/rlms.ts'),
  ])),
]
rmSync(scratch, { recursive: true, force: true })

const total = outcomes.reduce((sum, one) => ({
  passed: sum.passed + one.passed,
  failed: sum.failed + one.failed,
}))
for (const [title, kind] of [
  ['failed beside other tests, passed alone', 'unsteady'],
  ['what failed', 'failures'],
] as const) {
  const found = outcomes.flatMap((one) => one[kind] ?? [])
  if (found.length > 0) console.log(`\n=== ${title}`)
  for (const one of found) console.log(`\n- ${one.slice(0, 3000)}`)
}
console.log(`\nafter ${Math.round(performance.now() / 1000)} s`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1

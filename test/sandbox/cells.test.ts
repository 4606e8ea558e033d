// The reference's behaviour, from its own tests and from observation: cells.json.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { HostFunction } from '../../src/sandbox.ts'
import { levels, noBuiltins, referenceStderr, startSandbox, withFiles, workingOf } from './helpers.ts'
import type { TestSandbox } from './helpers.ts'

const casesSchema = z.array(
  z.object({
    id: z.string(),
    tag: z.enum(['ref', 'observed', 'quirk']),
    context: z.unknown(),
    cells: z.array(z.string()),
    expect: z.array(
      z.strictObject({
        stdout: z.string().optional(),
        stderr: z.string().optional(),
        stderr_contains: z.string().optional(),
        final: z.string().nullable().optional(),
      }),
    ),
  }),
)
const cases = casesSchema.parse(JSON.parse(await readFile(new URL('cells.json', import.meta.url), 'utf8')))

it('has a level to run at', () => {
  expect(levels.length).toBeGreaterThan(0)
})

// Slower to start than the others, and with a Python of their own kind.
const others = await workingOf('gvisor', 'wasm')

describe.each([...levels, ...others])('at level %s', (level) => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox({ level })
  })
  afterAll(async () => await sandbox.close())

  const strict = cases.map((one) => ({ ...one, strict: true }))
  const persistent = cases.filter((one) => one.tag !== 'quirk').map((one) => ({ ...one, strict: false }))
  it.each([...strict, ...persistent])('$id, strict: $strict', async (one) => {
    const format = typeof one.context === 'string' ? 'text' : 'json'
    const text = typeof one.context === 'string' ? one.context : JSON.stringify(one.context)
    await withFiles(one.context === null ? [] : [{ text, format }], async (contexts) => {
      const onCall: HostFunction = async () => 'Error: No LM handler configured'
      const rig = await sandbox.open({
        contexts,
        onCall,
        setup: { strict: one.strict, withoutBuiltins: noBuiltins },
      })
      for (const [index, code] of one.cells.entries()) {
        const result = await rig.run(code)
        const seen = {
          stdout: result.stdout,
          stderr: referenceStderr(result),
          final: result.finalAnswer,
          death: result.death,
        }
        const { stderr_contains: part = '', ...wanted } = one.expect[index] ?? {}
        expect(seen).toMatchObject({ death: null, ...wanted })
        expect(seen.stderr).toContain(part)
      }
      await rig.close()
    })
  })
})

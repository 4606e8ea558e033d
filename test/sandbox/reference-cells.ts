// The reference's behaviour, from its own tests and from observation: cells.json, as tests of one level.
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { HostFunction } from '../../src/sandbox.ts'
import { noBuiltins, referenceStderr, withFiles } from './helpers.ts'
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
const strict = cases.map((one) => ({ ...one, strict: true }))
const persistent = cases.filter((one) => one.tag !== 'quirk').map((one) => ({ ...one, strict: false }))

/** To be called where tests are declared; `sandbox` is called when they run. */
export function testReferenceCells(sandbox: () => TestSandbox): void {
  it.each([...strict, ...persistent])('$id, strict: $strict', async (one) => {
    const format = typeof one.context === 'string' ? 'text' : 'json'
    const text = typeof one.context === 'string' ? one.context : JSON.stringify(one.context)
    await withFiles(one.context === null ? [] : [{ text, format }], async (contexts) => {
      const onCall: HostFunction = async () => 'Error: No LM handler configured'
      const rig = await sandbox().open({
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
}

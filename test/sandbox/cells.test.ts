// The reference's behaviour at every level that works on this machine.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { levels, startSandbox, workingOf } from './helpers.ts'
import type { TestSandbox } from './helpers.ts'
import { testReferenceCells } from './reference-cells.ts'

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
  testReferenceCells(() => sandbox)
})

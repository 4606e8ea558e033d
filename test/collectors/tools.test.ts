// A run's own tools in the REPL, from the run file to the cell.
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { prepareRun, prepareStoredRun, newRun } from '../../api/compose.ts'
import type { StoredRun } from '../../src/store/contract.ts'
import { runFileSchema } from '../../src/run-file.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { answer, code, useRolling, turnsOf } from './rolling.ts'

const rolling = useRolling('tools')

const lookup = {
  name: 'lookup',
  description: '`lookup(word)` gives the entry of a word.',
  source:
    'import json\n_seen = []\ndef lookup(word):\n    _seen.append(word)\n    return llm_query(f"define {word}") + str(len(_seen))\n',
}
const table = { name: 'table', description: 'the table of units', value: { metre: ['m', 1] } }

describe('tools', () => {
  it('are there in every cell, whatever a cell made of their names', async () => {
    const trajectory = await rolling.roll(
      [
        code('lookup = 1\ntable = 2\nprint(lookup, table)'),
        code('print(table["metre"], lookup("one")[-1], lookup("two")[-1], SHOW_VARS())'),
        code('1/0'),
        answer('done'),
      ],
      { protocol: { id: 'rlm', tools: [lookup, table] } },
    )
    const cells = turnsOf(trajectory).map((turn) => turn.cells[0])
    expect(cells[0]?.stdout).toBe('1 2\n')
    expect(cells[1]?.stdout).toBe(
      "['m', 1] 1 2 Available variables: {'table': 'dict', 'context_0': 'str', 'context': 'str'}\n",
    )
    expect(cells[1]?.calls.map((call) => call.messages[0]?.content)).toEqual(['define one', 'define two'])
    expect(cells[2]?.error?.type).toBe('ZeroDivisionError')
    expect(turnsOf(trajectory)[0]?.call.messages[0]?.content).toContain(
      '- `lookup`: `lookup(word)` gives the entry of a word.\n- `table`: the table of units',
    )
  })

  it('find the same builtins as the cells', async () => {
    const asks = {
      name: 'asks',
      description: 'asks whoever sits there',
      source:
        'import builtins\ndef asks():\n    print(__builtins__ is vars(builtins))\n    return input("?")\n',
    }
    const trajectory = await rolling.roll([code('asks()'), answer('done')], {
      protocol: { id: 'rlm', tools: [asks] },
    })
    const [cell] = turnsOf(trajectory)[0]?.cells ?? []
    expect(cell).toMatchObject({ stdout: 'True\n', error: { type: 'EOFError' } })
    expect(cell?.error?.message).toContain('input() is not available')
  })

  it('are there again after the REPL died', async () => {
    const trajectory = await rolling.roll(
      [code('import os\nos._exit(1)'), code('print(table, callable(lookup))'), answer('done')],
      { protocol: { id: 'rlm', tools: [lookup, table] } },
    )
    expect(turnsOf(trajectory)[1]?.cells[0]?.stdout).toBe("{'metre': ['m', 1]} True\n")
  })

  it('strict: data that a cell binds anew stays so, as in the reference', async () => {
    const trajectory = await rolling.roll(
      [code('table = 2\nlookup = 3'), code('print(table, callable(lookup))'), answer('done')],
      { protocol: { id: 'rlm', strict: true, tools: [lookup, table] } },
    )
    expect(turnsOf(trajectory)[1]?.cells[0]?.stdout).toBe('2 True\n')
  })

  it('that cannot be made end the rollout with what Python says', async () => {
    const bad = { name: 'broken', description: 'x', source: 'def other(): pass' }
    const trajectory = await rolling.roll([answer('done')], { protocol: { id: 'rlm', tools: [bad] } })
    expect(trajectory).toMatchObject({ status: 'failed', stopReason: 'sandbox_error' })
    expect(trajectory.error?.message).toContain('the source of the tool broken defines no broken')
  })
})

describe('the run file', () => {
  const base = {
    name: 'tooled',
    tasks: { taskset: 'factbook' },
    model: { provider: 'scripted', name: 'careful' },
  }

  it('names a Python file, whose source is stored with the run', async () => {
    const directory = await temporaryDirectory('tools')
    await writeFile(path.join(directory, 'lookup.py'), lookup.source)
    const tools = [
      { name: 'lookup', description: 'looks a word up', pythonFile: 'lookup.py' },
      { name: 'units', description: 'units', data: ['m', 's'] },
      { name: 'twice', description: 'doubles', python: 'def twice(x): return 2 * x' },
    ]
    const prepared = await prepareRun(runFileSchema.parse({ ...base, tools }), directory)
    expect(prepared.protocol.setup?.tools).toEqual([
      { name: 'lookup', source: lookup.source },
      { name: 'units', value: ['m', 's'] },
      { name: 'twice', source: 'def twice(x): return 2 * x' },
    ])
    await writeFile(path.join(directory, 'lookup.py'), 'def lookup(): return 0')
    const changed = await prepareRun(runFileSchema.parse({ ...base, tools }), directory)
    expect(changed.protocol.hash).not.toBe(prepared.protocol.hash)
    await rm(directory, { recursive: true })
    const again = await prepareStoredRun(newRun(prepared) as unknown as StoredRun, directory)
    expect(again.protocol.hash).toBe(prepared.protocol.hash)
  })

  it.each([
    [{ name: 'x', description: 'd' }, 'exactly one of'],
    [{ name: 'x', description: 'd', python: 'x = 1', data: 1 }, 'exactly one of'],
    [{ name: 'x', python: 'x = 1' }, 'description'],
  ])('refuses %j', (tool, said) => {
    const parsed = runFileSchema.safeParse({ ...base, tools: [tool] })
    expect(JSON.stringify(parsed.error?.issues)).toContain(said)
  })

  it('refuses a file that is not there', async () => {
    const config = runFileSchema.parse({
      ...base,
      tools: [{ name: 'x', description: 'd', pythonFile: 'missing.py' }],
    })
    await expect(prepareRun(config, '/')).rejects.toThrow('tools: x: /missing.py cannot be read (ENOENT)')
  })
})

// Which uids sessions run under, where the id map of a container ends early.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { idRange } from '../../collectors/sandbox/identity.ts'
import { isRoot, nobody, reachableBy } from '../../src/reach.ts'
import { levels } from './helpers.ts'

const host = fileURLToPath(new URL('fixtures/host.ts', import.meta.url))
const mapper = fileURLToPath(new URL('fixtures/small_id_map.py', import.meta.url))
const reachable = (await reachableBy(process.execPath, nobody)) && (await reachableBy(host, nobody))
const isWhole =
  process.platform === 'linux' && /\b4294967295\b/.test(await readFile('/proc/self/uid_map', 'utf8'))

describe('the range of ids', () => {
  const none = new Set<number>()
  it.each([
    ['a whole map', '0 0 4294967295', { first: 200_000, count: 50_000 }],
    ['no id above 65535', '0 100000 65536', { first: 30_000, count: 35_534 }],
    ['no id above 60000', '0 100000 60001', { first: 30_000, count: 30_001 }],
    ['two ranges', '0 1000 1\n1 100000 65536', { first: 30_000, count: 35_534 }],
    ['root alone', '0 1000 1', null],
    ['system accounts only', '0 0 1000', null],
    ['nothing to read', '', null],
  ])('%s', (_name, map, expected) => {
    expect(idRange(map, map, none)).toEqual(expected)
  })

  it('is in both maps and above every account', () => {
    expect(idRange('0 0 65536', '0 0 40000', none)).toEqual({ first: 30_000, count: 10_000 })
    expect(idRange('0 0 65536', '0 0 65536', new Set([0, 1000, 60_000, 65_534]))).toEqual({
      first: 60_001,
      count: 5533,
    })
  })
})

describe.runIf(isRoot() && isWhole)('a session in a user namespace', () => {
  // Where root is another user outside, it can start nothing from a directory that others cannot enter.
  const maps = reachable ? ['0 0 65536', '0 100000 65536', '0 0 1'] : ['0 0 65536', '0 0 1']
  it.each(levels.flatMap((level) => maps.map((map) => [level, map])))(
    'works at level %s with the id map %s',
    async (level, map) => {
      const run = promisify(execFile)
      const { stdout } = await run('/usr/bin/python3', [mapper, map, process.execPath, host, level, 'answer'])
      expect(stdout).toBe('42\n')
    },
  )
})

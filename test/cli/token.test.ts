// `descent token` as a process: the secret is printed once, the rest of the way is the API's.
import { expect, test } from 'vitest'
import { createApp } from '../../api/http/app.ts'
import { openStore } from '../../src/store/index.ts'
import { descent } from '../support/cli.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'

test('a token is made, listed, used and revoked', async () => {
  const directory = await temporaryDirectory('token')
  try {
    const where = ['--store', directory]
    const made = await descent(['token', 'create', 'trainer', '--scope', 'write', ...where])
    expect(made.code).toBe(0)
    const secret = made.stdout.trim()
    expect(secret).toMatch(/^descent_[\w-]{32}$/)
    const listed = await descent(['token', 'list', '--json', ...where])
    expect(JSON.parse(listed.stdout)).toMatchObject({ name: 'trainer', scope: 'write', revokedAt: null })
    expect(listed.stdout).not.toContain(secret)
    const store = await openStore(directory)
    const headers = { authorization: `Bearer ${secret}` }
    const app = createApp(store, { webDirectory: null })
    expect((await app.request('/v1/runs', { headers })).status).toBe(200)
    expect((await app.request('/v1/runs')).status).toBe(401)
    await store.close()
    const revoked = await descent(['token', 'revoke', 'trainer', ...where])
    expect(revoked.stderr).toContain('is revoked')
    const wrong = await descent(['token', 'create', 'x', '--scope', 'root', ...where])
    expect([wrong.code, wrong.stderr.trim()]).toEqual([
      2,
      'descent: --scope: "root" is not known; allowed: read, write, admin',
    ])
  } finally {
    await removeDirectory(directory)
  }
})

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { createPatientFetch } from '../../src/models/patient-fetch.ts'
import { startOpenAIServer } from '../support/openai-server.ts'

it('sets the limits of fetch, which are 300 seconds otherwise', async () => {
  const server = await startOpenAIServer(() => ({ text: 'slow', delayMs: 2500 }))
  const request = { method: 'POST', body: JSON.stringify({ model: 'm', messages: [] }) }
  const address = `${server.baseUrl}/chat/completions`
  try {
    const hurried = createPatientFetch({ headersTimeout: 300, bodyTimeout: 0 })
    await expect(hurried(address, request)).rejects.toMatchObject({
      code: 'UND_ERR_HEADERS_TIMEOUT',
    })
    expect((await createPatientFetch()(address, request)).status).toBe(200)
  } finally {
    await server.close()
  }
})

it('follows a redirect, and leaves the key behind where it leads elsewhere', async () => {
  const seen: { path: string | undefined; key: string | undefined; body: string }[] = []
  const servers = [0, 1].map(() =>
    createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        seen.push({ path: request.url, key: request.headers.authorization, body })
        const [, second] = addresses
        if (request.url === '/old') response.writeHead(307, { location: '/new' }).end()
        else if (request.url === '/away') response.writeHead(308, { location: `${second}/there` }).end()
        else response.end('arrived')
      })
    }),
  )
  for (const server of servers) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const addresses = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    const post = { method: 'POST', body: 'question', headers: { authorization: 'Bearer secret' } }
    const fetchPatiently = createPatientFetch()
    for (const path of ['/old', '/away'])
      expect(await (await fetchPatiently(`${addresses[0]}${path}`, post)).text()).toBe('arrived')
    expect(seen).toEqual([
      { path: '/old', key: 'Bearer secret', body: 'question' },
      { path: '/new', key: 'Bearer secret', body: 'question' },
      { path: '/away', key: 'Bearer secret', body: 'question' },
      { path: '/there', key: undefined, body: 'question' },
    ])
  } finally {
    for (const server of servers) server.closeAllConnections()
    await Promise.all(servers.map(async (server) => await new Promise((done) => server.close(done))))
  }
})

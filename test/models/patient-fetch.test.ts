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
      cause: { code: 'UND_ERR_HEADERS_TIMEOUT' },
    })
    expect((await createPatientFetch()(address, request)).status).toBe(200)
  } finally {
    await server.close()
  }
})

// The model of the collection benchmark, in a process of its own: OpenAI's protocol, no latency, scripted.
// A conversation gets the code of its next turn, a single message its own length. Prints its port. Under
// /close it closes each connection, which the reference needs: it keeps its asynchronous client from one
// event loop to the next, where a connection that was kept alive fails.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { turnOf } from './script.ts'

interface Request {
  messages: { role: string; content: string }[]
}

let served = 0

function reply({ messages }: Request): string {
  if (messages.length === 1) return String(messages[0]?.content.length ?? 0)
  served += 1
  return turnOf(messages.filter((message) => message.role === 'assistant').length, served * 37)
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    const content = body === '' ? '' : reply(JSON.parse(body) as Request)
    const message = JSON.stringify({
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'scripted',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: { prompt_tokens: body.length >> 2, completion_tokens: content.length, total_tokens: 0 },
    })
    response.setHeader('content-type', 'application/json')
    if (request.url?.startsWith('/close')) response.setHeader('connection', 'close')
    response.end(message)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

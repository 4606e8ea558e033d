// `descent serve`: the API and the trace browser, until Ctrl-C.
import { serve } from '../../http/serve.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../numbers.ts'
import { say, usingStore, type StoreOption } from '../store-option.ts'

export async function serveCommand(options: StoreOption & { port: string; host: string }): Promise<void> {
  const port = wholeNumber(options.port, '--port')
  await usingStore(options, async (store) => {
    const server = await serve({ store, host: options.host, port })
    const interrupt = onInterrupt()
    say(`the trace browser: ${server.url}\nthe API: ${server.url}/openapi.json\nCtrl-C ends it`)
    await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()))
    interrupt.dispose()
    await server.close()
  })
  process.exitCode = 130
}

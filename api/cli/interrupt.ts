// Ctrl-C: the first one ends the work cleanly, the second one stops at once. Exit code 130 either way.

export class Interrupted extends Error {
  constructor() {
    super('interrupted')
    this.name = 'Interrupted'
  }
}

export function onInterrupt(): { signal: AbortSignal; heard(callback: () => void): void; dispose(): void } {
  const controller = new AbortController()
  const callbacks: (() => void)[] = []
  const handler = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new Interrupted())
    for (const callback of callbacks) callback()
  }
  process.on('SIGINT', handler)
  process.on('SIGTERM', handler)
  return {
    signal: controller.signal,
    heard: (callback) => callbacks.push(callback),
    dispose() {
      process.off('SIGINT', handler)
      process.off('SIGTERM', handler)
    },
  }
}

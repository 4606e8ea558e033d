// Puts beside the built code what the compiler does not copy: the Python runner.
import { cpSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const assets = ['collectors/sandbox/runner.py']

for (const asset of assets) {
  cpSync(path.join(root, asset), path.join(root, 'dist', asset))
}

// Puts beside the built code what the compiler does not copy: the Python files of the sandbox.
import { cpSync, globSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

for (const asset of globSync('collectors/**/*.py', { cwd: root })) {
  cpSync(path.join(root, asset), path.join(root, 'dist', asset))
}

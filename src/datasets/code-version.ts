// The version of this package, for the manifest: from the nearest package.json above this file, in
// the checkout as well as in an installed package.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export function codeVersion(): string {
  for (
    let folder = import.meta.dirname ?? dirname(fileURLToPath(import.meta.url));
    ;
    folder = dirname(folder)
  ) {
    const found = versionIn(join(folder, 'package.json'))
    if (found !== null) return found
    if (folder === dirname(folder)) return 'unknown'
  }
}

function versionIn(path: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown }
    return typeof version === 'string' ? version : null
  } catch {
    return null
  }
}

// Programs of the host, by name.
import { access, constants } from 'node:fs/promises'
import path from 'node:path'
import { environmentValue } from '../../src/env.ts'

/** The executable files of this name: in /usr/bin, then along PATH. */
export async function findPrograms(name: string): Promise<string[]> {
  const directories = (environmentValue('PATH') ?? '')
    .split(path.delimiter)
    .filter((entry) => path.isAbsolute(entry))
  const found: string[] = []
  for (const directory of new Set(['/usr/bin', ...directories])) {
    const file = path.join(directory, name)
    try {
      await access(file, constants.X_OK)
      found.push(file)
    } catch {
      // Not here.
    }
  }
  return found
}

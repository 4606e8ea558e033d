// A fresh temporary directory that other users may enter: PostgreSQL does not run as root, and a store
// in a private directory would leave its data in a public place after the directory is gone.
import { chmod, mkdtemp } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

export async function temporaryDirectory(name: string): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), `descent-${name}-`))
  await chmod(directory, 0o755)
  return directory
}

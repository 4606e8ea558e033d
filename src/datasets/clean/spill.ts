// Lines of JSON that wait on the disk, so that what cleaning found does not fill the memory. The folder is
// the operating system's for temporary files, and is gone after `dispose`.
import { createHash } from 'node:crypto'
import { copyFile, type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Place {
  offset: number
  length: number
}

export interface Spill {
  append(value: unknown): Promise<Place>
  read(place: Place): Promise<unknown>
  /** Copies all lines to a file; its size, hash and number of lines. */
  copyTo(path: string): Promise<{ bytes: number; sha256: string; lines: number }>
}

export interface SpillFolder {
  path: string
  open(name: string): Promise<Spill>
  dispose(): Promise<void>
}

export async function openSpillFolder(): Promise<SpillFolder> {
  const path = await mkdtemp(join(tmpdir(), 'descent-clean-'))
  const handles: FileHandle[] = []
  return {
    path,
    async open(name) {
      const file = join(path, name)
      const handle = await open(file, 'w+', 0o600)
      handles.push(handle)
      const hash = createHash('sha256')
      let bytes = 0
      let lines = 0
      return {
        async append(value) {
          const line = Buffer.from(`${JSON.stringify(value)}\n`)
          const place = { offset: bytes, length: line.length }
          for (let written = 0; written < line.length;) {
            const { bytesWritten } = await handle.write(line, written, line.length - written, bytes + written)
            written += bytesWritten
          }
          hash.update(line)
          bytes += line.length
          lines += 1
          return place
        },
        async read({ offset, length }) {
          const buffer = Buffer.alloc(length)
          await handle.read(buffer, 0, length, offset)
          return JSON.parse(buffer.toString('utf8')) as unknown
        },
        async copyTo(target) {
          await copyFile(file, target)
          return { bytes, sha256: hash.copy().digest('hex'), lines }
        },
      }
    },
    async dispose() {
      for (const handle of handles.splice(0)) await handle.close()
      await rm(path, { recursive: true, force: true })
    },
  }
}

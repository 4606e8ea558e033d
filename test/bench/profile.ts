// Where the collector's own processor time goes: the self time of a V8 profile, by the part of the program
// that the function belongs to.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[]
  samples: number[]
  timeDeltas: number[]
}

/** Prints milliseconds per trajectory of the newest `.cpuprofile` in `directory`. */
export async function printProfile(directory: string, trajectories: number): Promise<void> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile')).toSorted()
  const newest = files.at(-1)
  if (newest === undefined) return
  const profile = JSON.parse(await readFile(path.join(directory, newest), 'utf8')) as Profile
  const parts = new Map(profile.nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]))
  const spent = new Map<string, number>()
  for (const [index, id] of profile.samples.entries()) {
    const part = parts.get(id) ?? '?'
    spent.set(part, (spent.get(part) ?? 0) + (profile.timeDeltas[index] ?? 0))
  }
  console.log('the collector process, ms per trajectory:')
  for (const [part, microseconds] of [...spent].toSorted((a, b) => b[1] - a[1]).slice(0, 16))
    console.log(`  ${(microseconds / 1000 / trajectories).toFixed(2).padStart(8)}  ${part}`)
  console.log()
}

function partOf({ functionName, url }: { functionName: string; url: string }): string {
  if (url === '') return functionName
  if (url.startsWith('node:')) return `node:${url.slice(5).split('/').slice(0, 2).join('/')}`
  const [, library] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? []
  if (library !== undefined) return `library ${library}`
  const [, own] = /\/((?:src|collectors|rewards|api)\/[^/]+)/.exec(url) ?? []
  return own ?? url
}

#!/usr/bin/env -S node --max-semi-space-size=64
// The launcher: plain JavaScript that every Node can read. It finds a Node that can run Descent (this
// one, or the one that npm installed as a dependency), and the code: the bundle, or in a checkout whose
// sources were changed since, the sources.
// What a job holds lives as long as its requests: with room for it among the young objects, collecting
// garbage takes half the time.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const needed = 24
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const major = Number(process.versions.node.split('.')[0])
const bundle = path.join(root, 'dist', 'cli', 'main.js')
const sources = path.join(root, 'api', 'cli', 'main.ts')
const entry = existsSync(sources) && !isNewest(bundle) ? sources : bundle

if (major >= needed) {
  // Compiled code is kept between starts: a second `descent` starts in half the time.
  module.enableCompileCache()
  await import(pathToFileURL(entry).href)
} else {
  const bundled = bundledNode()
  if (bundled === null) {
    process.stderr.write(
      `descent: needs Node ${needed} or newer, this is ${process.versions.node}; install a newer Node, or run npm install again so that the package "node" is there\n`,
    )
    process.exitCode = 2
  } else {
    const launcher = fileURLToPath(import.meta.url)
    const child = spawn(bundled, ['--max-semi-space-size=64', launcher, ...process.argv.slice(2)], {
      stdio: 'inherit',
    })
    // The terminal sends Ctrl-C to both; the child decides what it means.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.on('error', (error) => {
      process.stderr.write(`descent: cannot start ${bundled}: ${error.message}\n`)
      process.exitCode = 2
    })
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
    })
  }
}

/** @returns {string | null} The `node` binary of the npm package `node`. */
function bundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const binary = path.join(
      path.dirname(manifest),
      'bin',
      process.platform === 'win32' ? 'node.exe' : 'node',
    )
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}

/** @param {string} file Whether it is there and no source has changed since it was made. */
function isNewest(file) {
  const made = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return ['src', 'collectors', 'rewards', 'api'].every((name) => isOlder(path.join(root, name), made))
}

/** @param {string} directory @param {number} time @returns {boolean} */
function isOlder(directory, time) {
  return readdirSync(directory, { withFileTypes: true }).every((one) => {
    const inside = path.join(directory, one.name)
    if (one.isDirectory()) return isOlder(inside, time)
    return !one.name.endsWith('.ts') || statSync(inside).mtimeMs < time
  })
}

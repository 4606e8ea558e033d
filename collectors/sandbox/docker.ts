// Level `docker`: a container of its own for each session, on whatever engine answers the Docker API:
// no network, nothing writable, no capabilities; the last seccomp filter inside. The runtime can be chosen
// (gVisor's `runsc`). Taken only when it is asked for by name; no image is pulled.
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { Duplex, PassThrough } from 'node:stream'
import type Docker from 'dockerode'
import { environment } from '../../src/env.ts'
import { SandboxError } from '../../src/errors.ts'
import type { Death } from '../../src/sandbox.ts'
import { keepTail, readDeath } from './death.ts'
import type { Level } from './level.ts'
import { mostThreads } from './limits.ts'
import { confinementInside, overStream, remoteCommand } from './over-stream.ts'
import type { RemoteCommand } from './over-stream.ts'
import type { Architecture } from './seccomp.ts'
import type { Transport } from './transport.ts'

const defaultImage = 'python:3.13-slim'
const ownerLabel = 'descent.owner'
/** What the interpreter itself takes, beside what a cell may. */
const ownBytes = 128 << 20
const ownThreads = 16
const user = '65534:65534'
const architectures: Record<string, Architecture> = {
  amd64: 'x64',
  x86_64: 'x64',
  arm64: 'arm64',
  aarch64: 'arm64',
}

let answering: Docker | null = null
let architecture: Architecture | null = null

export const docker: Level = {
  isolation: 'docker',
  hostPython: false,

  async obstacle() {
    const image = environment.dockerImage ?? defaultImage
    let found: Docker
    try {
      const { default: Engine } = await import('dockerode')
      found = new Engine()
    } catch {
      return 'the package dockerode is not installed (npm install dockerode)'
    }
    try {
      const { Arch, Os } = await found.version()
      if (Os !== 'linux') return `the engine runs ${Os} containers, not Linux ones`
      architecture = architectures[Arch] ?? null
    } catch (error) {
      return `no Docker engine answers (${firstLine(error)}); DOCKER_HOST says where it is`
    }
    if (architecture === null) return 'the engine runs on an architecture without a system call table here'
    try {
      await found.getImage(image).inspect()
    } catch (error) {
      return `the engine has no image ${image} (${firstLine(error)}): pull it, or name another in DESCENT_DOCKER_IMAGE`
    }
    answering = found
    await removeOrphans(found)
    return null
  },

  async start(request) {
    if (answering === null) throw new SandboxError('start', 'no Docker engine has answered')
    try {
      return await run(answering, remoteCommand(request))
    } catch (error) {
      throw new SandboxError('start', `the container could not be started: ${firstLine(error)}`, {
        cause: error,
      })
    }
  },

  confinement({ limits }) {
    // Not every runtime knows a limit for message queues; the filter has no call for them.
    const { MSGQUEUE: _, ...known } = limits
    return confinementInside(architecture, known)
  },
}

function containerOptions(command: RemoteCommand): Docker.ContainerCreateOptions {
  const runtime = environment.dockerRuntime
  return {
    Image: environment.dockerImage ?? defaultImage,
    Entrypoint: ['python3'],
    Cmd: command.arguments,
    Env: Object.entries(command.environment).map(([name, value]) => `${name}=${value}`),
    User: user,
    WorkingDir: '/',
    Labels: { [ownerLabel]: owner(process.pid) },
    OpenStdin: true,
    // The host's end closes it, and Python ends with it.
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    NetworkDisabled: true,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      IpcMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      Privileged: false,
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: mostThreads + ownThreads,
      // Nothing of what is printed is kept by the engine: frames would fill its disk.
      LogConfig: { Type: 'none', Config: {} },
      OomScoreAdj: 1000,
      ...(runtime === undefined ? {} : { Runtime: runtime }),
    },
  }
}

async function run(engine: Docker, command: RemoteCommand): Promise<Transport> {
  const container = await engine.createContainer(containerOptions(command))
  let stream: NodeJS.ReadWriteStream
  let ended: Promise<{ StatusCode: number }>
  try {
    stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
    ended = container.wait({ condition: 'removed' }) as Promise<{ StatusCode: number }>
    ended.catch(() => {})
    await container.start()
  } catch (error) {
    await container.remove({ force: true }).catch(() => {})
    throw error
  }
  const output = new PassThrough()
  const errors = new PassThrough()
  const said = keepTail(errors)
  engine.modem.demuxStream(stream, output, errors)
  stream.on('error', () => {})
  stream.on('end', () => output.end())

  async function death(): Promise<Death> {
    try {
      return readDeath((await ended).StatusCode, null, said())
    } catch (error) {
      return { reason: 'exit', detail: `the Docker engine does not answer any more: ${firstLine(error)}` }
    } finally {
      output.destroy()
      errors.destroy()
      if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy()
    }
  }

  /** Requests to the engine take effect in the order in which they were made; one that fails was too late. */
  let last: Promise<unknown> = Promise.resolve()
  function ask(request: () => Promise<unknown>): void {
    last = last.then(request).catch(() => {})
  }

  return overStream({
    stream: Duplex.from({ readable: output, writable: stream }),
    exited: death(),
    interrupt: () => ask(async () => await container.kill({ signal: 'SIGINT' })),
    freeze: () => ask(async () => await container.pause()),
    thaw: () => ask(async () => await container.unpause()),
    kill: () => void container.remove({ force: true }).catch(() => {}),
    limitMemory(bytes) {
      const most = bytes + ownBytes
      ask(async () => await container.update({ Memory: most, MemorySwap: most }))
    },
  })
}

/** A container that was paused when its host was killed does not see its stdin close. */
async function removeOrphans(engine: Docker): Promise<void> {
  const all = await engine.listContainers({ all: true, filters: { label: [ownerLabel] } }).catch(() => [])
  for (const { Id, Labels } of all) {
    const [host = '', processId = ''] = (Labels[ownerLabel] ?? '').split(' ')
    if (host !== os.hostname() || Labels[ownerLabel] === owner(Number(processId))) continue
    await engine
      .getContainer(Id)
      .remove({ force: true })
      .catch(() => {})
  }
}

/** Host name, process id and when the process started: nobody else is the same. */
function owner(processId: number): string {
  return `${os.hostname()} ${processId} ${startOf(processId)}`
}

/** In ticks since the machine's start (proc(5), field 22 of stat); 0 when there is no such process. */
function startOf(processId: number): number {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return 0
  }
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n')
  return line
}

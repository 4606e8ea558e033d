// Level docker, before an engine that answers the documented API (fixtures/engine.ts): what it is asked
// for, and that sessions, limits and deaths are what they are at every level.
import { mkdtemp, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPython } from '../../collectors/sandbox/python.ts'
import { startEngine } from './fixtures/engine.ts'
import type { Engine } from './fixtures/engine.ts'
import { eventually, levels, startSandbox, withFiles } from './helpers.ts'
import type { TestSandbox } from './helpers.ts'
import { testReferenceCells } from './reference-cells.ts'

describe.runIf(levels.includes('landlock'))('at level docker', () => {
  let directory: string
  let engine: Engine
  let sandbox: TestSandbox
  let refusal: unknown

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'descent-engine-'))
    const socket = path.join(directory, 'docker.sock')
    process.env.DOCKER_HOST = `unix://${socket}`
    refusal = await startSandbox({ level: 'docker', python: 'none' }).catch((error: Error) => error.message)
    engine = await startEngine(socket, (await findPython()).executable)
    const body = { Image: '', Entrypoint: [], Cmd: [], Env: [], HostConfig: {} }
    const common = { child: null, attached: null, paused: true, waiting: [] }
    for (const [id, owner] of Object.entries({
      aaaaaaaaaaaaaaaaaaaaaaaa: `${hostname()} 4194305 1`,
      bbbbbbbbbbbbbbbbbbbbbbbb: 'another-host 4194305 1',
    })) {
      engine.containers.set(id, { id, body: { ...body, Labels: { 'descent.owner': owner } }, ...common })
    }
    sandbox = await startSandbox({ level: 'docker' })
  })
  afterAll(async () => {
    await sandbox.close()
    await engine.close()
    delete process.env.DOCKER_HOST
    await rm(directory, { recursive: true })
  })

  it('asks for a container that can reach nothing', async () => {
    const rig = await sandbox.open({ limits: { memoryBytes: 300 << 20 } })
    expect((await rig.run('print(llm_query("a"))')).stdout).toBe('echo a\n')
    expect(engine.created.at(-1)).toMatchObject({
      Image: 'python:3.13-slim',
      Entrypoint: ['python3'],
      User: '65534:65534',
      NetworkDisabled: true,
      StdinOnce: true,
      Tty: false,
      HostConfig: {
        AutoRemove: true,
        NetworkMode: 'none',
        IpcMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        Privileged: false,
        SecurityOpt: ['no-new-privileges'],
        PidsLimit: 144,
        LogConfig: { Type: 'none' },
      },
    })
    expect(engine.created.at(-1)?.HostConfig).not.toHaveProperty('Binds')
    const most = (300 + 128) << 20
    expect(await eventually(() => engine.updated.some(({ Memory }) => Memory === most))).toBe(true)
    expect(engine.asked.some((one) => one.includes('/images/create'))).toBe(false)
    await rig.close()
  })

  it('says so when no engine answers, or has no such image', async () => {
    expect(refusal).toMatch(/docker: no Docker engine answers \(.*ENOENT.*\); DOCKER_HOST says where it is/)
  })

  it('removes what a killed host of this machine has left, and nothing else', () => {
    expect([...engine.containers.keys()]).not.toContain('aaaaaaaaaaaaaaaaaaaaaaaa')
    expect([...engine.containers.keys()]).toContain('bbbbbbbbbbbbbbbbbbbbbbbb')
  })

  it('pauses the container between cells', async () => {
    const rig = await sandbox.open()
    const paused = (): boolean => [...engine.containers.values()].at(-1)?.paused ?? false
    expect(await eventually(paused)).toBe(true)
    const code = 'import threading, time\nn = [0]\ndef f():\n    while True: n[0] += 1; time.sleep(0.001)\n'
    await rig.run(`${code}threading.Thread(target=f, daemon=True).start()`)
    expect(await eventually(paused)).toBe(true)
    expect((await rig.run('print(n[0] < 10**6)')).stdout).toBe('True\n')
    await rig.close()
  })

  it('interrupts, kills and replaces', async () => {
    const rig = await sandbox.open({ limits: { cellSeconds: 0.3 } })
    const stopped = await rig.run('x = 1\nwhile True: pass')
    expect(stopped).toMatchObject({
      error: { type: 'KeyboardInterrupt' },
      limits: ['compute_time'],
      death: null,
    })
    expect((await rig.run('print(x)')).stdout).toBe('1\n')
    const killed = await rig.run('print("seen", flush=True)\nsum(range(10**13))')
    expect(killed).toMatchObject({ death: { reason: 'timeout' }, stdout: 'seen\n' })
    expect((await rig.run('print(1 + 1)')).stdout).toBe('2\n')
    expect((await rig.run('import os\nos._exit(7)')).death).toEqual({
      reason: 'exit',
      detail: 'Python ended with exit code 7',
    })
    await rig.close()
  })

  it('sends contexts over the stream', async () => {
    const text = 'é\u{1f600}x\n'.repeat(500_000)
    await withFiles([{ text, format: 'text' }], async (contexts) => {
      const rig = await sandbox.open({ contexts })
      expect((await rig.run('print(len(context), context[-4:] == "é\\U0001f600x\\n")')).stdout).toBe(
        '2000000 True\n',
      )
      await rig.close()
    })
  })

  it('confines cells inside as well', async () => {
    const rig = await sandbox.open()
    expect((await rig.run('import socket\nsocket.socket()')).error?.type).toBe('PermissionError')
    expect((await rig.run('import os\nos.fork()')).error?.type).toBe('PermissionError')
    expect((await rig.run('open("/tmp/x", "w")')).error?.type).toBe('PermissionError')
    await rig.close()
  })

  it('leaves no container', async () => {
    const rig = await sandbox.open()
    await rig.close()
    expect(await eventually(() => engine.containers.size === 1)).toBe(true)
  })

  testReferenceCells(() => sandbox)
})

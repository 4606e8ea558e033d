// Tasks and their contexts: stored once, planned once, given back byte for byte.
import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { backends, temporaryDirectory } from './backends.ts'
import * as make from './fixtures.ts'

describe.each(backends())('tasks on $name', (backend) => {
  test('tasks and their contexts: texts, a large file, an empty one', async () => {
    const store = await backend.freshStore()
    const directory = await temporaryDirectory()
    const run = make.aRun({ rollouts: 2 })
    await store.createRun(run)
    const large = join(directory, 'large.txt')
    const content = Buffer.concat([randomBytes(12 * 1024 * 1024), Buffer.alloc(20 * 1024 * 1024 + 3, 'abc')])
    await writeFile(large, content)
    const hash = createHash('sha256').update(content).digest()
    const context = {
      file: large,
      hash,
      format: 'text' as const,
      type: 'str',
      characters: 1,
      bytes: content.length,
    }
    const empty = join(directory, 'empty.json')
    await writeFile(empty, '')
    const none = {
      file: empty,
      hash: createHash('sha256').digest(),
      format: 'json' as const,
      type: 'list',
      characters: 0,
      bytes: 0,
    }
    const tasks = [
      await make.aTask(directory, 'large', { context, answer: '42', prompt: `nul \0 ${'p'.repeat(5000)}` }),
      await make.aTask(directory, 'empty', {
        context: none,
        answer: { list: ['\0', '\uD800', null], text: '1' },
        metadata: {},
      }),
    ]
    expect(await store.addTasks(run.id, make.streamOf(tasks), 2, 1)).toBe(2)
    // Again, as after a crash: nothing is doubled.
    expect(await store.addTasks(run.id, make.streamOf(tasks), 2, 1)).toBe(2)
    const planned = await store.pendingTrajectories(run.id)
    expect(planned.map((item) => [item.taskId, item.rollout, item.position])).toEqual([
      ['large', 0, 0],
      ['large', 1, 0],
      ['empty', 0, 1],
      ['empty', 1, 1],
    ])
    expect(new Set(planned.map((item) => item.seed)).size).toBe(4)

    const copy = join(directory, 'copy')
    expect(await store.writeContext(tasks[0]?.hash ?? '', copy)).toEqual({
      format: 'text',
      type: 'str',
      characters: 1,
      bytes: content.length,
      hash: tasks[0]?.context.hash,
    })
    expect((await readFile(copy)).equals(content)).toBe(true)
    await store.writeContext(tasks[1]?.hash ?? '', copy)
    expect(await readFile(copy, 'utf8')).toBe('')
    const read = await store.readTask(run.id, 'large')
    expect(read).toMatchObject({ id: 'large', answer: '42', prompt: tasks[0]?.prompt, contextType: 'str' })
    expect((await store.readTask(run.id, 'empty')).answer).toEqual({
      list: ['\0', '\uD800', null],
      text: '1',
    })

    const twice = [await make.aTask(directory, 'one'), await make.aTask(directory, 'one', { hash: 'other' })]
    const second = make.aRun()
    await store.createRun(second)
    await expect(store.addTasks(second.id, make.streamOf(twice), 1, 1)).rejects.toThrow(
      'task 2 ("one") has the id of an earlier task',
    )
    await writeFile(large, 'changed')
    const stale = await make.aTask(directory, 'stale', {
      context: { ...context, hash: createHash('sha256').update('x').digest() },
    })
    await expect(store.addTasks(second.id, make.streamOf([stale]), 1, 1)).rejects.toThrow(
      'changed while it was being stored',
    )
  })
})

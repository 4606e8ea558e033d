// Saved selections, on each store.
import { expect, describe, test } from 'vitest'
import { backends } from './backends.ts'

describe.each(backends())('selections on $name', (backend) => {
  test('are kept by name, the newest of a name counts', async () => {
    const store = await backend.freshStore()
    expect(await store.listSelections()).toEqual([])
    await expect(store.findSelection('a')).rejects.toThrow(
      'there is no saved selection "a"; none is saved yet',
    )
    await store.saveSelection('b', { where: 'reward > 0', clean: ['secrets'] })
    await store.saveSelection('a', { select: 'best' })
    await store.saveSelection('b', { where: "answer = '\u0000'" })
    expect((await store.listSelections()).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(await store.findSelection('b')).toMatchObject({ plan: { where: "answer = '\u0000'" } })
    await expect(store.findSelection('c')).rejects.toThrow('there is no saved selection "c"; there are a, b')
  })
})

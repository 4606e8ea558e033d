// The taskset of a run whose tasks come through the chat door (`descent serve --rlm`): the store has them, and
// none is made here.
import { z } from 'zod'
import { defineTaskset } from './define-taskset.ts'

export const requestsTaskset = defineTaskset({
  name: 'requests',
  kind: 'generator',
  description: 'The requests that `descent serve --rlm` is sent.',
  options: z.strictObject({}),
  open: () => ({
    name: 'requests',
    async *tasks() {},
  }),
})

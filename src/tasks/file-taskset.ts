// The taskset `file`: a person's own file or directory, or a data set of the Hub, with a mapping of its
// columns to the fields of a task.
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import { defineTaskset } from './define-taskset.ts'
import { taskFiles } from './files.ts'
import { fetchFromHub, hubShape } from './hub.ts'
import { columnsSchema } from './mapping.ts'
import { isOfSplit, rowExtensions } from './rows/index.ts'

const schema = z
  .strictObject({
    ...hubShape,
    path: z.string().min(1).optional().meta({ description: 'A file, or a directory of shards.' }),
    files: z
      .string()
      .optional()
      .meta({ description: 'Of `repo`: files under this path only, such as data.' }),
    split: z
      .string()
      .optional()
      .meta({ description: 'Of a directory: files of this split only, such as train.' }),
    columns: columnsSchema.optional(),
    contextDirectory: z.string().optional().meta({
      description: 'What contextFile and contextDirectory are relative to; without either, every context.',
    }),
    reward: z.string().optional().meta({ description: 'The reward that fits these tasks.' }),
    skipBadRows: z.boolean().default(false).meta({ description: 'Leave bad rows out and count them.' }),
  })
  .refine(({ path, repo }) => (path === undefined) !== (repo === undefined), {
    message: 'give exactly one of path and repo',
    path: ['path'],
  })
  .meta({ id: 'FileTasksetOptions' })

export const fileTaskset = defineTaskset({
  name: 'file',
  kind: 'file',
  description: `Your own data (${rowExtensions.join(', ')}, a directory of them, or the Hub), columns mapped.`,
  needs: 'path or repo',
  options: schema,
  open(settings, baseDirectory) {
    const { path, repo, files = '', split, contextDirectory, columns, reward, skipBadRows } = settings
    async function locate(): Promise<string> {
      if (path !== undefined) return resolve(baseDirectory, path)
      return await fetchFromHub({ ...settings, repo: repo ?? '' }, isWanted)
    }
    function isWanted(name: string): boolean {
      const isData = rowExtensions.some((extension) => name.endsWith(extension))
      return isData && name.startsWith(files) && (split === undefined || isOfSplit(name, split))
    }
    return taskFiles(locate, path === undefined ? (repo ?? 'file') : basename(path), {
      columns,
      split,
      reward,
      skipBadRows,
      contextDirectory: contextDirectory === undefined ? undefined : resolve(baseDirectory, contextDirectory),
    })
  },
})

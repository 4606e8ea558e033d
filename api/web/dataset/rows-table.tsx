// The rows of a dataset in a table: a column each, the beginning of each value; a row opens below itself.
import { useState } from 'preact/hooks'
import type { DatasetRow, DatasetRowPage } from '../../http/routes/dataset-rows.ts'
import { readDatasetRow } from '../client.ts'
import { ErrorLine } from '../parts/chips.tsx'
import { changeQuery } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'
import { RowDetail } from './row-detail.tsx'
import { lineOf } from './values.ts'

type Column = DatasetRowPage['columns'][number]

interface RowsTableProps {
  dataset: string
  columns: Column[]
  rows: DatasetRow[]
  current: number
  sort: string
  order: string
}

export function RowsTable({ dataset, columns, rows, current, sort, order }: RowsTableProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  function toggle(key: string): void {
    setOpen((old) => (old.has(key) ? new Set([...old].filter((one) => one !== key)) : new Set([...old, key])))
  }
  return (
    <div class="table-frame rows-frame">
      <table class="dataset-rows">
        <thead>
          <tr>
            <th class="number">#</th>
            {columns.map((column) => (
              <ColumnHead column={column} sort={sort} order={order} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => {
            const key = `${row.file}-${row.row}`
            const isOpen = open.has(key)
            return (
              <>
                <tr
                  key={key}
                  aria-current={index === current ? 'true' : undefined}
                  onClick={() => getSelection()?.isCollapsed !== false && toggle(key)}
                >
                  <td class="number">
                    <button
                      type="button"
                      class="text-button"
                      aria-expanded={isOpen}
                      aria-label={`Row ${index + 1}`}
                      onClick={(event) => {
                        event.stopPropagation()
                        toggle(key)
                      }}
                    >
                      {index + 1}
                    </button>
                  </td>
                  {columns.map(({ name, kind }) => (
                    <td class={kind === 'number' ? 'number' : 'value-cell'}>
                      <Visible text={lineOf(row.values[name])} />
                    </td>
                  ))}
                </tr>
                {isOpen && (
                  <tr key={`${key} whole`} class="opened-row">
                    <td colSpan={columns.length + 1}>
                      <Whole dataset={dataset} columns={columns} row={row} />
                    </td>
                  </tr>
                )}
              </>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

/** Sorts by its column, the highest first; then the lowest; then not at all. */
function ColumnHead({
  column: { name, kind, type },
  sort,
  order,
}: {
  column: Column
  sort: string
  order: string
}) {
  const active = sort === name
  const next = !active ? ['down', name] : order === 'down' ? ['up', name] : ['', '']
  if (kind === 'nested') return <th title={type}>{name}</th>
  return (
    <th
      title={type}
      class={kind === 'number' ? 'number' : undefined}
      aria-sort={!active ? 'none' : order === 'down' ? 'descending' : 'ascending'}
    >
      <button
        type="button"
        class={active ? 'sort-button active' : 'sort-button'}
        onClick={() => changeQuery({ order: next[0] ?? '', sort: next[1] ?? '' })}
      >
        {name}
        <span aria-hidden="true">{active ? (order === 'down' ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  )
}

/** More of its texts is read when the page of rows has their beginnings only. */
function Whole({ dataset, columns, row }: { dataset: string; columns: Column[]; row: DatasetRow }) {
  const { file, row: number, cut } = row
  const { value, error } = useLoaded(`row ${dataset} ${file} ${number}`, async (signal) =>
    cut.length === 0 ? row : await readDatasetRow(dataset, file, number, signal),
  )
  const shown = value ?? row
  return (
    <>
      {error !== null && <ErrorLine text={error} />}
      <RowDetail columns={columns} values={shown.values} cut={shown.cut} />
    </>
  )
}

// The rows of a finished dataset: filtered, sorted, by page.
import { useCallback, useState } from 'preact/hooks'
import type { DatasetRow, DatasetRowPage } from '../../http/routes/dataset-rows.ts'
import type { Dataset } from '../../http/routes/datasets.ts'
import { readDatasetRows } from '../client.ts'
import { formatCount } from '../format.ts'
import { ErrorLine } from '../parts/chips.tsx'
import { FilterBar } from '../parts/filter-bar.tsx'
import { usePages } from '../pages/use-pages.ts'
import { changeQuery, useQuery } from '../router.ts'
import { Waiting } from '../trace/section.tsx'
import { RowsTable } from './rows-table.tsx'

export function Rows({ dataset }: { dataset: Dataset }) {
  const query = useQuery()
  const configs = distinct(dataset.files.map(({ config }) => config))
  const splits = distinct(dataset.files.map(({ split }) => split))
  const selection = {
    config: query.get('config') ?? '',
    split: query.get('split') ?? '',
    where: query.get('where') ?? '',
    sort: query.get('sort') ?? '',
    order: query.get('order') ?? '',
  }
  const key = JSON.stringify(selection)
  const [facts, setFacts] = useState<DatasetRowPage | null>(null)
  const read = useCallback(
    async (cursor: string | null, signal?: AbortSignal) => {
      const page = await readDatasetRows(dataset.id, selection, cursor, signal)
      if (!signal?.aborted) setFacts(page)
      const items = page.rows.map((row) => ({ ...row, id: `${row.file}-${row.row}` }))
      return { items, next: page.next }
    },
    [dataset.id, key],
  )
  const pages = usePages<DatasetRow & { id: string }>(read)
  const columns = facts?.columns ?? []
  return (
    <section aria-label="Rows">
      <FilterBar
        value={selection.where}
        error={selection.where === '' ? null : pages.error}
        onChange={(where) => changeQuery({ where })}
        named={columns.map(({ name, kind }) => [name, kind === 'nested' ? 'contains a text' : kind])}
        label="Filter the rows by their columns"
        placeholder={exampleOf(columns)}
      />
      <div class="rows-head">
        {configs.length > 1 && (
          <Choice name="config" label="Recipe" value={selection.config} options={configs} first={null} />
        )}
        {splits.length > 1 && (
          <Choice name="split" label="Split" value={selection.split} options={splits} first="all" />
        )}
        {facts && (
          <span class="faint">
            {formatCount(pages.items?.length ?? 0)} of {formatCount(facts.total)} rows
            {facts.filesLeftOut > 0 && `, without ${formatCount(facts.filesLeftOut)} of the files`}
          </span>
        )}
      </div>
      {pages.items === null && pages.error === null && <Waiting error={null} />}
      {pages.items !== null && pages.items.length > 0 && (
        <RowsTable
          dataset={dataset.id}
          columns={columns}
          rows={pages.items}
          current={-1}
          sort={selection.sort}
          order={selection.order}
        />
      )}
      {pages.items?.length === 0 && pages.error === null && <p class="empty">No row meets this condition.</p>}
      {pages.next !== null && (
        <button type="button" class="more" onClick={pages.more} disabled={pages.loading}>
          More rows
        </button>
      )}
      {pages.error !== null && selection.where === '' && <ErrorLine text={pages.error} />}
    </section>
  )
}

/** A condition that this dataset can answer. */
function exampleOf(columns: DatasetRowPage['columns']): string {
  const score = ['reward', 'margin', 'turn'].find((name) => columns.some((column) => column.name === name))
  const text = columns.find(({ kind }) => kind === 'nested' || kind === 'text')
  return [score && `${score} >= 0.5`, text && `${text.name} contains "refund"`].filter(Boolean).join(' and ')
}

function distinct(values: (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))]
}

interface ChoiceProps {
  name: string
  label: string
  value: string
  options: string[]
  /** What stands for no choice; null when one is always taken. */
  first: string | null
}

function Choice({ name, label, value, options, first }: ChoiceProps) {
  return (
    <label class="select-field">
      {label}
      <select value={value} onChange={(event) => changeQuery({ [name]: event.currentTarget.value })}>
        {first !== null && <option value="">{first}</option>}
        {options.map((option) => (
          <option value={option}>{option}</option>
        ))}
      </select>
    </label>
  )
}

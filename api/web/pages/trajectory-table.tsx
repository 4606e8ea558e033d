// The trajectories of a run, the rollouts of one task together.
import type { TrajectoryItem } from '../../http/tree.ts'
import { absent, elapsed, formatCost, formatCount, formatDuration, formatTokens } from '../format.ts'
import { RewardChip, StatusChip, StopReason } from '../parts/chips.tsx'
import { Link } from '../parts/link.tsx'
import { changeQuery, groupAddress } from '../router.ts'
import { Visible } from '../text/text.tsx'

interface TrajectoryTableProps {
  items: TrajectoryItem[]
  current: number
  runId: string
  sort: string
  order: string
}

export function TrajectoryTable({ items, current, runId, sort, order }: TrajectoryTableProps) {
  const heads = { sort, order }
  return (
    <div class="table-frame">
      <table class="trajectories">
        <thead>
          <tr>
            <th>Task</th>
            <th class="number" title="Rollout of the task, from 0">
              #
            </th>
            <th class="spare">Status</th>
            <th>Stopped by</th>
            <SortHead {...heads} of="reward" name="Reward" />
            <SortHead {...heads} of="turns" name="Turns" class="number spare" />
            <SortHead {...heads} of="calls" name="Calls" class="number spare" />
            <SortHead {...heads} of="tokens" name="Tokens in" class="number spare" />
            <th class="number spare">out</th>
            <SortHead {...heads} of="cost" name="Cost" class="number spare" />
            <SortHead {...heads} of="seconds" name="Time" class="number spare" />
            <th class="wide">Answer</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item, index) => (
            <Row
              key={item.id}
              item={item}
              current={index === current}
              opensGroup={items[index - 1]?.taskId !== item.taskId}
              runId={runId}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface SortHeadProps {
  of: string
  name: string
  class?: string
  sort: string
  order: string
}

/** Sorts by its column, the highest first; then the lowest; then not at all. */
function SortHead({ of, name, class: className, sort, order }: SortHeadProps) {
  const active = sort === of
  const next = !active ? ['down', of] : order === 'down' ? ['up', of] : ['', '']
  return (
    <th class={className} aria-sort={!active ? 'none' : order === 'down' ? 'descending' : 'ascending'}>
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

interface RowProps {
  item: TrajectoryItem
  current: boolean
  opensGroup: boolean
  runId: string
}

function Row({ item, current, opensGroup, runId }: RowProps) {
  return (
    <tr aria-current={current ? 'true' : undefined} class={opensGroup ? 'opens-group' : undefined}>
      <td class="name-cell">
        <Link to={`/trajectories/${item.id}`} class={opensGroup ? 'row-link' : 'row-link repeated'}>
          <Visible text={item.taskId} />
        </Link>
      </td>
      <td class="number faint">
        <Link to={groupAddress(runId, item.taskId)} class="quiet-link" title="All rollouts of this task">
          {item.rollout}
        </Link>
      </td>
      <td class="spare">
        <StatusChip status={item.status} />
      </td>
      <td>
        <StopReason reason={item.stopReason} />
      </td>
      <td>
        {item.status === 'done' ? <RewardChip value={item.reward} /> : <span class="faint">{absent}</span>}
      </td>
      <td class="number spare">{formatCount(item.turns)}</td>
      <td class="number spare">{formatCount(item.calls)}</td>
      <td class="number spare">{formatTokens(item.usage.inputTokens)}</td>
      <td class="number spare">{formatTokens(item.usage.outputTokens)}</td>
      <td class="number spare">{formatCost(item.usage.costUsd)}</td>
      <td class="number spare">{formatDuration(elapsed(item.startedAt, item.endedAt))}</td>
      <td class="answer-cell">
        {item.answer ? (
          <Visible text={item.answer.text.replaceAll('\n', ' ')} />
        ) : item.error ? (
          <span class="bad">
            <Visible text={item.error.message.slice(0, 300)} />
          </span>
        ) : (
          <span class="faint">{absent}</span>
        )}
      </td>
    </tr>
  )
}

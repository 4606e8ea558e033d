// The trajectories of a run, the rollouts of one task together.
import type { TrajectoryItem } from '../../http/tree.ts'
import { absent, formatCost, formatCount, formatTokens } from '../format.ts'
import { RewardChip, StatusChip, StopReason } from '../parts/chips.tsx'
import { Link } from '../parts/link.tsx'
import { Visible } from '../text/text.tsx'

export function TrajectoryTable({ items, current }: { items: TrajectoryItem[]; current: number }) {
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
            <th>Reward</th>
            <th class="number spare">Turns</th>
            <th class="number spare">Calls</th>
            <th class="number spare">Tokens in</th>
            <th class="number spare">out</th>
            <th class="number spare">Cost</th>
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
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ item, current, opensGroup }: { item: TrajectoryItem; current: boolean; opensGroup: boolean }) {
  return (
    <tr aria-current={current ? 'true' : undefined} class={opensGroup ? 'opens-group' : undefined}>
      <td class="name-cell">
        <Link to={`/trajectories/${item.id}`} class={opensGroup ? 'row-link' : 'row-link repeated'}>
          <Visible text={item.taskId} />
        </Link>
      </td>
      <td class="number faint">{item.rollout}</td>
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

// All rollouts of one task side by side, with their advantages, and the first cell by which they part.
import { useState } from 'preact/hooks'
import type { GroupDetail } from '../../http/routes/run-trajectories.ts'
import { readGroup } from '../client.ts'
import { elapsed, formatCost, formatCount, formatDuration, formatReward } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, Fact, RewardChip, StopReason } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { changeQuery, navigate, useQuery } from '../router.ts'
import { Code } from '../text/code.tsx'
import { LongText, Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'
import { useRows } from './use-rows.ts'

const methods = ['grpo', 'grpo_centered', 'rloo', 'dr_grpo', 'max_rl']

export function GroupPage({ id, task }: { id: string; task: string }) {
  const method = useQuery().get('method') ?? 'grpo'
  const { value: group, error } = useLoaded(`${id} ${task} ${method}`, (signal) =>
    readGroup(id, task, method, signal),
  )
  const current = useRows((group?.rollouts ?? []).map((row) => `/trajectories/${row.id}`))
  const [marked, setMarked] = useState<readonly string[]>([])
  const mark = (row: string) =>
    setMarked((old) => (old.includes(row) ? old.filter((one) => one !== row) : [...old, row].slice(-2)))
  const [a, b] = marked
  const comparison = a !== undefined && b !== undefined ? `/compare-trajectories?a=${a}&b=${b}` : null
  useKeys({
    Escape: () => navigate(`/runs/${id}/groups`),
    h: () => navigate(`/runs/${id}/groups`),
    x: () => {
      const row = group?.rollouts[current]
      if (row) mark(row.id)
    },
    c: () => comparison !== null && navigate(comparison),
  })
  document.title = `${task} · Descent`
  return (
    <main class="page">
      <Crumbs>
        <Link to="/">Runs</Link>
        <CrumbSlash />
        <Link to={`/runs/${id}`}>
          <code>{id.slice(-8)}</code>
        </Link>
        <CrumbSlash />
        <Link to={`/runs/${id}/groups`}>Groups</Link>
      </Crumbs>
      <header class="page-head">
        <h1>
          <Visible text={task} />
        </h1>
        {comparison !== null ? (
          <Link to={comparison} class="small-button" title="c">
            Compare cell by cell
          </Link>
        ) : (
          <span class="faint">Mark two rollouts to compare them cell by cell.</span>
        )}
        <label class="select-field">
          Advantage
          <select value={method} onChange={(event) => changeQuery({ method: event.currentTarget.value })}>
            {methods.map((name) => (
              <option value={name}>{name}</option>
            ))}
          </select>
        </label>
      </header>
      {error !== null && <ErrorLine text={error} />}
      {group?.prompt && <LongText text={group.prompt} label="Task prompt" />}
      {group && <Rollouts group={group} current={current} marked={marked} onMark={mark} />}
      {group?.firstDifference && <Difference group={group} />}
    </main>
  )
}

interface RolloutsProps {
  group: GroupDetail
  current: number
  marked: readonly string[]
  onMark: (id: string) => void
}

function Rollouts({ group, current, marked, onMark }: RolloutsProps) {
  const largest = Math.max(1e-9, ...group.rollouts.map((row) => Math.abs(row.advantage ?? 0)))
  return (
    <ul class="rollouts">
      {group.rollouts.map((row, index) => (
        <li class={index === current ? 'panel rollout current' : 'panel rollout'}>
          <div class="title">
            <Link to={`/trajectories/${row.id}`} class="row-link">
              Rollout {row.rollout}
            </Link>
            <RewardChip value={row.reward} />
            <StopReason reason={row.stopReason} />
            <input
              type="checkbox"
              class="mark-box"
              checked={marked.includes(row.id)}
              aria-label={`Mark rollout ${row.rollout} to compare it`}
              title="Mark two to compare them (x)"
              onChange={() => onMark(row.id)}
            />
          </div>
          <Advantage value={row.advantage} largest={largest} />
          <dl class="headline small">
            <Fact name="Advantage">{row.advantage === null ? '–' : formatReward(row.advantage)}</Fact>
            <Fact name="Turns">{formatCount(row.turns)}</Fact>
            <Fact name="Calls">{formatCount(row.calls)}</Fact>
            <Fact name="Cost">{formatCost(row.usage.costUsd)}</Fact>
            <Fact name="Time">{formatDuration(elapsed(row.startedAt, row.endedAt))}</Fact>
          </dl>
          {row.answer ? (
            <LongText text={row.answer.text} label={`Answer of rollout ${row.rollout}`} />
          ) : (
            <p class="faint">No answer.</p>
          )}
        </li>
      ))}
    </ul>
  )
}

/** A bar from the middle: to the right above the group, to the left below it. */
function Advantage({ value, largest }: { value: number | null; largest: number }) {
  const size = value === null ? 0 : (48 * Math.abs(value)) / largest
  return (
    <svg class="advantage" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <line x1="0" x2="100" y1="3" y2="3" class="axis" />
      {value !== null && (
        <rect
          x={value < 0 ? 50 - size : 50}
          y="0"
          width={Math.max(size, 0.6)}
          height="6"
          class={value < 0 ? 'low' : 'high'}
        />
      )}
    </svg>
  )
}

function Difference({ group }: { group: GroupDetail }) {
  const { firstDifference: difference, rollouts } = group
  if (!difference) return null
  const numbers = new Map(rollouts.map((row) => [row.id, row.rollout]))
  return (
    <section class="difference">
      <h2>
        Where they part <span class="faint">cell {difference.position + 1} of the root</span>
      </h2>
      <div class="side-by-side">
        {difference.cells.map((cell) => (
          <div class="panel">
            <h3>
              {cell.cellId === null ? (
                <>Rollout {numbers.get(cell.trajectoryId)}: no such cell</>
              ) : (
                <Link to={`/trajectories/${cell.trajectoryId}#${cell.cellId}`}>
                  Rollout {numbers.get(cell.trajectoryId)}
                </Link>
              )}
            </h3>
            {cell.code !== '' && <Code text={cell.code} python label="Code" />}
          </div>
        ))}
      </div>
    </section>
  )
}

// The groups of a run: one row a task, its rewards from least to best.
import { useCallback } from 'preact/hooks'
import type { GroupItem } from '../../http/routes/run-trajectories.ts'
import { readGroups } from '../client.ts'
import { formatCost, formatCount, formatReward } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, RewardChip } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { groupAddress, navigate } from '../router.ts'
import { Visible } from '../text/text.tsx'
import { usePages } from './use-pages.ts'
import { useRows } from './use-rows.ts'

export function GroupsPage({ id }: { id: string }) {
  const read = useCallback(
    async (cursor: string | null, signal?: AbortSignal) => {
      const page = await readGroups(id, cursor, signal)
      return { ...page, items: page.items.map((group) => ({ ...group, id: group.taskId })) }
    },
    [id],
  )
  const pages = usePages<GroupItem & { id: string }>(read)
  const items = pages.items ?? []
  const current = useRows(items.map((group) => groupAddress(id, group.taskId)))
  useKeys({ Escape: () => navigate(`/runs/${id}`), h: () => navigate(`/runs/${id}`) })
  document.title = 'Groups · Descent'
  return (
    <main class="page">
      <Crumbs>
        <Link to="/">Runs</Link>
        <CrumbSlash />
        <Link to={`/runs/${id}`}>
          <code>{id.slice(-8)}</code>
        </Link>
      </Crumbs>
      <header class="page-head">
        <h1>Groups</h1>
      </header>
      {pages.error !== null && <ErrorLine text={pages.error} />}
      {pages.items?.length === 0 && <p class="empty">This run has no tasks yet.</p>}
      {items.length > 0 && (
        <div class="table-frame">
          <table>
            <thead>
              <tr>
                <th>Task</th>
                <th class="number">Rollouts</th>
                <th>Mean reward</th>
                <th class="number">Least</th>
                <th class="number">Best</th>
                <th class="wide spare">Spread</th>
                <th class="number spare">Cost</th>
              </tr>
            </thead>
            <tbody>
              {items.map((group, index) => (
                <tr key={group.taskId} aria-current={index === current ? 'true' : undefined}>
                  <td class="name-cell">
                    <Link to={groupAddress(id, group.taskId)} class="row-link">
                      <Visible text={group.taskId} />
                    </Link>
                  </td>
                  <td class="number">
                    {formatCount(group.done)}
                    <span class="faint">/{formatCount(group.rollouts)}</span>
                  </td>
                  <td>
                    <RewardChip value={group.mean} />
                  </td>
                  <td class="number">{formatReward(group.min)}</td>
                  <td class="number">{formatReward(group.max)}</td>
                  <td class="spare">
                    <Spread group={group} />
                  </td>
                  <td class="number spare">{formatCost(group.costUsd)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages.next !== null && (
        <button type="button" class="more" onClick={pages.more} disabled={pages.loading}>
          More groups
        </button>
      )}
    </main>
  )
}

/** From the least to the best reward on a scale of 0 to 1, the mean as a tick. */
function Spread({ group: { min, max, mean } }: { group: GroupItem }) {
  if (min === null || max === null || mean === null) return <span class="faint">not scored</span>
  const place = (value: number) => 2 + 96 * Math.max(0, Math.min(1, value))
  return (
    <svg class="spread" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <line x1="2" x2="98" y1="5" y2="5" class="axis" />
      <line x1={place(min)} x2={place(max)} y1="5" y2="5" class="range" />
      <rect x={place(mean) - 1} y="1" width="2" height="8" class="mean" />
    </svg>
  )
}

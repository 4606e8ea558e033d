// The addresses of all views, by name.
import type { Sample } from '../http/sample.ts'

export function viewsOf(sample: Sample): Record<string, string> {
  const { trajectory, ids } = sample.made
  const root = trajectory.invocations[0]
  return {
    runs: '/',
    run: `/runs/${sample.filledRunId}`,
    filtered: `/runs/${sample.filledRunId}?where=${encodeURIComponent('reward < 0.5 and turns > 3')}&sort=reward&order=down`,
    groups: `/runs/${sample.filledRunId}/groups`,
    group: `/runs/${sample.runId}/groups/${encodeURIComponent(trajectory.taskId)}`,
    compare: `/compare?runs=${sample.filledRunId},latest`,
    'compare-trajectories': `/compare-trajectories?a=${trajectory.id}&b=${sample.siblingId}`,
    search: '/search?text=customer',
    datasets: '/datasets',
    dataset: '/datasets/latest',
    rows: '/datasets/latest?view=rows&sort=margin&order=down',
    card: '/datasets/latest?view=card',
    'new-dataset': `/datasets/new?run=${sample.filledRunId}&recipe=preference&clean=secrets`,
    docs: '/docs',
    overview: `/trajectories/${trajectory.id}`,
    turn: `/trajectories/${trajectory.id}#${root?.turns[1]?.id}`,
    cell: `/trajectories/${trajectory.id}#${ids.batchCell}`,
    hostile: `/trajectories/${trajectory.id}#${root?.turns[2]?.cells[0]?.id}`,
    killed: `/trajectories/${trajectory.id}#${ids.killedCell}`,
    tokens: `/trajectories/${sample.tokens.trajectoryId}#${sample.tokens.turnId}`,
    child: `/trajectories/${trajectory.id}#${ids.childTurn}`,
  }
}

// Two trajectories cell by cell: what they did the same, and where they part.
import { useState } from 'preact/hooks'
import type { TrajectoryTree } from '../../http/tree.ts'
import { readTree } from '../client.ts'
import { elapsed, formatCost, formatCount, formatDuration } from '../format.ts'
import { useKeys } from '../keyboard.ts'
import { ErrorLine, Fact, RewardChip, StopReason } from '../parts/chips.tsx'
import { Crumbs, CrumbSlash } from '../parts/crumbs.tsx'
import { Link } from '../parts/link.tsx'
import { groupAddress, navigate, useQuery } from '../router.ts'
import { diffLines, type DiffLine } from '../text/diff.ts'
import { LongText, Visible } from '../text/text.tsx'
import { align, codeOf, isCut, outputOf, type Pair, type Side } from '../trace/align.ts'
import { useLoaded } from '../use-loaded.ts'

export function CompareTrajectoriesPage() {
  const query = useQuery()
  const [a, b] = [query.get('a') ?? '', query.get('b') ?? '']
  const first = useLoaded(a, (signal) => readTree(a, signal))
  const second = useLoaded(b, (signal) => readTree(b, signal))
  const tree = first.value
  useKeys({ Escape: () => navigate(tree ? groupAddress(tree.runId, tree.taskId) : '/') })
  document.title = 'Two trajectories · Descent'
  const error = first.error ?? second.error
  return (
    <main class="page">
      <Crumbs>
        <Link to="/">Runs</Link>
        <CrumbSlash />
        {tree && (
          <>
            <Link to={`/runs/${tree.runId}`}>
              <code>{tree.runId.slice(-8)}</code>
            </Link>
            <CrumbSlash />
            <Link to={groupAddress(tree.runId, tree.taskId)}>
              <Visible text={tree.taskId} />
            </Link>
          </>
        )}
      </Crumbs>
      <header class="page-head">
        <h1>Two trajectories, cell by cell</h1>
      </header>
      {error !== null && <ErrorLine text={error} />}
      {error === null && !(first.value && second.value) && <p class="waiting">Reading…</p>}
      {first.value && second.value && <Shown first={first.value} second={second.value} />}
    </main>
  )
}

function Shown({ first, second }: { first: TrajectoryTree; second: TrajectoryTree }) {
  const { pairs, firstDifference } = align(first, second)
  const differing = pairs.filter(({ sameCode, sameOutput }) => !sameCode || !sameOutput).length
  return (
    <>
      <div class="side-by-side">
        <Head tree={first} side="first" />
        <Head tree={second} side="second" />
      </div>
      <p class="callout quote" role="note">
        {firstDifference === -1 ? (
          'Both did the same in every cell of the root.'
        ) : (
          <>
            {formatCount(differing)} of {formatCount(pairs.length)} cells of the roots differ; they part at{' '}
            <a href="#first-difference">{placeOf(pairs[firstDifference])}</a>. Lines of the first are marked{' '}
            <span class="diff-sign first">−</span>, of the second <span class="diff-sign second">+</span>.
          </>
        )}
      </p>
      <ol class="pairs">
        {pairs.map((pair, index) => (
          <PairPanel
            pair={pair}
            trees={[first, second]}
            isFirst={index === firstDifference}
            key={`${pair.turn} ${pair.cell}`}
          />
        ))}
      </ol>
    </>
  )
}

function placeOf(pair: Pair | undefined): string {
  return pair ? `turn ${pair.turn + 1}, cell ${pair.cell + 1}` : ''
}

function Head({ tree, side }: { tree: TrajectoryTree; side: 'first' | 'second' }) {
  return (
    <section class={`panel compared ${side}`} aria-label={`The ${side}`}>
      <div class="title">
        <span class={`diff-sign ${side}`} aria-hidden="true">
          {side === 'first' ? '−' : '+'}
        </span>
        <h2>
          <Link to={`/trajectories/${tree.id}`}>
            <Visible text={tree.taskId} /> #{tree.rollout}
          </Link>
        </h2>
        <RewardChip value={tree.reward} />
        <StopReason reason={tree.stopReason} />
      </div>
      <dl class="headline small">
        <Fact name="Calls">{formatCount(tree.usage.calls)}</Fact>
        <Fact name="Cost">{formatCost(tree.usage.costUsd)}</Fact>
        <Fact name="Time">{formatDuration(elapsed(tree.startedAt, tree.endedAt))}</Fact>
      </dl>
      {tree.answer ? (
        <LongText text={tree.answer.text} label={`Answer of the ${side}`} />
      ) : (
        <p class="faint">No answer.</p>
      )}
    </section>
  )
}

interface PairPanelProps {
  pair: Pair
  trees: [TrajectoryTree, TrajectoryTree]
  isFirst: boolean
}

function PairPanel({ pair, trees, isFirst }: PairPanelProps) {
  const { first, second, sameCode, sameOutput } = pair
  const same = sameCode && sameOutput
  const [open, setOpen] = useState(!same)
  const cut = [first, second].some((side) => side !== null && isCut(side))
  const ran = first?.cell ?? second?.cell
  return (
    <li id={isFirst ? 'first-difference' : undefined} class={isFirst ? 'panel pair parting' : 'panel pair'}>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <b>
            Turn {pair.turn + 1}, {ran ? `cell ${pair.cell + 1}` : 'no code'}
          </b>
          {isFirst && <span class="chip parting-chip">first difference</span>}
          <span class="faint">{told(pair)}</span>
        </summary>
        {open && (
          <>
            <Diff title={ran ? 'Code' : 'Response'} first={first} second={second} of={codeOf} />
            {ran && <Diff title="Output" first={first} second={second} of={outputOf} />}
            <p class="faint pair-links">
              {cut && 'Of long texts the beginnings are compared. '}
              {[first, second].map((side, index) => {
                const tree = trees[index]
                if (!side || !tree) return null
                return (
                  <Link to={`/trajectories/${tree.id}#${side.cell?.id ?? side.turn.id}`}>
                    {index === 0 ? '−' : '+'} open #{tree.rollout}
                  </Link>
                )
              })}
            </p>
          </>
        )}
      </details>
    </li>
  )
}

function told({ first, second, sameCode, sameOutput }: Pair): string {
  if (!first) return 'only the second has it'
  if (!second) return 'only the first has it'
  if (sameCode) return sameOutput ? 'the same' : 'the same code, another output'
  return sameOutput ? 'other code, the same output' : 'other code, another output'
}

interface DiffProps {
  title: string
  first: Side | null
  second: Side | null
  of: (side: Side) => string
}

function Diff({ title, first, second, of }: DiffProps) {
  // The newline that ends a text begins no line.
  const textOf = (side: Side | null) => (side ? of(side).replace(/\n$/, '') : null)
  const [a, b] = [textOf(first), textOf(second)]
  const lines = linesOf(a, b)
  if (lines.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <pre class="code diff" tabIndex={0} aria-label={title}>
        <code>
          {lines.map(({ kind, text }) => (
            <div class={`diff-line ${kind}`}>
              <span class="diff-sign" aria-hidden="true">
                {kind === 'both' ? ' ' : kind === 'first' ? '−' : '+'}
              </span>
              <span class="line-text">
                <Visible text={text} />
                {'\n'}
              </span>
            </div>
          ))}
        </code>
      </pre>
    </>
  )
}

/** An empty text has no lines, and what one side lacks is not compared with an empty line. */
function linesOf(a: string | null, b: string | null): DiffLine[] {
  const only = (kind: DiffLine['kind'], text: string | null): DiffLine[] =>
    text === null || text === '' ? [] : text.split('\n').map((line) => ({ kind, text: line }))
  if (a === null || a === '') return only('second', b)
  if (b === null || b === '') return only('first', a)
  return diffLines(a, b)
}

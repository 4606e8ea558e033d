// An executed cell: code, what it printed, how it failed, what it left and whom it asked.
import { useState } from 'preact/hooks'
import type { CellNode } from '../../http/tree.ts'
import type { Preview } from '../../http/preview.ts'
import { formatCount, formatDuration, sizeOf } from '../format.ts'
import { Fact } from '../parts/chips.tsx'
import { Code } from '../text/code.tsx'
import { LongText, Visible } from '../text/text.tsx'
import { useCellBody, useWholeCell } from './bodies.ts'
import { CallTable } from './call-table.tsx'
import { Section, Waiting } from './section.tsx'

interface CellDetailProps {
  trajectory: string
  cell: CellNode
  onOpen: (id: string) => void
}

/** What a cell ran into, in the words of the sandbox; it may have gone on. */
const limitMeanings: Record<string, string> = {
  compute_time: 'the time to compute',
  wall_time: 'the time by the clock',
  memory: 'the memory of the REPL',
  output: 'how much a cell may print',
  open_files: 'open files',
  threads: 'threads',
  calls_open: 'sub-calls at the same time',
  calls_cell: 'sub-calls of one cell',
  calls_session: 'sub-calls of the REPL',
  frame_size: 'the size of one message between REPL and host',
}

export function CellDetail({ trajectory, cell, onOpen }: CellDetailProps) {
  return (
    <>
      <dl class="facts inline">
        <Fact name="Time">{formatDuration(cell.durationMs)}</Fact>
        <Fact name="Computing">{formatDuration(cell.computeMs)}</Fact>
        <Fact name="Sub-calls">{formatCount(cell.calls.length)}</Fact>
        <Fact name="Printed">{sizeOf(cell.stdout)}</Fact>
        {cell.limits !== undefined && cell.limits.length > 0 && (
          <Fact name="Limits reached">
            {cell.limits.map((limit) => (
              <span class="mark mark-limit" title={limitMeanings[limit]}>
                <Visible text={limit.replaceAll('_', ' ')} />
              </span>
            ))}
          </Fact>
        )}
      </dl>
      {cell.death && (
        <div class="callout bad-callout" role="note">
          <b>
            REPL killed: <Visible text={cell.death.reason} />
          </b>
          <LongText text={cell.death.detail} label="How the REPL ended" />
        </div>
      )}
      {cell.finalAnswer && (
        <div class="callout good-callout" role="note">
          <b>Final answer</b>
          <LongText text={cell.finalAnswer.text} label="Final answer" />
        </div>
      )}
      <CellTexts key={cell.id} trajectory={trajectory} cell={cell} />
      {cell.calls.length > 0 && (
        <Section title="Sub-calls" note={formatCount(cell.calls.length)}>
          <CallTable calls={cell.calls} onOpen={onOpen} />
        </Section>
      )}
      {cell.variables.length > 0 && (
        <Section title="Variables" note={formatCount(cell.variables.length)}>
          <ul class="variables">
            {cell.variables.map((variable) => (
              <li>
                <code>
                  <Visible text={variable.name} />
                </code>{' '}
                <span class="faint">
                  <Visible text={variable.type} />
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  )
}

function CellTexts({ trajectory, cell }: { trajectory: string; cell: CellNode }) {
  const [wanted, setWanted] = useState(false)
  const previews = [
    cell.code,
    cell.stdout,
    cell.stderr,
    ...(cell.error ? [cell.error.message, cell.error.traceback] : []),
  ]
  const cut = previews.some((text) => text.truncated)
  // The tree holds the beginnings of long texts; more of them is read at once, the rest when asked for.
  const some = useCellBody(trajectory, cut ? cell.id : null)
  const body = useWholeCell(trajectory, wanted ? cell.id : null)
  const whole = body.value
  const texts = whole ?? some.value
  const code = texts?.code ?? cell.code.text
  const stdout = texts?.stdout ?? cell.stdout.text
  const stderr = texts?.stderr ?? cell.stderr.text
  const error = cell.error
  return (
    <>
      <Section title="Code" note={note(cell.code, code.length, whole !== null)}>
        <Code text={code} python label="Code" />
      </Section>
      {stdout !== '' && (
        <Section title="stdout" note={note(cell.stdout, stdout.length, whole !== null)}>
          <LongText text={stdout} label="stdout" />
        </Section>
      )}
      {stderr !== '' && (
        <Section title="stderr" note={note(cell.stderr, stderr.length, whole !== null)}>
          <LongText text={stderr} label="stderr" tone="error" />
        </Section>
      )}
      {error && (
        <Section title="Error" note={<Visible text={error.type} />}>
          <LongText
            text={whole?.error?.traceback ?? (error.traceback.text || error.message.text)}
            label="Traceback"
            tone="error"
          />
        </Section>
      )}
      {cut && whole === null && (
        <p>
          {wanted ? (
            <Waiting error={body.error} />
          ) : (
            <button type="button" class="more" onClick={() => setWanted(true)}>
              Show whole texts
            </button>
          )}
        </p>
      )}
    </>
  )
}

function note(text: Preview, shown: number, whole: boolean): string {
  return text.truncated && !whole ? `the first ${formatCount(shown)} of ${sizeOf(text)}` : sizeOf(text)
}

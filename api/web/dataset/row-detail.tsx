// One row of a dataset: what is short side by side, messages as messages, all else as text.
import { Fact } from '../parts/chips.tsx'
import { LongText, Visible } from '../text/text.tsx'
import { Messages } from '../trace/messages.tsx'
import { Section } from '../trace/section.tsx'
import { isFact, messagesOf, textOf } from './values.ts'

export interface ShownColumn {
  name: string
  type: string
  meaning?: string
}

interface RowDetailProps {
  columns: ShownColumn[]
  values: Record<string, unknown>
  /** Columns, or paths in them, that go on. */
  cut: string[]
}

export function RowDetail({ columns, values, cut }: RowDetailProps) {
  const facts = columns.filter(({ name }) => isFact(values[name]))
  const bodies = columns.filter(({ name }) => !isFact(values[name]))
  return (
    <div class="row-detail">
      {bodies.map(({ name, meaning }) => {
        const messages = messagesOf(values[name])
        const goesOn = cut.some((place) => place === name || place.startsWith(`${name}.`))
        return (
          <Section
            title={name}
            note={
              <>
                {meaning}
                {goesOn && <span class="warn"> goes on</span>}
              </>
            }
          >
            {messages ? (
              <Messages messages={messages} seen={0} />
            ) : (
              <LongText text={textOf(values[name])} label={name} />
            )}
          </Section>
        )
      })}
      <dl class="facts columns row-facts">
        {facts.map(({ name }) => (
          <Fact name={name}>
            <Visible text={textOf(values[name])} />
          </Fact>
        ))}
      </dl>
    </div>
  )
}

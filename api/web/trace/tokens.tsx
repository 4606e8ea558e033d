// The tokens of a call: how sure the model was of each, and which of them training may carry loss on.
import { useState } from 'preact/hooks'
import type { CallTokensView } from '../../http/routes/call-tokens.ts'
import { readCallTokens } from '../client.ts'
import { formatCount, plural } from '../format.ts'
import { Fact } from '../parts/chips.tsx'
import { Visible } from '../text/text.tsx'
import { useLoaded } from '../use-loaded.ts'
import { heatOf, measure } from './token-figures.ts'
import { Waiting } from './section.tsx'

/** Fetched when it is opened. */
export function Tokens({ trajectory, call }: { trajectory: string; call: string }) {
  const [open, setOpen] = useState(false)
  return (
    <details class="section" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="section-head">
        <h3>Tokens</h3>
        <span class="note">ids of the engine, with logprobs where it told them</span>
      </summary>
      {open && <Loaded trajectory={trajectory} call={call} />}
    </details>
  )
}

function Loaded({ trajectory, call }: { trajectory: string; call: string }) {
  const { value, error } = useLoaded(`tokens ${trajectory} ${call}`, (signal) =>
    readCallTokens(trajectory, call, signal),
  )
  return value ? <Shown tokens={value} /> : <Waiting error={error} />
}

function Shown({ tokens: { prompt, completion, policyVersion } }: { tokens: CallTokensView }) {
  const figures = measure(completion?.logprobs ?? null)
  return (
    <>
      <dl class="facts inline token-facts">
        <Fact name="Read">{prompt ? `${formatCount(prompt.length)}, mask 0` : 'no ids told'}</Fact>
        <Fact name="Sampled">{completion ? `${formatCount(completion.length)}, mask 1` : 'no ids told'}</Fact>
        {figures && (
          <>
            <Fact name="Mean logprob">{figures.mean.toFixed(3)}</Fact>
            <Fact name="Perplexity">{figures.perplexity.toFixed(2)}</Fact>
            <Fact name="Least likely">{figures.least.toFixed(3)}</Fact>
          </>
        )}
        {policyVersion !== null && (
          <Fact name="Policy">
            <Visible text={policyVersion} />
          </Fact>
        )}
      </dl>
      <p class="token-legend faint">
        <span class="token masked">read</span>
        {legend.map(([heat, meaning]) => (
          <span class={`token heat-${heat}`}>{meaning}</span>
        ))}
      </p>
      <div class="token-strip" role="group" aria-label="Tokens" tabIndex={0}>
        {prompt && prompt.length > prompt.ids.length && (
          <span class="faint">… {plural(prompt.length - prompt.ids.length, 'id')} before </span>
        )}
        {prompt?.ids.map((id) => (
          <span class="token masked">{id}</span>
        ))}
        {completion?.ids.map((id, index) => {
          const logprob = completion.logprobs?.[index] ?? null
          return (
            <span class={`token heat-${heatOf(logprob)}`} title={titleOf(index, logprob)}>
              {id}
            </span>
          )
        })}
        {completion && completion.length > completion.ids.length && (
          <span class="faint"> … {plural(completion.length - completion.ids.length, 'id')} more</span>
        )}
      </div>
    </>
  )
}

const legend: [string, string][] = [
  ['0', 'p ≥ 0.9'],
  ['1', '≥ 0.5'],
  ['2', '≥ 0.2'],
  ['3', '≥ 0.05'],
  ['4', 'below'],
]

function titleOf(index: number, logprob: number | null): string {
  const place = `sampled ${formatCount(index + 1)}`
  return logprob === null
    ? `${place}, no logprob`
    : `${place}, logprob ${logprob.toFixed(4)}, p ${Math.exp(logprob).toPrecision(3)}`
}

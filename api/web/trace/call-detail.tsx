// A request to a model: of a turn, or a sub-call.
import type { ComponentChildren } from 'preact'
import type { CallNode, InvocationNode } from '../../http/tree.ts'
import type { Call } from '../../../src/trajectory.ts'
import { formatCost, formatCount, formatDuration, formatInstant, formatTokens, plural } from '../format.ts'
import { Fact, ScriptedBadge, StopReason } from '../parts/chips.tsx'
import { AnswerText } from '../text/answer-text.tsx'
import { LongText, Visible } from '../text/text.tsx'
import { useCallBody } from './bodies.ts'
import { Messages } from './messages.tsx'
import { Section, Waiting } from './section.tsx'
import { Tokens } from './tokens.tsx'

interface CallDetailProps {
  trajectory: string
  call: CallNode
  /** Messages that an earlier turn of the same agent was already sent. */
  seen: number
  /** Shown between the response and the prompt. */
  children?: ComponentChildren
}

export function CallDetail({ trajectory, call, seen, children }: CallDetailProps) {
  const body = useCallBody(trajectory, call.id)
  return (
    <>
      <CallFacts call={call} />
      {call.error && <CallError call={call} />}
      {body.value ? <Response call={body.value} /> : <Waiting error={body.error} />}
      {children}
      {call.tokenSource === 'engine' && <Tokens trajectory={trajectory} call={call.id} />}
      {body.value && (
        <>
          <Section
            title="Prompt"
            note={
              seen > 0
                ? `${plural(body.value.messages.length, 'message')}, the first ${seen} folded`
                : plural(body.value.messages.length, 'message')
            }
          >
            <Messages messages={body.value.messages} seen={seen} />
          </Section>
          <Section title="Request" folded>
            <dl class="facts">
              <Fact name="Sampling">
                <code>
                  <Visible text={JSON.stringify(body.value.sampling)} />
                </code>
              </Fact>
              <Fact name="Request id">
                <Visible text={call.requestId ?? 'none'} />
              </Fact>
              <Fact name="Tokens from">
                <Visible text={call.tokenSource} />
              </Fact>
              <Fact name="Call id">
                <code>{call.id}</code>
              </Fact>
            </dl>
          </Section>
        </>
      )}
    </>
  )
}

function CallFacts({ call }: { call: CallNode }) {
  const { usage } = call
  return (
    <dl class="facts inline">
      <Fact name="Model">
        <Visible text={call.model} /> {call.scripted && <ScriptedBadge />}
        <span class="faint">
          {' '}
          <Visible text={call.provider} />
        </span>
      </Fact>
      <Fact name="Tokens in">
        {formatTokens(usage?.inputTokens ?? null)}
        {usage && usage.cachedTokens > 0 && (
          <span class="faint"> {formatTokens(usage.cachedTokens)} cached</span>
        )}
      </Fact>
      <Fact name="out">
        {formatTokens(usage?.outputTokens ?? null)}
        {usage && usage.reasoningTokens > 0 && (
          <span class="faint"> {formatTokens(usage.reasoningTokens)} reasoning</span>
        )}
      </Fact>
      <Fact name="Cost">{formatCost(usage?.costUsd ?? null)}</Fact>
      <Fact name="Latency">{formatDuration(call.latencyMs)}</Fact>
      <Fact name="Attempts">
        <span class={call.attempts > 1 ? 'warn' : undefined}>{call.attempts}</span>
      </Fact>
      <Fact name="Finish">
        <Visible text={call.response.finishReason ?? '–'} />
      </Fact>
      <Fact name="Started">{formatInstant(call.startedAt)}</Fact>
    </dl>
  )
}

function CallError({ call }: { call: CallNode }) {
  if (!call.error) return null
  return (
    <div class="callout bad-callout" role="note">
      <b>
        <Visible text={`${call.error.boundary} · ${call.error.code}`} />
      </b>{' '}
      after {plural(call.attempts, 'attempt')}
      <LongText text={call.error.message} label="Error" />
    </div>
  )
}

const longReasoning = 1500

function Response({ call }: { call: Call }) {
  const { text, reasoning } = call.response
  return (
    <>
      {reasoning !== null && (
        <Section
          title="Reasoning"
          note={`${formatCount(reasoning.length)} characters`}
          folded={reasoning.length > longReasoning}
        >
          <div class="reasoning">
            <LongText text={reasoning} label="Reasoning" />
          </div>
        </Section>
      )}
      <Section title="Response">
        {text === null || text === '' ? (
          <p class="faint">No text.</p>
        ) : (
          <AnswerText text={text} label="Response" />
        )}
      </Section>
    </>
  )
}

/** What became of an agent that a cell started. */
export function AgentOutcome({ invocation }: { invocation: InvocationNode }) {
  return (
    <Section title="Agent" note={`depth ${invocation.depth}, ${plural(invocation.turns.length, 'turn')}`}>
      <p>
        Stopped by <StopReason reason={invocation.stopReason} />
      </p>
      {invocation.answer && <LongText text={invocation.answer.text} label="Answer of the agent" />}
    </Section>
  )
}

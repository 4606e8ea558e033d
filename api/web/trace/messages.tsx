// The prompt of a call, message by message. What an earlier turn already showed starts folded.
import { formatCount } from '../format.ts'
import { AnswerText } from '../text/answer-text.tsx'
import { LongText, Visible } from '../text/text.tsx'

interface Message {
  role: string
  content: string
}

const knownRoles = new Set(['system', 'user', 'assistant', 'tool'])

/** `seen`: how many of the messages, from the first, are folded. */
export function Messages({ messages, seen }: { messages: Message[]; seen: number }) {
  return (
    <ol class="messages">
      {messages.map((message, index) => (
        <li>
          <details open={index >= seen && message.role !== 'system'}>
            <summary>
              <span class={`role role-${knownRoles.has(message.role) ? message.role : 'other'}`}>
                <Visible text={message.role} />
              </span>
              <span class="message-start">
                <Visible text={message.content.slice(0, 160).replaceAll('\n', ' ')} />
              </span>
              <span class="note">{formatCount(message.content.length)}</span>
            </summary>
            {message.role === 'assistant' ? (
              <AnswerText text={message.content} label={`Message ${index + 1}`} />
            ) : (
              <LongText text={message.content} label={`Message ${index + 1}`} />
            )}
          </details>
        </li>
      ))}
    </ol>
  )
}

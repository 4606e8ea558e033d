// Sub-calls in rows: of a cell, or of a batch.
import type { CallNode } from '../../http/tree.ts'
import { formatDuration, formatTokens } from '../format.ts'
import { Visible } from '../text/text.tsx'

export function CallTable({ calls, onOpen }: { calls: CallNode[]; onOpen: (id: string) => void }) {
  return (
    <div class="table-frame">
      <table class="call-table">
        <thead>
          <tr>
            <th class="number">#</th>
            <th>Kind</th>
            <th>Prompt</th>
            <th>Response</th>
            <th class="number">in</th>
            <th class="number">out</th>
            <th class="number">Time</th>
          </tr>
        </thead>
        <tbody>
          {calls.map((call) => (
            <tr>
              <td class="number faint">{(call.batchIndex ?? call.order) + 1}</td>
              <td>
                <button type="button" class="text-button" onClick={() => onOpen(call.id)}>
                  {call.kind}
                </button>
              </td>
              <td class="excerpt-cell">
                <Visible text={call.prompt.text.replaceAll('\n', ' ')} />
              </td>
              <td class="excerpt-cell">
                {call.error ? (
                  <span class="bad">
                    <Visible text={`${call.error.code}: ${call.error.message.slice(0, 160)}`} />
                  </span>
                ) : (
                  <Visible text={(call.response.text?.text ?? '').replaceAll('\n', ' ')} />
                )}
              </td>
              <td class="number">{formatTokens(call.usage?.inputTokens ?? null)}</td>
              <td class="number">{formatTokens(call.usage?.outputTokens ?? null)}</td>
              <td class="number">{formatDuration(call.latencyMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

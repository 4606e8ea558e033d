// The card of a dataset. Its Markdown is shown with few means: nothing in it runs, and no picture is loaded
// but the figures that lie beside it.
import { figureAddress, readCard } from '../client.ts'
import { Code, isPython } from '../text/code.tsx'
import { type Block, readLine, readMarkdown } from '../text/markdown.ts'
import { LongText, Visible } from '../text/text.tsx'
import { Section, Waiting } from '../trace/section.tsx'
import { useLoaded } from '../use-loaded.ts'

export function Card({ dataset }: { dataset: string }) {
  const { value, error } = useLoaded(`card ${dataset}`, (signal) => readCard(dataset, signal))
  if (value === null) return <Waiting error={error} />
  const { front, blocks } = readMarkdown(value)
  return (
    <article class="panel card" aria-label="Dataset card">
      {blocks.map((block) => (
        <CardBlock block={block} dataset={dataset} />
      ))}
      {front !== null && (
        <Section title="Metadata of the card" folded>
          <LongText text={front} label="Metadata of the card" />
        </Section>
      )}
    </article>
  )
}

function CardBlock({ block, dataset }: { block: Block; dataset: string }) {
  if (block.kind === 'heading') {
    if (block.level === 1) return <h2 class="card-title">{<Line text={block.text} dataset={dataset} />}</h2>
    return <h3 class={`card-heading level-${block.level}`}>{<Line text={block.text} dataset={dataset} />}</h3>
  }
  if (block.kind === 'code')
    return <Code text={block.text} python={isPython(block.language)} label="Code of the card" />
  if (block.kind === 'list') {
    return (
      <ul class="card-list">
        {block.items.map((text) => (
          <li>
            <Line text={text} dataset={dataset} />
          </li>
        ))}
      </ul>
    )
  }
  if (block.kind === 'table') {
    const numeric = block.head.map((_, column) => isNumeric(block.rows.map((cells) => cells[column] ?? '')))
    return (
      <div class="table-frame">
        <table>
          <thead>
            <tr>
              {block.head.map((text, column) => (
                <th class={numeric[column] ? 'number' : undefined}>
                  <Line text={text} dataset={dataset} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((cells) => (
              <tr>
                {cells.map((text, column) => (
                  <td class={numeric[column] ? 'number' : undefined}>
                    <Line text={text} dataset={dataset} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    )
  }
  return (
    <p class={block.kind === 'quote' ? 'callout quote' : undefined}>
      <Line text={block.text} dataset={dataset} />
    </p>
  )
}

/** Numbers, with their units or missing, but not all of them. */
function isNumeric(cells: string[]): boolean {
  return cells.every((cell) => /^(?:-?\$?[\d,.]+ ?[kMG%]?)?$/.test(cell)) && cells.some((cell) => cell !== '')
}

function Line({ text, dataset }: { text: string; dataset: string }) {
  return (
    <>
      {readLine(text).map((piece) => {
        if (piece.kind === 'code') {
          return (
            <code>
              <Visible text={piece.text} />
            </code>
          )
        }
        if (piece.kind === 'strong') {
          return (
            <b>
              <Visible text={piece.text} />
            </b>
          )
        }
        if (piece.kind === 'link') {
          return (
            <a href={piece.href} rel="noopener noreferrer nofollow" target="_blank">
              <Visible text={piece.text} />
            </a>
          )
        }
        if (piece.kind === 'image') {
          const figure = /^card\/([\w-]{1,100}\.svg)$/.exec(piece.source)?.[1]
          if (figure !== undefined)
            return (
              <img class="card-figure" src={figureAddress(dataset, figure)} alt={piece.text} loading="lazy" />
            )
        }
        return <Visible text={piece.text} />
      })}
    </>
  )
}

// What a model answered: prose as it is, code blocks as code. Nothing else of Markdown is acted on,
// so no link, image or markup of a model comes to life.
import { Code, isPython } from './code.tsx'
import { splitFences } from './fences.ts'
import { LongText, Visible } from './text.tsx'

export function AnswerText({ text, label }: { text: string; label: string }) {
  return (
    <div class="answer-text">
      {splitFences(text).map((block) =>
        block.kind === 'prose' ? (
          <LongText text={block.text} label={label} />
        ) : (
          <figure class="fence">
            {block.language !== '' && (
              <figcaption>
                <Visible text={block.language} />
              </figcaption>
            )}
            <Code text={block.text} python={isPython(block.language)} label={`Code block of ${label}`} />
          </figure>
        ),
      )}
    </div>
  )
}

// The keys, on `?`.
import { useEffect, useRef } from 'preact/hooks'

const groups: { title: string; keys: [string, string][] }[] = [
  {
    title: 'Anywhere',
    keys: [
      ['g r', 'runs'],
      ['g s', 'search'],
      ['g d', 'datasets'],
      ['g a', 'the API'],
      ['g t', 'light or dark'],
      ['/', 'filter or search'],
      ['Esc', 'back to the list'],
      ['?', 'these keys'],
    ],
  },
  {
    title: 'Lists',
    keys: [
      ['j k', 'next, previous row'],
      ['Enter', 'open'],
      ['x', 'mark a run or a rollout'],
      ['c', 'compare the marked'],
      ['g g', 'groups of the run'],
      ['d', 'make a dataset of the run'],
    ],
  },
  {
    title: 'Trace',
    keys: [
      ['j k', 'next, previous node'],
      ['l', 'expand, or step in'],
      ['h', 'collapse, or step out'],
      ['e', 'next error'],
      ['a', 'answer and scores'],
      ['m g', 'mark as good'],
      ['m b', 'mark as bad'],
      ['m n', 'write a note'],
      ['g g', 'rollouts of the task'],
    ],
  },
]

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (open) dialog.current?.showModal()
    else dialog.current?.close()
  }, [open])
  return (
    <dialog class="help" ref={dialog} onClose={onClose} onClick={onClose} aria-label="Keys">
      {groups.map((group) => (
        <section>
          <h2>{group.title}</h2>
          <dl>
            {group.keys.map(([keys, meaning]) => (
              <div>
                <dt>
                  {keys.split(' ').map((key) => (
                    <kbd>{key}</kbd>
                  ))}
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </dialog>
  )
}

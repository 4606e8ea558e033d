// What is asked of a new dataset. Every field is a part of the address.
import type { RecipeList } from '../../http/routes/rows.ts'
import { plural } from '../format.ts'
import { changeQuery } from '../router.ts'
import { optionPrefix } from './plan.ts'

const choices = [
  ['', 'all'],
  ['correct', 'correct ones'],
  ['best', 'the best'],
  ['best-2', 'the best two'],
  ['shortest', 'the shortest'],
  ['cheapest', 'the cheapest'],
  ['diverse', 'two that differ'],
] as const

interface PlanFormProps {
  query: URLSearchParams
  recipes: RecipeList
}

export function PlanForm({ query, recipes }: PlanFormProps) {
  const name = query.get('recipe') ?? 'sft-turns'
  const recipe = recipes.items.find((one) => one.name === name)
  const options = recipe?.options.filter((option) => option !== 'tokenizer') ?? []
  return (
    <form class="panel plan-form" aria-label="Plan" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>Recipe</span>
        <select value={name} onChange={(event) => changeRecipe(query, event.currentTarget.value)}>
          {recipes.items.map((one) => (
            <option value={one.name}>{one.name}</option>
          ))}
        </select>
      </label>
      {recipe && (
        <p class="faint">
          {recipe.description}
          {recipe.trainers.length > 0 && <> For {recipe.trainers.join(', ')}.</>}
        </p>
      )}
      <label>
        <span>Of each task</span>
        <select
          value={query.get('select') ?? ''}
          onChange={(event) => changeQuery({ select: event.currentTarget.value })}
        >
          {choices.map(([value, meaning]) => (
            <option value={value}>{meaning}</option>
          ))}
        </select>
      </label>
      <Field query={query} name="maxPerTask" label="At most of a task" placeholder="no limit" />
      <Field query={query} name="evalFraction" label="Test split" placeholder="0.1" />
      {options.length > 0 && (
        <Folded
          title="Options of the recipe"
          count={[...query.keys()].filter((key) => key.startsWith(optionPrefix)).length}
        >
          {options.map((option) => (
            <Field query={query} name={`${optionPrefix}${option}`} label={option} placeholder="default" />
          ))}
        </Folded>
      )}
      <Cleaning query={query} recipes={recipes} />
    </form>
  )
}

/** Another recipe takes other options. */
function changeRecipe(query: URLSearchParams, recipe: string): void {
  const foreign = [...query.keys()].filter((name) => name.startsWith(optionPrefix))
  changeQuery({ recipe, ...Object.fromEntries(foreign.map((name) => [name, ''])) })
}

interface FieldProps {
  query: URLSearchParams
  name: string
  label: string
  placeholder: string
}

function Field({ query, name, label, placeholder }: FieldProps) {
  return (
    <label>
      <span>{label}</span>
      <input
        type="text"
        value={query.get(name) ?? ''}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        onChange={(event) => changeQuery({ [name]: event.currentTarget.value.trim() })}
      />
    </label>
  )
}

function Folded({
  title,
  count,
  children,
}: {
  title: string
  count: number
  children: preact.ComponentChildren
}) {
  return (
    <details open={count > 0}>
      <summary>
        {title} {count > 0 && <span class="tag">{count}</span>}
      </summary>
      {children}
    </details>
  )
}

/** Rules that need something of the server are for `descent export`. */
const withTools = new Set(['contamination', 'prompt-tokens'])

function Cleaning({ query, recipes }: PlanFormProps) {
  const named = (query.get('clean') ?? '').split(',').filter((rule) => rule !== '')
  const rules = recipes.cleaning.filter(({ name, value }) => !withTools.has(name) && !needsNumber(value))
  function turn(name: string, on: boolean): void {
    const next = on ? [...named, name] : named.filter((one) => one !== name)
    changeQuery({ clean: next.join(',') })
  }
  const repairs = query.get('repair') !== null
  return (
    <Folded title="Cleaning and repair" count={named.length + Number(repairs)}>
      <ul class="rule-list">
        {rules.map(({ name, meaning }) => (
          <li>
            <label class="check">
              <input
                type="checkbox"
                checked={named.includes(name)}
                onChange={(event) => turn(name, event.currentTarget.checked)}
              />
              <span>
                {name} <span class="faint">{meaning}</span>
              </span>
            </label>
          </li>
        ))}
        <li>
          <label class="check">
            <input
              type="checkbox"
              checked={repairs}
              onChange={(event) => changeQuery({ repair: event.currentTarget.checked ? 'all' : '' })}
            />
            <span>
              repair{' '}
              <span class="faint">
                {plural(recipes.repairs.length, 'mistake')} of protocol, executed again in the sandbox
              </span>
            </span>
          </label>
        </li>
      </ul>
    </Folded>
  )
}

function needsNumber(value: unknown): boolean {
  const number = (value as { number?: { default: number | null } } | null)?.number
  return number !== undefined && number.default === null
}

// What the dataset card says of cleaning and repair, and of contamination.
import type { RuleCount } from './clean.ts'
import type { CleaningReport } from './curate.ts'
import { cleaningRules } from './rules.ts'

/** Markdown with a heading of its own. */
export function cleaningSection(report: CleaningReport | null): string {
  if (!report) {
    return '## Cleaning\n\nNothing was removed or repaired. Contamination: not compared with any evaluation tasks.\n'
  }
  const { rules, removed, redacted, repairs, repaired, notRepaired } = report
  const lines = rules.map(({ name, version, value }) => {
    const meaning = cleaningRules.find((rule) => rule.name === name)?.meaning ?? ''
    const setting = value === null ? '' : ` (${value})`
    const gone = of(removed, name)
    return `| \`${name}\`${setting}, version ${version} | ${meaning} | ${gone.trajectories} | ${gone.turns} | ${of(redacted, name).trajectories} |`
  })
  const mended = repairs.map(({ name, version }) => {
    return `| \`${name}\`, version ${version} | ${of(repaired, name).turns} | ${of(notRepaired, name).turns} |`
  })
  const parts = ['## Cleaning']
  if (lines.length > 0) {
    parts.push(
      [
        '| rule | removes | trajectories | single turns | redacted in trajectories |',
        '| --- | --- | --- | --- | --- |',
        ...lines,
      ].join('\n'),
    )
  }
  if (mended.length > 0) {
    parts.push(
      'A repaired turn was executed again, with the recorded answers of its sub-calls, and kept only when it gave the recorded result, or an answer that could be scored. ' +
        `Trajectories that a repair gave another answer, and whose rewards were computed again for it: ${report.rescored}. ` +
        `Turns repaired: ${report.repairedTurns}; left out: ${report.notRepairedTurns}; cut because an answer came before them: ${report.cutTurns}.`,
      ['| repair | turns | left out |', '| --- | --- | --- |', ...mended].join('\n'),
    )
  }
  parts.push(
    contaminationText(report),
    '`audit.jsonl` names every trajectory and turn, with the rule and what it found.',
  )
  return `${parts.join('\n\n')}\n`
}

function contaminationText({ evaluation, rules, removed }: CleaningReport): string {
  const rule = rules.find(({ name }) => name === 'contamination')
  if (!rule) return 'Contamination: not compared with any evaluation tasks.'
  const compared = evaluation
    .map(({ name, tasks }) => `${name} (${tasks} ${tasks === 1 ? 'task' : 'tasks'})`)
    .join(', ')
  return (
    `Contamination: prompts, contexts and gold answers were compared with ${compared}, by 13-word sequences; ` +
    `${of(removed, 'contamination').trajectories} trajectories shared ${Number(rule.value) * 100}% or more and were left out.`
  )
}

function of(counts: RuleCount[], rule: string): RuleCount {
  return counts.find((count) => count.rule === rule) ?? { rule, trajectories: 0, turns: 0 }
}

// How far a judge agrees with people, over the trajectories that both have scored.

export interface Calibration {
  pairs: number
  meanJudge: number
  meanHuman: number
  /** Mean absolute difference. */
  meanError: number
  /** Pearson's r; null when either never varies. */
  correlation: number | null
  /** Share on the same side of `threshold`, and Cohen's kappa of that (null when chance alone explains all). */
  agreement: number
  kappa: number | null
  /** Judged good by one of them only. */
  judgeOnly: number
  humanOnly: number
  /** By tenths of the judge's value: how many, and what people gave. */
  bins: { from: number; count: number; meanJudge: number; meanHuman: number }[]
}

/** Errors raised: none; null without a pair. */
export function calibrate(
  pairs: readonly { judge: number; human: number }[],
  threshold = 0.5,
): Calibration | null {
  if (pairs.length === 0) return null
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [judges, humans] = [pairs.map(({ judge }) => judge), pairs.map(({ human }) => human)]
  const [meanJudge, meanHuman] = [mean(judges), mean(humans)]
  const good = pairs.map(({ judge, human }) => [judge >= threshold, human >= threshold] as const)
  const agreement = good.filter(([judge, human]) => judge === human).length / pairs.length
  const [judgeRate, humanRate] = [0, 1].map((side) => good.filter((pair) => pair[side]).length / pairs.length)
  const chance = (judgeRate ?? 0) * (humanRate ?? 0) + (1 - (judgeRate ?? 0)) * (1 - (humanRate ?? 0))
  const spread = (values: number[], center: number) =>
    values.reduce((sum, value) => sum + (value - center) ** 2, 0)
  const together = pairs.reduce((sum, { judge, human }) => sum + (judge - meanJudge) * (human - meanHuman), 0)
  const scale = Math.sqrt(spread(judges, meanJudge) * spread(humans, meanHuman))
  const binned = Map.groupBy(pairs, ({ judge }) => Math.min(9, Math.max(0, Math.floor(judge * 10 + 1e-9))))
  return {
    pairs: pairs.length,
    meanJudge,
    meanHuman,
    meanError: mean(pairs.map(({ judge, human }) => Math.abs(judge - human))),
    correlation: scale === 0 ? null : together / scale,
    agreement,
    kappa: chance === 1 ? null : (agreement - chance) / (1 - chance),
    judgeOnly: good.filter(([judge, human]) => judge && !human).length,
    humanOnly: good.filter(([judge, human]) => human && !judge).length,
    bins: [...binned]
      .toSorted(([a], [b]) => a - b)
      .map(([bin, list]) => ({
        from: bin / 10,
        count: list.length,
        meanJudge: mean(list.map(({ judge }) => judge)),
        meanHuman: mean(list.map(({ human }) => human)),
      })),
  }
}

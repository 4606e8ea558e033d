// Keys for needles and links: an adjective and a noun, as `quiet-harbor`; each once.
import type { Random } from '../random.ts'

export const adjectives =
  'amber ancient arctic bitter blue brave bright broken calm careful cheap clever cold copper coral crimson curious dark deep distant dusty eager early empty even faint fierce final fragile gentle giant golden grand green grey hidden hollow honest humble icy idle iron ivory jolly keen kind late lazy light lonely loose loud lucky mellow mild misty modern narrow neat noble northern odd old open orange pale patient plain proud quick quiet rapid rare red restless rich rough round royal rusty salty sharp short shy silent silver simple slow small smooth soft solid southern spare steady steep stiff still strange strong sudden sunny swift tall tame tender thick thin tidy tiny vague vast violet warm weary western white wide wild wise wooden yellow young'.split(
    ' ',
  )

export const nouns =
  'anchor apple arch badge barn basin beacon bell bench bottle bridge brook bucket cabin camera candle canoe canyon carpet castle chair chapel chimney cliff clock cloud coat compass copper cottage cradle crane creek crown curtain dagger desk drum engine falcon feather fence ferry field flag flute forest fountain garden gate glacier glove grove guitar hammer harbor harvest hat hawk hill horn island jacket jar journal kettle key ladder lagoon lake lamp lantern ledger lemon letter library lighthouse locket magnet maple marble market meadow medal mill mirror mountain needle nest oak oar orchard otter paddle palace parrot path pearl pebble pencil piano pillow planet plow pocket pond portrait quarry quilt raft raven reef ribbon river robin rope saddle sail school shelf shell shovel signal sparrow spoon spring stable statue stone stove street summit table temple thimble ticket torch tower trail train trumpet tunnel umbrella valley vase village violin wagon wall watch wheel whistle willow window'.split(
    ' ',
  )

/** Distinct keys. Throws a RangeError when more are wanted than there are. */
export function makeKeys(count: number, random: Random): string[] {
  if (count > (adjectives.length * nouns.length) / 2) throw new RangeError(`no ${count} distinct keys`)
  const keys = new Set<string>()
  while (keys.size < count) keys.add(`${random.pick(adjectives)}-${random.pick(nouns)}`)
  return [...keys]
}

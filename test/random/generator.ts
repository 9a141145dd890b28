import { seededRandom } from '../../src/core/random.ts'
import { Analysis } from './analysis.ts'
import type { Case } from './case.ts'
import { mayTrickle } from './checks.ts'
import { Dice } from './dice.ts'
import { drawNodes } from './random-nodes.ts'
import { drawScript } from './random-script.ts'
import { drawSources } from './random-sources.ts'

/** The case of a seed: the same one for the same seed and generator. */
export function generateCase(seed: number): Case {
  const dice = new Dice(seededRandom(seed))
  for (;;) {
    const phases = 1 + dice.integer(4)
    const sources = drawSources(dice, phases)
    const nodes = drawNodes(dice, sources)
    if (nodes === null) continue
    const canTrickle = mayTrickle(new Analysis({ ...sources, nodes })) && dice.onceIn(2)
    return {
      seed,
      nodes,
      topics: sources.topics,
      connectors: sources.connectors,
      script: Array.from({ length: phases }, () => drawScript(dice, canTrickle && dice.onceIn(2))),
      commitIntervalMs: 2 + dice.integer(30),
      hasTinyCache: dice.onceIn(3),
    }
  }
}

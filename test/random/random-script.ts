import { type StepName, stepNames } from '../../src/core/steps.ts'
import type { Fault, Life, PhaseScript } from './case.ts'
import type { Dice } from './dice.ts'

/** Steps that are taken at all, but for trouble. */
const usualSteps = stepNames.filter((name) => name !== 'A4.quarantine')

/** Draws what befalls the processes of one phase. */
export function drawScript(dice: Dice, trickles: boolean): PhaseScript {
  return new ScriptDrawing(dice, trickles).draw()
}

class ScriptDrawing {
  private readonly dice: Dice

  private readonly trickles: boolean

  constructor(dice: Dice, trickles: boolean) {
    this.dice = dice
    this.trickles = trickles
  }

  draw(): PhaseScript {
    const kills = this.dice.integer(this.trickles ? 4 : 3)
    let directory = this.dice.one(['/one', '/one', '/one', '/away'])
    const lives: Life[] = []
    for (let life = 0; life < kills; life++) {
      lives.push({ directory, faults: [...this.otherFaults(), this.kill()] })
      if (this.dice.onceIn(4)) directory = `/moved-${this.dice.integer(3)}`
    }
    lives.push({ directory, faults: this.otherFaults() })
    const beside = this.dice.onceIn(4) ? { beside: { directory: '/two', afterMs: this.dice.integer(60) } } : {}
    const trickle = { portions: 2 + this.dice.integer(6), everyMs: this.dice.integer(40) }
    return { lives, ...beside, ...(this.trickles ? { trickle } : {}) }
  }

  private kill(): Fault {
    const at = this.dice.one(usualSteps)
    // A life opens its tasks once or twice, and commits as often as it has to.
    const most = at.startsWith('A') || this.dice.onceIn(2) ? 2 : 8
    return { at, occurrence: 1 + this.dice.integer(most), when: this.dice.one(['before', 'after']), do: 'kill' }
  }

  private otherFaults(): Fault[] {
    const commits = stepNames.filter((name: StepName) => name.startsWith('B'))
    switch (this.dice.integer(8)) {
      case 0:
      case 1:
        return [
          {
            at: this.dice.one(commits),
            occurrence: 1 + this.dice.integer(3),
            when: this.dice.one(['before', 'after']),
            do: 'doubt',
          },
        ]
      case 2:
        return [
          {
            request: this.dice.one(['EndTxn', 'Produce', 'TxnOffsetCommit', 'Fetch', 'AddPartitionsToTxn']),
            occurrence: 1 + this.dice.integer(4),
            lateMs: this.dice.integer(300),
          },
        ]
      case 3: {
        const forMs = this.dice.onceIn(3) ? 10_000 + this.dice.integer(4000) : this.dice.integer(2000)
        return this.dice.onceIn(3) ? [{ pauseAtMs: this.dice.integer(150), forMs }] : []
      }
      case 4:
        // Whoever feeds needs a broker.
        if (this.trickles) return []
        return this.dice.onceIn(3) ? [{ brokerDownAtMs: this.dice.integer(150), forMs: this.dice.integer(1500) }] : []
      case 5:
        return [{ storesLateMs: 5 + this.dice.integer(100) }]
      default:
        return []
    }
  }
}

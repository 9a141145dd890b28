import type { CaseConnector, CaseRecord, CaseSource, CaseTopic, SerdeName } from './case.ts'
import type { Dice } from './dice.ts'
import { as } from './functions.ts'
import type { CaseHeaders } from './headers.ts'

/** Sources, and how often each is read. */
export interface DrawnSources {
  readonly topics: Readonly<Record<string, CaseTopic>>
  readonly connectors: Readonly<Record<string, CaseConnector>>
  /** One a stream. */
  readonly streams: readonly { readonly kind: 'topic' | 'connector'; readonly name: string }[]
}

const timestampsFromMs = 1_700_000_000_000

/**
 * Draws topics and connectors with their records: keys that come in every phase, once, and again late; nulls, ties, times out
 * of order, partitions and splits that are empty, bytes that do not decode.
 */
export function drawSources(dice: Dice, phases: number): DrawnSources {
  return new SourceDrawing(dice, phases).draw()
}

class SourceDrawing {
  private readonly dice: Dice
  private readonly phases: number

  constructor(dice: Dice, phases: number) {
    this.dice = dice
    this.phases = phases
  }

  draw(): DrawnSources {
    const partitions = 1 + this.dice.integer(3)
    const skips = this.dice.onceIn(2)
    const key = this.dice.one<SerdeName>(['text', 'text', 'int32'])
    const topics = this.dice.onceIn(4) ? 0 : 1 + this.dice.integer(3)
    const connectors = topics === 0 ? 1 : this.dice.onceIn(4) ? 1 : 0
    const isAlike = this.dice.integer(3) > 0
    const source = (): CaseSource => ({
      key: isAlike ? key : this.dice.one<SerdeName>(['text', 'int32']),
      value: this.dice.one<SerdeName>(['int32', 'text', 'structured', 'int64']),
      ...(this.dice.onceIn(3) ? { holdsNull: true } : {}),
      partitions: isAlike ? partitions : 1 + this.dice.integer(3),
      skips: isAlike ? skips : this.dice.onceIn(2),
      extractsTime: this.dice.onceIn(6),
    })
    const drawn = {
      topics: {} as Record<string, CaseTopic>,
      connectors: {} as Record<string, CaseConnector>,
      streams: [] as DrawnSources['streams'][number][],
    }
    for (let n = 0; n < topics; n++) {
      const name = this.dice.name('in')
      const declared = source()
      const records = Array.from({ length: 4 + this.dice.integer(28) }, () => ({
        ...this.record(declared),
        partition: this.dice.integer(declared.partitions),
      }))
      // One partition without any record, now and then.
      const empty = this.dice.onceIn(4) ? this.dice.integer(declared.partitions) : -1
      drawn.topics[name] = {
        ...declared,
        records: records.filter(({ partition }) => declared.partitions === 1 || partition !== empty),
      }
      drawn.streams.push({ kind: 'topic', name })
      // Read twice.
      if (this.dice.onceIn(8)) drawn.streams.push({ kind: 'topic', name })
    }
    for (let n = 0; n < connectors; n++) {
      const name = this.dice.name('src')
      const declared = { ...source(), ...(this.dice.onceIn(3) ? { key: 'nothing' as const } : {}) }
      const splits = Array.from({ length: 1 + this.dice.integer(4) }, (_, id): [string, CaseRecord[]] => {
        const records = Array.from({ length: this.dice.integer(14) }, () => this.record(declared))
        return [`s${id}`, records.sort((a, b) => a.phase - b.phase)]
      })
      drawn.connectors[name] = { ...declared, splits: Object.fromEntries(splits) }
      drawn.streams.push({ kind: 'connector', name })
    }
    return drawn
  }

  private record({ key, value, skips }: CaseSource): CaseRecord {
    const phase = this.dice.integer(this.phases)
    // Some keys come in every phase, some once, some again late.
    const keyed = this.dice.onceIn(5) ? 100 + this.dice.integer(400) : this.dice.integer(5)
    return {
      phase,
      key: key === 'nothing' || this.dice.onceIn(12) ? null : as(key, keyed),
      value: this.dice.onceIn(8) ? null : as(value, this.dice.integer(100_000)),
      // Out of order, with ties.
      timestamp: timestampsFromMs + 20 * phase + this.dice.integer(40),
      ...(this.dice.onceIn(6) ? { headers: this.headers() } : {}),
      ...(skips && this.dice.onceIn(25) && value !== 'structured' ? { isPoison: true } : {}),
    }
  }

  /** One to three, of few names: a name may come twice, and be empty; a value may be null. */
  private headers(): CaseHeaders {
    return Array.from({ length: 1 + this.dice.integer(3) }, () => {
      const value = this.dice.onceIn(4) ? null : `v${this.dice.integer(9)}`
      return [this.dice.one(['h', 'h', 'trace', '']), value] as const
    })
  }
}

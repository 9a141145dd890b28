/** A leader epoch and the first offset written in it, or after it began. */
export interface EpochStart {
  readonly epoch: number
  readonly offset: number
}

/** The leader epochs of a log, ascending: which start of the broker wrote what. */
export class LeaderEpochs {
  private readonly starts: readonly EpochStart[]
  private readonly current: number

  /**
   * @param found in the log, ascending
   * @param current the epoch that is written now, from `endOffset` on
   */
  constructor(found: readonly EpochStart[], current: number, endOffset: number) {
    this.starts = [...found.filter(({ epoch }) => epoch < current), { epoch: current, offset: endOffset }]
    this.current = current
  }

  /**
   * Where an epoch ended, as OffsetForLeaderEpoch tells it: the first offset of the next epoch, or `endOffset` for the
   * current one. One older than all that the log knows ended where that begins; -1 and -1 for one that is yet to come.
   */
  endOf(epoch: number, endOffset: number): { readonly epoch: number; readonly endOffset: number } {
    if (epoch === this.current) return { epoch, endOffset }
    if (epoch < 0 || epoch > this.current) return { epoch: -1, endOffset: -1 }
    const at = this.starts.findLastIndex((one) => one.epoch <= epoch)
    return { epoch: this.starts[at]?.epoch ?? epoch, endOffset: this.starts[at + 1]?.offset ?? endOffset }
  }
}

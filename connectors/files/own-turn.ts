import type { Clock } from '../../src/connector/index.ts'
import type { ReadTurns } from './read-turns.ts'

/** Chunks of a file in one turn. */
const chunksMax = 16

/** A file that does not answer for so long, or has a line that takes so long to pass over, keeps no other waiting. */
const patienceMs = 1000

/** The turn of one reader, with its share; a reader that takes none always has it. */
export class OwnTurn {
  private readonly turns: ReadTurns | null
  private readonly clock: Clock
  private isMine = false
  private isClosed = false
  private chunks = 0

  constructor(turns: ReadTurns | null, clock: Clock) {
    this.turns = turns
    this.clock = clock
  }

  /** Waits for it. @returns false where the signal aborted, or this was closed, before it came */
  async begin(signal: AbortSignal): Promise<boolean> {
    const { turns } = this
    if (turns === null || this.isMine) return true
    const isMine = await turns.begin(signal)
    if (isMine && this.isClosed) turns.end()
    else this.isMine = isMine
    this.chunks = 0
    return this.isMine
  }

  /** A chunk is read in it. */
  chunk(): void {
    this.chunks++
  }

  /** Whether it has had its share. */
  get isUsedUp(): boolean {
    return this.chunks >= chunksMax
  }

  /** Does what the file system may take long for; where that takes longer than patience lasts, the turn is another's meanwhile. */
  async withPatience(work: () => Promise<void>): Promise<void> {
    if (!this.isMine) return work()
    const cancel = this.clock.timer(patienceMs, () => this.end())
    try {
      await work()
    } finally {
      cancel()
    }
  }

  /** The next may begin. Without effect where it is over. */
  end(): void {
    if (this.isMine) this.turns?.end()
    this.isMine = false
  }

  /** Ends it, and whichever still comes. */
  close(): void {
    this.isClosed = true
    this.end()
  }
}

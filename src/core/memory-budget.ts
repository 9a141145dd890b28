/** What holds committed rows in memory, and can read them again when they are wanted. */
export interface CacheHolder {
  /** Bytes of what {@link shed} would give up now: 0 while all that it holds is needed. */
  readonly sheddableBytes: number
  /** Gives those up, and says so with {@link MemoryBudget.cached}. Called between records. */
  shed(): void
}

/** At the most what a count over 2 million keys in four stores was as fast with as with 16 MiB each; the least is a guess. */
const backendBytesMin = 512 * 1024
const backendBytesMax = 10 * 1024 * 1024

/**
 * The memory of a process, in bytes: one limit, which its holders share by need.
 *
 *     sent       given to the producer, not acknowledged      a sixteenth
 *     fetched    fetched, not processed                       what the others leave, from an eighth to a quarter
 *     changed    rows of transactions that are not stored     what the others leave, from an eighth to a quarter
 *     backends   what LevelDB holds of open stores            what they say at their opening
 *     cached     committed rows of all stores                 all else
 *
 * Nobody asks before taking: holders say what they have, and look whether they are beyond their part where they can do
 * something about it. Fetching stops, tasks commit early, and of the caches the largest part goes first, whoever's it is.
 * So a part may be passed by one step of its holder: an answer of a broker, the records between two looks.
 */
export class MemoryBudget {
  readonly limitBytes: number
  private readonly caches = new Set<CacheHolder>()
  private fetchedBytes: () => number = () => 0
  private changedNow = 0
  private cachedNow = 0
  private backendsNow = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  /** Who fetches says how much it holds. */
  observeFetched(bytes: () => number): void {
    this.fetchedBytes = bytes
  }

  /**
   * A store is opened.
   * @param backendBytes what its backend holds beside the rows, for as long as it is open
   * @returns what takes it off again; idempotent
   */
  addCache(cache: CacheHolder, backendBytes = 0): () => void {
    this.caches.add(cache)
    this.backendsNow += backendBytes
    return () => {
      if (this.caches.delete(cache)) this.backendsNow -= backendBytes
    }
  }

  /** What each backend of so many stores may hold: together a quarter, where that is enough for each. */
  backendBytes(stores: number): number {
    const share = Math.floor(this.limitBytes / 4 / Math.max(1, stores))
    return Math.min(backendBytesMax, Math.max(backendBytesMin, share))
  }

  /** So many more bytes of changed rows are held, in all their forms; fewer where it is negative. */
  changed(bytes: number): void {
    this.changedNow += bytes
  }

  /** So many more bytes of committed rows are held; fewer where it is negative. */
  cached(bytes: number): void {
    this.cachedNow += bytes
  }

  get changedBytes(): number {
    return this.changedNow
  }

  get cachedBytes(): number {
    return this.cachedNow
  }

  /** Beyond it tasks wait for the brokers. */
  get sentBytesMax(): number {
    return Math.floor(this.limitBytes / 16)
  }

  /** Beyond it nothing more is fetched. */
  get fetchedBytesMax(): number {
    return this.fromEighthToQuarter(Math.max(this.changedNow, this.eighth) + this.cachedNow)
  }

  /** Beyond it tasks commit before their interval is over. */
  get changedBytesMax(): number {
    return this.fromEighthToQuarter(Math.max(this.fetchedBytes(), this.eighth) + this.cachedNow)
  }

  /** Beyond it caches are made smaller by {@link trim}. */
  get cachedBytesMax(): number {
    const others = Math.max(this.changedNow, this.eighth) + Math.max(this.fetchedBytes(), this.eighth)
    return Math.max(0, this.limitBytes - this.sentBytesMax - this.backendsNow - others)
  }

  /** Whether so much has changed that it should be committed now. */
  get isFull(): boolean {
    return this.changedNow > this.changedBytesMax
  }

  /**
   * What a cache that holds `bytes` may come to: all that is free, and never less than an equal share, which another then
   * gives up.
   */
  shareOf(bytes: number): number {
    const max = this.cachedBytesMax
    return Math.max(max / Math.max(1, this.caches.size), bytes + max - this.cachedNow)
  }

  /** Makes caches smaller until they keep to their part, as far as what they hold is not needed. */
  trim(): void {
    while (this.cachedNow > this.cachedBytesMax) {
      let largest: CacheHolder | null = null
      let most = 0
      for (const cache of this.caches) {
        const bytes = cache.sheddableBytes
        if (bytes <= most) continue
        largest = cache
        most = bytes
      }
      if (largest === null) return
      largest.shed()
    }
  }

  /** At least 1, so that each holder takes a step at a time however small the limit is. */
  private get eighth(): number {
    return Math.ceil(this.limitBytes / 8)
  }

  private fromEighthToQuarter(othersBytes: number): number {
    const left = this.limitBytes - this.sentBytesMax - this.backendsNow - othersBytes
    return Math.max(this.eighth, Math.min(Math.ceil(this.limitBytes / 4), left))
  }
}

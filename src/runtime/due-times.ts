import type { OwnWork } from '../operators/operator.ts'

/** A place of an operator among those that a clock may call. */
export interface DueTime {
  /** Says who is asked what there is to do, when a time has come that it named; undefined for nobody. */
  asks(next: ((time: number) => OwnWork | null) | undefined): void
  /** Asks for a call when the clock comes to `time`, if none is due before. */
  readonly dueAt: (time: number) => void
}

/** What is to be done, and whose place it has. */
export interface DueWork<O> {
  readonly owner: O
  readonly work: OwnWork
}

interface Place<O> {
  readonly owner: O
  due: number
  next: ((time: number) => OwnWork | null) | undefined
}

/**
 * When the operators of a chain have something to do by a clock. It keeps the least of their times, so that a record,
 * which may move the clock, costs one comparison.
 */
export class DueTimes<O> {
  /** The least time at which there may be something to do; `Infinity` for never. */
  next = Number.POSITIVE_INFINITY
  private readonly places: Place<O>[] = []

  /** A place behind those that there are from the end of the chain: the last one is called first, being the most upstream. */
  place(owner: O): DueTime {
    const own: Place<O> = { owner, due: Number.POSITIVE_INFINITY, next: undefined }
    this.places.unshift(own)
    return {
      asks: (next) => {
        own.next = next
      },
      dueAt: (time) => {
        if (time < own.due) own.due = time
        if (time < this.next) this.next = time
      },
    }
  }

  /**
   * The clock has come to `time`: what is to be done first, which the caller does, or has struck off, before it asks again.
   * The most upstream operator comes first with all that it has; what it hands on may make those behind it due.
   * @returns null when everything due is done
   */
  first(time: number): DueWork<O> | null {
    if (time < this.next) return null
    for (const place of this.places) {
      if (place.due > time) continue
      const work = place.next?.(time) ?? null
      // It stays due until what it gave is done: whoever goes on in spite of a failure asks it again.
      place.due = work?.time ?? Number.POSITIVE_INFINITY
      if (work !== null && work.time <= time) return { owner: place.owner, work }
    }
    this.next = this.places.reduce((least, { due }) => Math.min(least, due), Number.POSITIVE_INFINITY)
    return null
  }
}

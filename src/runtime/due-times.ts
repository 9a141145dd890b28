/** An operator's place among those that a clock may call. */
export interface DueTime {
  /** Says what is to be done when a time has come; undefined for nothing. It gives back when it wants to be called next. */
  does(action: ((time: number) => number) | undefined): void
  /** Asks for a call when the clock comes to `time`, if none is due before. */
  readonly dueAt: (time: number) => void
}

/**
 * When the operators of a chain have something to do by a clock. It keeps the least of their times, so that a record,
 * which may move the clock, costs one comparison.
 */
export class DueTimes {
  /** The least time at which there is something to do; `Infinity` for never. */
  next = Number.POSITIVE_INFINITY
  private readonly places: { due: number; action: ((time: number) => number) | undefined }[] = []

  /** A place behind those that there are from the end of the chain: the last one is called first, being the most upstream. */
  place(): DueTime {
    const own: { due: number; action: ((time: number) => number) | undefined } = {
      due: Number.POSITIVE_INFINITY,
      action: undefined,
    }
    this.places.unshift(own)
    return {
      does: (action) => {
        own.action = action
      },
      dueAt: (time) => {
        if (time < own.due) own.due = time
        if (time < this.next) this.next = time
      },
    }
  }

  /**
   * The clock has come to `time`: calls all who have something to do until then, the most upstream first. What one hands on
   * may make those behind it due, whose turn is still to come.
   */
  reach(time: number): void {
    if (time < this.next) return
    for (const place of this.places) {
      if (place.due > time) continue
      const { due } = place
      place.due = Number.POSITIVE_INFINITY
      try {
        const next = place.action?.(time) ?? Number.POSITIVE_INFINITY
        if (next < place.due) place.due = next
      } catch (error) {
        // It was not done: whoever goes on in spite of the error is called again.
        place.due = due
        this.next = Math.min(this.next, due)
        throw error
      }
    }
    this.next = this.places.reduce((least, { due }) => Math.min(least, due), Number.POSITIVE_INFINITY)
  }
}

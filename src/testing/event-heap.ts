/** Something that is going to happen in a simulation. */
export interface SimEvent {
  /** When, in virtual milliseconds. */
  readonly atMs: number
  /** Drawn from the seed: decides between events of the same time. */
  readonly tie: number
  /** Order of making: decides what is left. */
  readonly sequence: number
  /** Null once it was cancelled. */
  fire: (() => void) | null
}

/** The events to come, earliest first: a binary heap keyed by time, seeded tie and sequence. */
export class EventHeap {
  private readonly events: SimEvent[] = []

  /** Events that wait, cancelled ones among them. */
  get size(): number {
    return this.events.length
  }

  push(event: SimEvent): void {
    const { events } = this
    let at = events.length
    events.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = events[parent] as SimEvent
      if (isBefore(above, event)) break
      events[at] = above
      at = parent
    }
    events[at] = event
  }

  /** Takes the earliest event that was not cancelled; undefined when none is left. */
  pop(): SimEvent | undefined {
    for (;;) {
      const first = this.events[0]
      if (first === undefined) return undefined
      this.removeFirst()
      if (first.fire !== null) return first
    }
  }

  private removeFirst(): void {
    const { events } = this
    const last = events.pop() as SimEvent
    if (events.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      const right = events[child + 1]
      if (right !== undefined && isBefore(right, events[child] as SimEvent)) child++
      const below = events[child] as SimEvent
      if (isBefore(last, below)) break
      events[at] = below
      at = child
    }
    events[at] = last
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs
  return a.tie !== b.tie ? a.tie < b.tie : a.sequence < b.sequence
}

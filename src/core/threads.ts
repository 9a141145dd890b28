/** A running stream thread as its supervisor sees it. */
export interface ThreadHandle {
  /** Settles when the thread's work has ended; rejects with what ended it otherwise. */
  readonly ended: Promise<void>
}

/**
 * Port 8: where stream threads run.
 *
 * `index` is the thread's place in the process, part of its group instance id (X12).
 */
export interface Threads {
  spawn(index: number, work: () => Promise<void>): ThreadHandle
}

/** Stream threads on the event loop of the caller: the shipped form for one thread, and the form of the simulation. */
export const sameLoopThreads: Threads = {
  spawn: (_index, work) => ({ ended: work() }),
}

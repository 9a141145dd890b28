/** A running stream thread as its supervisor sees it. */
export interface ThreadHandle<T> {
  /** Settles when the thread's work has ended; rejects with what ended it otherwise. */
  readonly ended: Promise<T>
}

/**
 * Port 8: where stream threads run.
 *
 * `index` is the thread's place in the process, part of its group instance id (X12).
 */
export interface Threads {
  spawn<T>(index: number, work: () => Promise<T>): ThreadHandle<T>
}

/** Stream threads on the event loop of the caller: the shipped form for one thread, and the form of the simulation. */
export const sameLoopThreads: Threads = {
  spawn: (_index, work) => ({ ended: work() }),
}

/**
 * Waits until all of some work has ended, whatever becomes of each.
 * @throws what the first of them in order failed with
 */
export async function allDone(work: Iterable<Promise<unknown>>): Promise<void> {
  const ends = await Promise.allSettled(work)
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
}

/**
 * The named steps of task opening and commit (docs/exactly-once.md, A0 to B5), in the order in which they run.
 * Every port call of those two functions bears one of these names; the sweep fails on a name that is not here.
 */
export const stepNames = [
  'A0.initProducerId',
  'A0.writePlan',
  'A1.initProducerId',
  'A2.offsetFetch',
  'A2.fenceDeadProducer',
  'A3.listOffsets',
  'A3.fetchChangelog',
  'A3.applyChangelog',
  'A4.openStore',
  'A4.quarantine',
  'A5.commitStartPositions',
  'B1.produce',
  'B1.addPartitions',
  'B2.addOffsets',
  'B2.txnOffsetCommit',
  'B3.endTxn',
  'B4.writeStore',
  'B5.publish',
] as const

/** One of {@link stepNames}. */
export type StepName = (typeof stepNames)[number]

/** The steps that transactions of version 2 do not have: partitions and groups enter with what is written (KIP-890). */
export const stepsOfFirstVersion: readonly StepName[] = ['B1.addPartitions', 'B2.addOffsets']

/**
 * Runs `effect` as the step `name`. The shipped hook only calls it; a test's may refuse to begin it or to return
 * from it, which is a crash before and after the effect.
 */
export type StepHook = <T>(name: StepName, effect: () => Promise<T>) => Promise<T>

/** The shipped hook. */
export const runStep: StepHook = (_name, effect) => effect()

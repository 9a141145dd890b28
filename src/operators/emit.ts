import type { FlowRecord } from './flow-record.ts'

/** Hands one record on. */
export type Emit = (record: FlowRecord) => void

/** Hands each record to all, in their order, before it takes the next. */
export function fanOut(steps: readonly Emit[]): Emit {
  const [only] = steps
  if (only === undefined) return endOfChain
  if (steps.length === 1) return only
  return (record) => {
    for (let i = 0; i < steps.length; i++) steps[i]?.(record)
  }
}

/** The end of a chain: takes what reaches it and does nothing more. */
export const endOfChain: Emit = () => undefined

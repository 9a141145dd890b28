import type { CaseConnector, CaseRecord, CaseSource, CaseTopic } from './case.ts'
import { extractedTime } from './functions.ts'
import type { NaiveRecord } from './naive-record.ts'

/** The records of a topic's partition that came with a phase, as its stream shows them. */
export function ofTopic(topic: CaseTopic | undefined, partition: number, phase: number): NaiveRecord[] {
  const records = topic?.records.filter((one) => one.partition === partition && one.phase === phase) ?? []
  return topic === undefined ? [] : records.flatMap((record) => entering(record, topic))
}

/** The same of a source connector: splits are dealt round robin in order of id, and each is read to its end before the next. */
export function ofConnector(connector: CaseConnector | undefined, partition: number, phase: number): NaiveRecord[] {
  if (connector === undefined) return []
  const own = Object.keys(connector.splits)
    .sort()
    .filter((_, index) => index % connector.partitions === partition)
  const records = own.flatMap((id) => connector.splits[id] ?? []).filter((record) => record.phase === phase)
  return records.flatMap((record) => entering(record, connector))
}

/** Several logs as one: the lowest head first, ties by the order of the logs (R3). */
export function byTimestamp(
  logs: readonly { readonly input: number; readonly records: readonly NaiveRecord[] }[],
): { input: number; record: NaiveRecord }[] {
  const heads = logs.map(({ input, records }) => ({ input, left: [...records] }))
  const taken: { input: number; record: NaiveRecord }[] = []
  for (;;) {
    let lowest: (typeof heads)[number] | null = null
    for (const head of heads) {
      const [first] = head.left
      if (first === undefined) continue
      if (lowest === null || first.timestamp < (lowest.left[0]?.timestamp ?? 0)) lowest = head
    }
    const record = lowest?.left.shift()
    if (lowest === null || record === undefined) return taken
    taken.push({ input: lowest.input, record })
  }
}

/** None where the bytes do not decode. A record without a value keeps its own time. */
function entering(record: CaseRecord, { extractsTime }: CaseSource): NaiveRecord[] {
  const { key, value, headers = [], isPoison } = record
  if (isPoison === true) return []
  const timestamp = extractsTime && value !== null ? extractedTime(value) : record.timestamp
  return [{ key, value, hasValue: value !== null, timestamp, headers, valueDoubts: [], timeDoubts: [] }]
}

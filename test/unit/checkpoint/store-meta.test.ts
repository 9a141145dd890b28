import { describe, expect, it } from 'vitest'
import { decodeMeta, encodeMeta, misfit, type StoreMeta } from '../../../src/checkpoint/store-meta.ts'
import { rowFormat } from '../../../src/state/row-format.ts'

const identity = { app: 'app', store: 'counts', partition: 0, clusterId: 'cluster', topicId: 'topic', beganAt: 0 }
const meta: StoreMeta = { format: rowFormat, ...identity, changelogOffset: 12, writtenMs: 5000 }

describe('the meta row', () => {
  it('comes back as it was written', () => {
    expect(decodeMeta(encodeMeta(meta))).toEqual(meta)
  })

  it.each(['', 'x', '{}', '{"changelogOffset":"12"}'])('is none where the bytes are %j', (text) => {
    expect(decodeMeta(Buffer.from(text))).toBeNull()
  })
})

describe('a store', () => {
  it('fits where it says the same of itself and is young enough', () => {
    expect(misfit(meta, identity, 5000)).toBeNull()
  })

  it.each(['app', 'store', 'partition', 'clusterId', 'topicId', 'beganAt'] as const)(
    'of another %s does not fit, and says so',
    (name) => {
      expect(misfit({ ...meta, [name]: 'another' }, identity, 0)).toBe(
        `its ${name} is another, here it is ${identity[name]}`,
      )
    },
  )

  it('of another format does not fit', () => {
    for (const format of [rowFormat - 1, rowFormat + 1]) {
      expect(misfit({ ...meta, format }, identity, 0)).toBe(`its format is ${format}, this version writes ${rowFormat}`)
    }
  })

  it('does not fit once deletes in its changelog may have expired', () => {
    expect(misfit(meta, identity, 5001)).toContain('deletes in its changelog may have expired')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeOffsetMetadata,
  encodeOffsetMetadata,
  type OffsetMetadata,
} from '../../../src/checkpoint/offset-metadata.ts'
import { runs } from '../../support/seed.ts'

const metadata: OffsetMetadata = {
  v: 1,
  commitId: 7,
  plan: 2,
  txnId: 'app-i-0',
  topicId: 'Wm5pY2VJZE9mQVRvcGlj',
  partitionTime: 12,
  ended: 'round 1',
}

describe('the metadata of an offset', () => {
  it('comes back as it was written, whatever the names in it', () => {
    const any = fc.record({
      v: fc.constant(1 as const),
      commitId: fc.nat(),
      plan: fc.nat(),
      txnId: fc.string(),
      topicId: fc.string(),
      partitionTime: fc.option(fc.nat()),
      ended: fc.option(fc.string()),
    })
    fc.assert(
      fc.property(any, (one) => {
        expect(decodeOffsetMetadata(encodeOffsetMetadata(one))).toEqual(one)
      }),
      runs(200),
    )
  })

  it('fits what a broker takes, with the longest names that the command line lets through', () => {
    const txnId = `${'a'.repeat(200)}-${'i'.repeat(200)}-0`
    const text = encodeOffsetMetadata({ ...metadata, commitId: Number.MAX_SAFE_INTEGER, txnId })
    expect(Buffer.byteLength(text)).toBeLessThan(4096)
  })

  it.each(['', 'consumer-1', 'null', '[]', '7', '{', '{}', '{"v":2,"commitId":1,"txnId":"x"}'])(
    'of another program is none: %j',
    (text) => {
      expect(decodeOffsetMetadata(text)).toBeNull()
    },
  )

  it('needs a commit and a committer of the right kind', () => {
    expect(decodeOffsetMetadata(JSON.stringify({ ...metadata, commitId: '7' }))).toBeNull()
    expect(decodeOffsetMetadata(JSON.stringify({ ...metadata, txnId: 7 }))).toBeNull()
  })

  it('has neither time, plan, topic nor end where none is written, or one that is no such thing', () => {
    const bare = { v: 1, commitId: 7, plan: 0, txnId: 'app-i-0', topicId: '', partitionTime: null, ended: null }
    expect(decodeOffsetMetadata('{"v":1,"commitId":7,"txnId":"app-i-0"}')).toEqual(bare)
    expect(
      decodeOffsetMetadata(JSON.stringify({ ...bare, partitionTime: 'soon', ended: true, plan: 'x', topicId: 3 })),
    ).toEqual(bare)
  })

  it('leaves out what a later version may add', () => {
    expect(decodeOffsetMetadata(JSON.stringify({ ...metadata, clocks: [1] }))).toEqual(metadata)
  })
})

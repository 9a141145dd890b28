import { describe, expect, it } from 'vitest'
import {
  decodePositions,
  encodePositions,
  type PositionsRow,
  positionsKey,
} from '../../../src/checkpoint/positions-row.ts'
import { metaKey } from '../../../src/checkpoint/store-meta.ts'
import { userKey } from '../../../src/state/row-format.ts'

describe('the positions row', () => {
  it('comes back as it was written', () => {
    const row: PositionsRow = {
      v: 1,
      commitId: 3,
      plan: 2,
      stores: ['counts', 'sums'],
      positions: { 'orders-0': 12, 'a-b-1': 2 ** 52 },
      partitionTimes: { 'orders-0': 1.7e12 },
      topicIds: { orders: 'id of orders', 'a-b': 'id of a-b' },
    }
    expect(decodePositions(encodePositions(row))).toEqual(row)
  })

  it('is read out of a larger buffer', () => {
    const row: PositionsRow = {
      v: 1,
      commitId: 1,
      plan: 1,
      stores: [],
      positions: {},
      partitionTimes: {},
      topicIds: {},
    }
    const within = Buffer.concat([Buffer.alloc(8), encodePositions(row)]).subarray(8)
    expect(decodePositions(within)).toEqual(row)
  })

  it('has a key that no user key can be, and another than the meta row', () => {
    expect(positionsKey.equals(userKey(Buffer.from('positions')))).toBe(false)
    expect(positionsKey.equals(userKey(Buffer.from('\u0000positions')))).toBe(false)
    expect(positionsKey.equals(metaKey)).toBe(false)
  })

  it('refuses bytes that no commit wrote', () => {
    expect(() => decodePositions(Buffer.from([1, 2, 3]))).toThrow(SyntaxError)
    expect(() => decodePositions(Buffer.from('{"v":2,"stores":[]}'))).toThrow(
      'expected a positions row of layout 1, found 2',
    )
    expect(() => decodePositions(Buffer.from('{"commitId":1}'))).toThrow('found none')
  })
})

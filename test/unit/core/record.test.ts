import { describe, expect, it } from 'vitest'
import { type Headers, header, headerValues, noHeaders } from '../../../src/core/record.ts'

const headers: Headers = [
  ['trace', Buffer.from('hop-1')],
  ['none', Buffer.from('before')],
  ['trace', Buffer.from('hop-2')],
  ['none', null],
  ['', Buffer.alloc(0)],
]

describe('the headers of a record', () => {
  it('give the last value of a name, null where that is null, and undefined where the name is not there', () => {
    expect(String(header(headers, 'trace'))).toBe('hop-2')
    expect(header(headers, 'none')).toBeNull()
    expect(header(headers, '')).toHaveLength(0)
    expect([header(headers, 'length'), header(headers, 'Trace'), header(noHeaders, '')]).toEqual(
      Array(3).fill(undefined),
    )
  })

  it('give all values of a name in order', () => {
    expect(headerValues(headers, 'trace').map(String)).toEqual(['hop-1', 'hop-2'])
    expect(headerValues(headers, 'none')).toEqual([Buffer.from('before'), null])
    expect(headerValues(headers, 'absent')).toEqual([])
  })

  it('are one shared list where there are none, which nobody can add to', () => {
    expect(Object.isFrozen(noHeaders)).toBe(true)
    expect(noHeaders).toHaveLength(0)
  })
})

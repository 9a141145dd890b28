import { describe, expect, it } from 'vitest'
import { structured, text } from '../../../src/index.ts'
import { serialized } from '../../../src/serde/serialized.ts'

describe('the bytes of a value', () => {
  it('are what the serde gives', () => {
    expect(serialized(text, 'word', 'key', 'the topic words')).toEqual(text.serialize('word'))
  })

  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    ['text', 'string'],
    [[1, 2], 'object'],
  ])('are not %o, which would be written as something else', (given, named) => {
    const odd = { ...text, serialize: () => given as unknown as Uint8Array }
    expect(() => serialized(odd, 'word', 'value', 'the topic words')).toThrow(
      expect.objectContaining({
        code: 'RECORD_SERIALIZATION',
        message: expect.stringContaining(
          `a value for the topic words cannot be written as text: its serialize gave ${named}, and bytes are expected`,
        ),
      }),
    )
  })

  it('are refused for undefined, whatever the serde makes of it', () => {
    expect(() => serialized(structured(), undefined, 'value', 'the topic words')).toThrow(
      expect.objectContaining({
        code: 'RECORD_SERIALIZATION',
        message:
          'a value for the topic words cannot be written as structured: undefined is no value; give one, or filter the record out',
      }),
    )
  })

  it('are for the serde to refuse for null, and the message says what holds it', () => {
    expect(() => serialized(text, null, 'value', 'the topic words')).toThrow(
      expect.objectContaining({
        code: 'RECORD_SERIALIZATION',
        message:
          'a value for the topic words cannot be written as text: serde text: expected a string, found null; give the serde of its type. nullable(text) writes null as a record without a value; or filter null out before it',
      }),
    )
    expect(serialized(structured(), null, 'value', 'the topic words')).toEqual(Buffer.from('null'))
  })

  it('are refused with what the serde threw', () => {
    const cause = new Error('too long')
    const failing = {
      ...text,
      serialize: () => {
        throw cause
      },
    }
    expect(() => serialized(failing, 'word', 'key', 'the store s')).toThrow(
      expect.objectContaining({ code: 'RECORD_SERIALIZATION', cause, message: expect.stringContaining('too long') }),
    )
  })
})

import { describe, expect, test } from 'vitest'
import { kafkaError, kafkaErrorName } from '../../../src/protocol/kafka-errors.ts'

describe('an error number of Kafka', () => {
  test('is printed with its name', () => {
    expect(kafkaErrorName(kafkaError.ILLEGAL_GENERATION)).toBe('ILLEGAL_GENERATION (22)')
    expect(kafkaErrorName(0)).toBe('NONE (0)')
  })

  test('that is not known is printed all the same', () => {
    expect(kafkaErrorName(9999)).toBe('UNKNOWN_ERROR (9999)')
  })

  test('has one name only', () => {
    const codes = Object.values(kafkaError)
    expect(new Set(codes).size).toBe(codes.length)
  })
})

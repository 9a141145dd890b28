import { describe, expect, it } from 'vitest'
import { parseBrokers, parseListenAddress } from '../../../src/cli/address.ts'

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1:9092', '127.0.0.1', 9092],
    ['localhost:1', 'localhost', 1],
    ['[::1]:9092', '::1', 9092],
    [':9092', '127.0.0.1', 9092],
    ['65535', '127.0.0.1', 65_535],
  ])('reads %s', (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port })
  })

  it.each(['', 'localhost', 'localhost:', ':0', '65536', 'a:b', '::1:9092', '[localhost]:9092', 'a b:9092', '1.5'])(
    'refuses %j',
    (text) => {
      expect(parseListenAddress(text)).toBeNull()
    },
  )
})

describe('a list of brokers', () => {
  it('is one, or several with commas and spaces between them', () => {
    expect(parseBrokers('kafka:9092')).toEqual(['kafka:9092'])
    expect(parseBrokers('a:9092, b:9093 ,10.0.0.1:9094')).toEqual(['a:9092', 'b:9093', '10.0.0.1:9094'])
  })

  it.each(['', 'kafka', 'kafka:', ':9092', 'a:9092,', 'a:9092,b', 'a:0', 'a:65536', 'http://a:9092', 'a b:9092'])(
    'refuses %j',
    (text) => {
      expect(parseBrokers(text)).toBeNull()
    },
  )
})

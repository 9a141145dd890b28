import { describe, expect, test } from 'vitest'
import {
  beginResponseFrame,
  encodeRequestFrame,
  hasResponseTags,
  readRequestHeader,
  skipTags,
} from '../../../src/protocol/frame.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { heartbeat } from '../../../src/protocol/messages/group.ts'
import { WireReader } from '../../../src/protocol/wire-reader.ts'
import { WireWriter } from '../../../src/protocol/wire-writer.ts'

const malformed = expect.objectContaining({ code: 'WIRE_MALFORMED' })

describe('a request frame', () => {
  const body = Buffer.from('beef', 'hex')

  test('has key, version, correlation id and client id before a classic body', () => {
    const header = { apiKey: 12, apiVersion: 3, correlationId: 7, clientId: 'ümlaut' }
    const frame = encodeRequestFrame(heartbeat, header, body)
    expect(frame.toString('hex')).toBe('000c' + '0003' + '00000007' + '0007' + 'c3bc6d6c617574' + 'beef')
    const reader = new WireReader(frame)
    expect(readRequestHeader(reader)).toEqual(header)
    expect(reader.remaining).toBe(2)
  })

  test('has an empty tag section before a flexible body, and a client id of classic form still', () => {
    const header = { apiKey: 12, apiVersion: 4, correlationId: -1, clientId: null }
    const frame = encodeRequestFrame(heartbeat, header, body)
    expect(frame.toString('hex')).toBe('000c' + '0004' + 'ffffffff' + 'ffff' + '00' + 'beef')
    const reader = new WireReader(frame)
    expect(readRequestHeader(reader)).toEqual(header)
    skipTags(reader)
    expect(reader.remaining).toBe(2)
  })

  test('is refused when it ends within its header', () => {
    const header = { apiKey: 12, apiVersion: 4, correlationId: 1, clientId: 'client' }
    const frame = encodeRequestFrame(heartbeat, header, Buffer.alloc(0))
    for (let length = 0; length < frame.length; length++) {
      const reader = new WireReader(frame.subarray(0, length))
      expect(() => {
        readRequestHeader(reader)
        skipTags(reader)
      }).toThrow(malformed)
    }
  })
})

describe('a response frame', () => {
  const begun = (version: number): string => {
    const writer = new WireWriter()
    beginResponseFrame(writer, heartbeat, version, 258)
    return writer.finish().toString('hex')
  }

  test('begins with the correlation id, in flexible versions with an empty tag section, too', () => {
    expect(begun(3)).toBe('00000102')
    expect(begun(4)).toBe('00000102' + '00')
  })

  test('of ApiVersions never has a tag section, so that a client can read it before it knows the broker', () => {
    expect(apiVersions.flexibleSince).toBeLessThanOrEqual(apiVersions.maxVersion)
    expect(hasResponseTags(apiVersions, apiVersions.maxVersion)).toBe(false)
    expect(hasResponseTags(heartbeat, heartbeat.maxVersion)).toBe(true)
  })
})

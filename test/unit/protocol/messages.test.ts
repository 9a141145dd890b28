import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { VersionedCodec } from '../../../src/protocol/api.ts'
import { apiOf, apis } from '../../../src/protocol/apis.ts'
import { WireReader } from '../../../src/protocol/wire-reader.ts'
import {
  factLines,
  fullSample,
  type MessageFact,
  messageFacts,
  messageValues,
  plain,
  withFallbacks,
} from '../../support/kafka-facts.ts'
import { runs } from '../../support/seed.ts'

/*
 * Two witnesses that owe nothing to our descriptions: kafka-messages.txt holds what Kafka's own classes write for every
 * API in every version, kafka-fields.txt what its message definitions say of each field. The first finds wrong orders,
 * types and versions, the second wrong fallbacks and nulls, over generated values.
 */

const facts = messageFacts()

function codecOf(fact: MessageFact): VersionedCodec<unknown, unknown> {
  const description = apiOf(fact.key)
  if (!description) throw new Error(`no description of ${fact.api}`)
  return description[fact.direction] as VersionedCodec<unknown, unknown>
}

const versionsOf = (fact: MessageFact): number[] =>
  Array.from({ length: fact.versions.to - fact.versions.from + 1 }, (_, i) => fact.versions.from + i)

const kafkaBytes = new Map(
  factLines('kafka-messages.txt').map((line) => {
    const [api, direction, version, form, hex] = line.split(' ') as string[]
    return [`${api} ${direction} ${version} ${form}`, hex as string]
  }),
)

/** Two readings of ours differ from Kafka's: no list means all topics in Metadata 0, too; a topic without name has the empty one. */
function asWeReadIt(name: string, version: number, value: Record<string, unknown>): Record<string, unknown> {
  const topics = value['topics'] as { name: string | null }[] | null
  if (name === 'Metadata request' && version === 0 && topics?.length === 0) return { ...value, topics: null }
  if (name !== 'Metadata response' || topics === null) return value
  return { ...value, topics: topics.map((topic) => ({ ...topic, name: topic.name ?? '' })) }
}

describe('the descriptions of the APIs', () => {
  test('have the keys, versions and flexible versions of Kafka', () => {
    const described = apis.map(({ key, name, minVersion, maxVersion, flexibleSince }) => ({
      key,
      name,
      minVersion,
      maxVersion,
      flexible: flexibleSince <= maxVersion ? flexibleSince : 'never',
    }))
    const known = facts
      .filter(({ direction }) => direction === 'request')
      .map(({ key, api: name, versions: { from: minVersion, to: maxVersion }, flexibleSince }) => ({
        key,
        name,
        minVersion,
        maxVersion,
        flexible: flexibleSince <= maxVersion ? flexibleSince : 'never',
      }))
    expect(described).toEqual(known)
    expect(apis.map(({ key }) => key)).toEqual(apis.map(({ key }) => key).sort((a, b) => a - b))
  })
})

describe.each(facts.map((fact) => [`${fact.api} ${fact.direction}`, fact] as const))('%s', (name, fact) => {
  const codec = codecOf(fact)

  test('is written and read as Kafka writes it, in every version', () => {
    for (const version of versionsOf(fact)) {
      const sample = fullSample(fact.fields, version)
      const hex = kafkaBytes.get(`${name} ${version} full`)
      expect(codec.encode(version, sample).toString('hex'), `version ${version}`).toBe(hex)
      const reader = new WireReader(Buffer.from(hex as string, 'hex'))
      const read = codec.read(version, reader)
      expect(plain(read), `version ${version}`).toEqual(withFallbacks(fact.fields, version, sample))
      expect(reader.remaining, `bytes left of version ${version}`).toBe(0)
    }
  })

  test('takes null where Kafka writes it', () => {
    for (const version of versionsOf(fact)) {
      const hex = kafkaBytes.get(`${name} ${version} nulls`)
      if (hex === undefined) continue
      const read = codec.decode(version, Buffer.from(hex, 'hex'))
      expect(codec.encode(version, read).toString('hex'), `version ${version}`).toBe(hex)
    }
  })

  test('gives generated values back, with the fallbacks of what a version lacks', () => {
    for (const version of versionsOf(fact)) {
      fc.assert(
        fc.property(messageValues(fact.fields, version), (value) => {
          const read = plain(codec.decode(version, codec.encode(version, value)))
          expect(read).toEqual(asWeReadIt(name, version, withFallbacks(fact.fields, version, value)))
        }),
        runs(15),
      )
    }
  })
})

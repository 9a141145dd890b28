import { int64, type PipelineBuilder, pipeline, structured, text, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { type Manifest, manifestOf } from '../../../src/topology/manifest.ts'
import { emptySource, forgetfulSink } from '../../support/connectors.ts'

const counts = topic('counts', { key: text, value: int64 })

function build({ stream }: PipelineBuilder): void {
  const table = stream(emptySource('texts'))
    .keyBy('word', (line) => line)
    .count('words')
  table.to(counts)
  table.updates().to(forgetfulSink('screen'))
}

async function manifest(
  of: (builder: PipelineBuilder) => void = build,
  partitions?: Map<string, number>,
): Promise<Manifest> {
  return manifestOf(await pipeline('p', (builder) => of(builder)).build(), 'app', partitions)
}

describe('a manifest', () => {
  it('names what outlives a process, with encodings and partitions', async () => {
    const partitions = new Map([
      ['counts', 4],
      ['app-word-repartition', 3],
    ])
    expect(await manifest(build, partitions)).toEqual({
      format: 1,
      pipeline: 'p',
      appId: 'app',
      subtopologies: [
        { kind: 'source', reads: ['texts'], stores: [] },
        { kind: 'processing', reads: ['app-texts-ingest'], stores: [] },
        { kind: 'processing', reads: ['app-word-repartition'], stores: ['words'] },
        { kind: 'sink', reads: ['app-screen-egress'], stores: [] },
      ],
      topics: [
        { name: 'app-screen-egress', role: 'egress', key: 'text', value: 'int64' },
        { name: 'app-texts-ingest', role: 'ingest', key: 'nothing', value: 'text' },
        { name: 'app-texts-positions', role: 'positions', key: 'text', value: 'json' },
        { name: 'app-word-repartition', role: 'repartition', key: 'text', value: 'presence', partitions: 3 },
        { name: 'app-words-changelog', role: 'changelog', key: 'text', value: 'int64' },
        { name: 'counts', role: 'output', key: 'text', value: 'int64', partitions: 4 },
      ],
      stores: [{ name: 'words', key: 'text', value: 'int64' }],
      hash: expect.stringMatching(/^[0-9a-f]{8}$/),
    })
  })

  it('is plain data: JSON keeps it', async () => {
    const written = await manifest()
    expect(JSON.parse(JSON.stringify(written))).toEqual(written)
  })

  it('has the hash of its plan: the same for the same, another for another', async () => {
    const { hash } = await manifest()
    expect((await manifest()).hash).toBe(hash)
    const others: ((builder: PipelineBuilder) => void)[] = [
      ({ stream }) =>
        stream(emptySource('texts'))
          .keyBy('word', (line) => line)
          .count('words')
          .to(counts),
      ({ stream }) =>
        stream(emptySource('texts'))
          .keyBy('word', (line) => line)
          .count('others')
          .to(counts),
      ({ stream }) => {
        const words = stream(emptySource('texts')).keyBy('word', (line) => line)
        words
          .aggregate(
            'words',
            () => 0,
            (n) => n + 1,
          )
          .to(topic('counts', { key: text, value: structured<number>() }))
      },
    ]
    const hashes = await Promise.all(others.map(async (other) => (await manifest(other)).hash))
    expect(new Set([hash, ...hashes]).size).toBe(4)
  })
})

import { int32, int64, json, type PipelineBuilder, pipeline, structured, text, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { refuseInternalTopics } from '../../../src/topology/validate.ts'
import { emptySource, forgetfulSink, keyedSource } from '../../support/connectors.ts'

const lines = topic('lines', { key: text, value: text })
const copy = topic('copy', { key: text, value: text })

async function refusal(build: (builder: PipelineBuilder) => void, name = 'app'): Promise<string> {
  const error = await pipeline(name, (builder) => {
    build(builder)
  })
    .build()
    .then(
      () => new Error('the plan was accepted'),
      (thrown: unknown) => thrown as Error,
    )
  expect(error).toMatchObject({ name: 'StreamError', code: 'PLAN_INVALID' })
  return error.message
}

describe('a plan is refused', () => {
  it('when it reads nothing', async () => {
    expect(await refusal(() => {})).toBe(
      'pipeline app: expected a stream to begin with, found none; call stream(...) in its build function',
    )
  })

  it('when a stream leads nowhere', async () => {
    expect(await refusal(({ stream }) => void stream(lines))).toBe(
      'stream(lines): expected something to be done with its records, found nothing; use it or leave it out',
    )
  })

  it('when two stores have one name', async () => {
    const message = await refusal(({ stream }) => {
      stream(lines).count('n')
      stream(copy).count('n')
    })
    expect(message).toBe('store n: expected a name of its own, found it given twice; rename one of the two stores')
  })

  it('when two keyBy have one name', async () => {
    const message = await refusal(({ stream }) => {
      stream(lines)
        .keyBy('w', (w) => w)
        .count('a')
      stream(copy)
        .keyBy('w', (w) => w)
        .count('b')
    })
    expect(message).toContain('repartition w: expected a name of its own')
  })

  it('when two connectors have one name', async () => {
    expect(
      await refusal(({ stream }) => {
        stream(emptySource('texts')).to(forgetfulSink('a'))
        stream(emptySource('texts')).to(forgetfulSink('b'))
      }),
    ).toContain('connector texts: expected a name of its own')
    expect(await refusal(({ stream }) => stream(emptySource('x')).to(forgetfulSink('x')))).toContain('connector x:')
  })

  it.each(['', 'a b', 'a/b', 'ü', '.', '..', 'x'.repeat(201)])('when a name is %j', async (name) => {
    const expected = "expected a name of 1 to 200 letters, digits, '.', '_' or '-'"
    expect(await refusal(({ stream }) => stream(lines).count(name))).toContain(`store: ${expected}`)
    expect(await refusal(({ stream }) => stream(lines).count('n'), name)).toContain(`pipeline: ${expected}`)
    const named = topic(name, { key: text, value: text })
    expect(await refusal(({ stream }) => stream(named).to(copy))).toContain(`topic: ${expected}`)
    expect(await refusal(({ stream }) => stream(emptySource(name)).to(forgetfulSink('s')))).toContain('connector: ')
  })

  it('when the name of an internal topic would be too long for Kafka', async () => {
    const message = await refusal(({ stream }) => stream(lines).count('n'.repeat(200)), 'a'.repeat(60))
    expect(message).toContain('expected at most 249 characters, found 271; shorten the application id or the name')
  })

  it('when it reads or writes an internal topic of its own', async () => {
    const changelog = topic('app-n-changelog', { key: text, value: int64 })
    expect(
      await refusal(({ stream }) => {
        stream(lines).count('n')
        stream(changelog).to(topic('out', { key: text, value: int64 }))
      }),
    ).toBe(
      `topic app-n-changelog: expected a topic of the user's, found the changelog topic of "n", which is the engine's own; use the stream or table in place, or to(...) a topic`,
    )
    const ingest = topic('app-texts-ingest', { key: text, value: text })
    const source = keyedSource('texts', text)
    expect(await refusal(({ stream }) => stream(source).to(ingest))).toContain('found the ingest topic of "texts"')
  })

  it('when it names an internal topic of the application id that it runs under', async () => {
    const build = ({ stream }: PipelineBuilder): void =>
      stream(lines)
        .count('n')
        .to(topic('other-n-changelog', { key: text, value: int64 }))
    const plan = await pipeline('app', build).build()
    expect(() => refuseInternalTopics(plan, 'other')).toThrow('other-n-changelog')
    refuseInternalTopics(plan, 'third')
  })

  it('when a topic is read with two encodings, or two schemas over one', async () => {
    const message = await refusal(({ stream }) => {
      stream(lines).count('a')
      stream(topic('lines', { key: text, value: structured<string>() })).count('b')
    })
    expect(message).toBe(
      "stream(lines): expected one serde for a topic's keys and one for its values, found (text, text) and (text, structured) that differ; declare the topic once and read that",
    )
  })

  it.each([{ onDecodeError: 'skip' }, { onProcessError: 'skip' }, { until: 'end' }, { timestamp: () => 0 }] as const)(
    'when a topic is read with and without the options %j',
    async (options) => {
      const message = await refusal(({ stream }) => {
        stream(lines).count('a')
        stream(lines, options).count('b')
      })
      expect(message).toContain('stream(lines): expected the same options each time')
    },
  )

  it('when a topic is written in another encoding than it is read or written elsewhere', async () => {
    const other = topic('copy', { key: text, value: json<string>() })
    expect(
      await refusal(({ stream }) => {
        stream(lines).to(copy)
        stream(lines).to(other)
      }),
    ).toBe(
      'topic copy: expected one encoding of its keys and one of its values, found (text, text) and (text, json); declare the topic once',
    )
    expect(
      await refusal(({ stream }) => {
        stream(lines).to(other)
        stream(copy).count('n')
      }),
    ).toContain('topic copy: expected one encoding')
  })

  it('when a topic would be created in two ways', async () => {
    const message = await refusal(({ stream }) => {
      stream(lines).to(topic('out', { key: text, value: text, partitions: 2 }))
      stream(lines).to(topic('out', { key: text, value: text, config: { 'retention.ms': '1' } }))
    })
    expect(message).toBe(
      'topic out: expected one number of partitions and one config, found [2,{}] and ["any",{"retention.ms":"1"}]; declare the topic once',
    )
  })

  it.each([0, -1, 1.5, Number.NaN])('when a number of partitions is %d', async (partitions) => {
    const out = topic('out', { key: text, value: text, partitions })
    expect(await refusal(({ stream }) => stream(lines).to(out))).toContain(
      'topic out: expected a whole number of partitions',
    )
    expect(await refusal(({ stream }) => stream(emptySource('s', partitions)).to(forgetfulSink('x')))).toContain(
      'source s: expected',
    )
  })

  it('when records are grouped by a key that they never have', async () => {
    expect(await refusal(({ stream }) => stream(emptySource('texts')).count('n'))).toBe(
      'count in store n: expected records with a key to group by, found records that never have one; call keyBy first',
    )
  })

  it('when merged streams encode their keys differently, though their types agree', async () => {
    const coded = topic('coded', { key: json<string>(), value: text })
    expect(await refusal(({ stream }) => void stream(lines).merge(stream(coded)).count('n'))).toBe(
      "merge: expected the same encoding of keys on all sides, found text and json; call keyBy on one side with the other's serde",
    )
  })

  it('when a stream is merged with itself or with one of another pipeline', async () => {
    expect(
      await refusal(({ stream }) => {
        const line = stream(lines)
        line.merge(line).count('n')
      }),
    ).toContain('found itself')
    let leaked: ReturnType<PipelineBuilder['stream']> | undefined
    await pipeline('one', (builder) => {
      leaked = builder.stream(lines) as typeof leaked
      leaked
        ?.map(() => 1)
        .to(topic('ones', { key: structured<unknown & {}>(), value: structured<unknown & {}>() }) as never)
    }).build()
    expect(
      await refusal(({ stream }) =>
        stream(lines)
          .merge(leaked as never)
          .count('n'),
      ),
    ).toContain('another pipeline')
    expect(() => leaked?.map(() => 1)).toThrow('within its build function')
  })

  it('when records would go round in a circle', async () => {
    expect(await refusal(({ stream }) => stream(lines).to(lines))).toBe(
      'pipeline app: expected records to go one way, found that what reads lines leads back to it; write to another topic, or make it two pipelines',
    )
    expect(
      await refusal(({ stream }) => {
        stream(lines).to(copy)
        stream(copy).to(lines)
      }),
    ).toContain('what reads lines, copy leads back')
  })
})

describe('a plan is accepted', () => {
  it('with a store, a keyBy, a connector and a topic of one name: their topics have different ones', async () => {
    const plan = await pipeline('app', ({ stream }) => {
      stream(emptySource('x'))
        .keyBy('x', (l) => l.length, { key: int32 })
        .count('x')
        .to(topic('x', { key: int32, value: int64 }))
    }).build()
    expect(plan.subtopologies).toHaveLength(3)
  })
})

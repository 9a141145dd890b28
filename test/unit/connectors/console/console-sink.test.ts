import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type ConsoleSinkOptions, consoleSink } from '../../../../connectors/console/index.ts'
import { type ConnectorContext, noHeaders, type SinkRecord, type SinkWriter } from '../../../../src/connector/index.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { seededRandom } from '../../../../src/core/random.ts'
import { MemoryFileSystem } from '../../../../src/testing/memory-file-system.ts'
import { SteppedClock } from '../../../support/stepped-clock.ts'

const never = new AbortController().signal
const context: ConnectorContext = {
  clock: new SteppedClock(),
  random: seededRandom(1),
  files: new MemoryFileSystem(),
  logger: silentLogger,
  signal: never,
  follow: false,
}
const record = (key: unknown, value: unknown): SinkRecord<unknown, unknown> => ({
  id: 't/0/1',
  key,
  value,
  timestamp: 0,
  headers: noHeaders,
})

/** A stream whose reader takes a text only when told, or breaks. */
class Output extends Writable {
  text = ''
  private waiting: (() => void)[] = []
  private readonly reader: 'reads' | 'waits' | Error

  constructor(reader: 'reads' | 'waits' | Error = 'reads') {
    super({ decodeStrings: false, highWaterMark: 1 })
    this.reader = reader
  }

  override _write(chunk: string, _encoding: string, done: (error?: Error) => void): void {
    const take = () => {
      this.text += chunk
      done()
    }
    if (this.reader instanceof Error) done(this.reader)
    else if (this.reader === 'waits') this.waiting.push(take)
    else take()
  }

  take(): void {
    this.waiting.shift()?.()
  }
}

async function closed(output: Output): Promise<void> {
  if (!output.closed) await new Promise((resolve) => output.once('close', resolve))
}

async function open(options: ConsoleSinkOptions): Promise<SinkWriter<unknown, unknown>> {
  const sink = consoleSink('printed', options)
  if (sink.guarantee === 'transactional') throw new Error('a console keeps no offsets')
  return sink.open(0, context)
}

async function printed(
  format: ConsoleSinkOptions['format'],
  ...records: SinkRecord<unknown, unknown>[]
): Promise<string> {
  const output = new Output()
  const writer = await open({ output, ...(format ? { format } : {}) })
  await writer.write(records, never)
  await writer.flush(never)
  await writer.close()
  return output.text
}

describe('console sink', () => {
  it('prints key and value with a tab between them, texts as they are and all else as JSON', async () => {
    expect(await printed(undefined, record('word', 3), record(null, 'größe'), record(1n, { a: [1n, null] }))).toBe(
      'word\t3\nnull\tgröße\n1\t{"a":[1,null]}\n',
    )
  })

  it('lets no record break its line or speak to the terminal', async () => {
    expect(await printed('text', record('a\tb', 'one\ntwo\r\u001b[31m\u009b\u007f'))).toBe(
      'a\\tb\tone\\ntwo\\r\\x1b[31m\\x9b\\x7f\n',
    )
  })

  it('prints JSON lines, with the nearest form for what JSON lacks', async () => {
    const lines = await printed(
      'json',
      record('w', 2n ** 53n),
      record(2n ** 53n - 1n, Number.NaN),
      record(null, { at: new Date(0), bytes: Uint8Array.of(1, 2), map: new Map([['k', 1n]]), set: new Set([1]) }),
      record('quote"\n', undefined),
    )
    expect(
      lines
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { key: 'w', value: '9007199254740992' },
      { key: 9007199254740991, value: 'NaN' },
      { key: null, value: { at: '1970-01-01T00:00:00.000Z', bytes: 'AQI=', map: [['k', 1]], set: [1] } },
      { key: 'quote"\n', value: null },
    ])
  })

  it('prints lines of the user', async () => {
    expect(await printed(({ key, value }) => `${key} = ${value}`, record('a', 1), record('b', 2))).toBe(
      'a = 1\nb = 2\n',
    )
  })

  it('waits until what it wrote is out', async () => {
    const output = new Output('waits')
    const writer = await open({ output })
    let isOut = false
    const write = writer.write([record('a', 1)], never).then(() => {
      isOut = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isOut).toBe(false)
    output.take()
    await write
    expect(output.text).toBe('a\t1\n')
    await writer.close()
  })

  it('stops waiting when the job stops', async () => {
    const stop = new AbortController()
    const writer = await open({ output: new Output('waits') })
    const write = writer.write([record('a', 1)], stop.signal)
    stop.abort(new Error('the job stops'))
    await expect(write).rejects.toThrow('the job stops')
    await expect(writer.write([record('b', 1)], stop.signal)).rejects.toThrow('the job stops')
    await writer.close()
  })

  it('drops the rest quietly when the reader is gone', async () => {
    const output = new Output(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    const writer = await open({ output })
    await writer.write([record('a', 1)], never)
    await closed(output)
    await writer.write([record('b', 2)], never)
    await writer.close()
    expect(output.destroyed).toBe(true)
  })

  it('fails when the output fails otherwise', async () => {
    const output = new Output(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
    const writer = await open({ output })
    await expect(writer.write([record('a', 1)], never)).rejects.toMatchObject({ code: 'SINK_FAILED' })
    await closed(output)
    await writer.close()
  })

  it('listens to its output once, however many partitions it has, and not after they closed', async () => {
    const output = new Output()
    const sink = consoleSink('printed', { output })
    const before = output.listenerCount('error')
    const writers = await Promise.all(Array.from({ length: 20 }, (_, partition) => sink.open(partition, context)))
    expect(output.listenerCount('error')).toBe(before + 1)
    for (const writer of writers) {
      await writer.close()
      await writer.close()
    }
    expect(output.listenerCount('error')).toBe(before)
  })
})

import {
  cell,
  jsonLine,
  type SinkConnector,
  type SinkRecord,
  TextOutput,
  type TextStream,
} from '../../src/connector/index.ts'

/** How {@link consoleSink} writes, and where. */
export interface ConsoleSinkOptions {
  /** `text` (default): `key<TAB>value`; `json`: `{"key":...,"value":...}`; or a line of your own, without its end. */
  readonly format?: 'text' | 'json' | ((record: SinkRecord<unknown, unknown>) => string)
  /** Default `process.stdout`. */
  readonly output?: TextStream
}

/**
 * Prints records, a line each. At least once: after a crash the last lines may come again. When the reader of the
 * output goes away, the rest is dropped and the job goes on.
 */
export function consoleSink(name: string, options: ConsoleSinkOptions = {}): SinkConnector<unknown, unknown> {
  const { format = 'text' } = options
  const line = format === 'text' ? asText : format === 'json' ? asJson : format
  let shared: TextOutput | null = null
  return Object.freeze<SinkConnector<unknown, unknown>>({
    kind: 'sink-connector',
    name,
    guarantee: 'at-least-once',
    async open() {
      shared ??= new TextOutput(options.output ?? process.stdout)
      const output = shared
      output.use()
      let isOpen = true
      return {
        write: (records, signal) => output.write(records.map((record) => `${line(record)}\n`).join(''), signal),
        // Each write has waited until it was out.
        flush: async () => {},
        async close() {
          if (isOpen) output.leave()
          isOpen = false
        },
      }
    },
  })
}

/** A record is one line with one tab, whatever it holds. */
function asText({ key, value }: SinkRecord<unknown, unknown>): string {
  return `${cell(key)}\t${cell(value)}`
}

function asJson({ key, value }: SinkRecord<unknown, unknown>): string {
  return jsonLine(key, value)
}

export type { TextStream } from '../../src/connector/index.ts'
export { type ConsoleSinkOptions, consoleSink } from './console-sink.ts'

export { type ConsoleSinkOptions, consoleSink } from './console-sink.ts'
export type { TextStream } from './text-output.ts'

export type { Clock } from '../core/clock.ts'
export { type ErrorCode, messageOf, StreamError, systemCodeOf } from '../core/errors.ts'
export type { FileSystem, FolderEntry, ReadableFile } from '../core/file-system.ts'
export type { Logger } from '../core/logger.ts'
export { cell, jsonLine } from '../core/printed.ts'
export type { Random } from '../core/random.ts'
export { type Header, type Headers, header, headerValues, noHeaders } from '../core/record.ts'
export { TextOutput, type TextStream } from '../core/text-output.ts'
export { nothing } from '../serde/nullable.ts'
export type { Serde } from '../serde/serde.ts'
export { text } from '../serde/text.ts'
export type { SinkConnector, SinkRecord, SinkWriter, TransactionalSinkWriter } from './sink.ts'
export type {
  ConnectorContext,
  DecodePolicy,
  Json,
  ReadResult,
  SourceConnector,
  SourceRecord,
  Split,
  SplitReader,
} from './source.ts'

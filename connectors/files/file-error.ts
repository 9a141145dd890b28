import { messageOf, StreamError, systemCodeOf } from '../../src/connector/index.ts'

/** What the system said about a file that was to be read, as an error with its remedy. */
export function fileError(error: unknown, path: string): StreamError {
  if (error instanceof StreamError) return error
  const code = systemCodeOf(error)
  const said = messageOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new StreamError(
      'FILE_NOT_FOUND',
      `${path} was there a moment ago and is not there now; put it back, or start again without it`,
      {
        path,
        cause: error,
      },
    )
  }
  const remedy =
    code === 'EACCES' || code === 'EPERM'
      ? 'let the user of this process read it, or leave it out'
      : code === 'EMFILE' || code === 'ENFILE'
        ? 'raise the limit of open files (ulimit -n)'
        : 'see to it that it can be read, or leave it out'
  return new StreamError('FILE_UNREADABLE', `${path} cannot be read; ${remedy} (${said})`, { path, cause: error })
}

/** The file at a path is not the one that was read, or has lost what was read. */
export function fileReplaced(path: string, offset: number, size: number): StreamError {
  const found = size < offset ? `it has ${size} bytes` : 'it begins with other bytes'
  return new StreamError(
    'FILE_REPLACED',
    `${path} was replaced: its first ${offset} bytes have been read before, and now ${found}; ` +
      "give new text a new name, put the old file back, or say replaced: 'ignore' to keep what was counted and read no more of it",
    { path, offset },
  )
}

/** A last line without an end was taken as a whole, and then it went on. */
export function lineContinued(path: string, offset: number): StreamError {
  return new StreamError(
    'FILE_LINE_CONTINUED',
    `${path} went on in the middle of a line: its last line had no end and was taken as whole up to byte ${offset}; ` +
      'end a line before adding to the file, or follow it, which waits for the end; put a line end at that byte to go on',
    { path, offset },
  )
}

/** A line that would not fit into a Kafka batch, or beyond what the user allowed. */
export function lineTooLong(path: string, offset: number, lineBytesMax: number): StreamError {
  return new StreamError(
    'FILE_LINE_TOO_LONG',
    `the line at byte ${offset} of ${path} is longer than ${lineBytesMax} bytes; is it text in lines? ` +
      "leave the file out, raise lineBytesMax, or say invalid: 'skip' to pass such lines over",
    { path, offset },
  )
}

/** A line that is not UTF-8. */
export function notText(path: string, offset: number): StreamError {
  return new StreamError(
    'RECORD_DESERIALIZATION',
    `the line at byte ${offset} of ${path} is not UTF-8 text; convert the file, leave it out, or say invalid: 'skip' to pass such lines over`,
    { path, offset },
  )
}

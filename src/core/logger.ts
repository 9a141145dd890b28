/** What a log line may carry beside its sentence. Values are printed with `String`. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/**
 * Where the engine says what happens. One sentence a call; the fields name the things in it.
 * Implementations must not throw.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

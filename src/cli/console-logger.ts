import type { LogFields, Logger } from '../core/logger.ts'
import { visible } from '../core/printed.ts'

/** Log lines as sentences for a person: warnings and errors always, the rest when asked for. */
export function consoleLogger(say: (line: string) => void, isVerbose: boolean): Logger {
  const line = (level: string) => (message: string, fields?: LogFields) =>
    say(`${level}: ${visible(message)}${tail(fields)}`)
  const quiet = (): void => undefined
  return {
    debug: isVerbose ? line('debug') : quiet,
    info: isVerbose ? line('info') : quiet,
    warn: line('warning'),
    error: line('error'),
  }
}

function tail(fields: LogFields | undefined): string {
  const said = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined && value !== null)
  return said.length === 0 ? '' : ` (${said.map(([name, value]) => `${name}: ${visible(String(value))}`).join(', ')})`
}

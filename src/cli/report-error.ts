import { messageOf, StreamError } from '../core/errors.ts'
import { visible } from '../core/printed.ts'

/**
 * What the user reads of an error: one line that names the thing and the remedy; where the fault is in the user's own
 * code, the place in it.
 *
 * @param withStack say everything, for who mends the engine
 */
export function errorText(error: unknown, withStack: boolean): string {
  if (withStack) return `error: ${stackOf(error)}`
  const place = userPlace(error)
  const hint = isOurs(error) ? '' : ' (MILLRACE_DEBUG=1 shows where)'
  return `error: ${visible(messageOf(error))}${place === null ? '' : ` (at ${place})`}${hint}`
}

/** By shape: a pipeline may bring a second copy of the package. */
const isOurs = (error: unknown): boolean =>
  error instanceof StreamError || (error instanceof Error && error.name === 'StreamError')

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error)
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

/** The first line of the stack that is neither the engine's nor a library's, for errors that user code threw. */
function userPlace(error: unknown): string | null {
  const code = error instanceof Error ? String((error as { code?: unknown }).code) : ''
  if (isOurs(error) && !/^(RECORD_|PIPELINE_INVALID)/.test(code)) return null
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isOurs(at)) continue
    for (const line of (at.stack ?? '').split('\n').slice(1)) {
      const [, place] = /[\s(]((?:file:\/\/)?\/[^()\s]+:\d+:\d+)\)?$/.exec(line) ?? []
      if (place && !/node_modules|\/dist\/src\/|\/src\/(operators|runtime)\//.test(place))
        return place.replace('file://', '')
    }
  }
  return null
}

import type { Api } from '../../protocol/api.ts'
import type { WireReader } from '../../protocol/wire-reader.ts'
import type { WireWriter } from '../../protocol/wire-writer.ts'
import type { ApiHandler, RequestContext, ServedRange, Services } from '../services.ts'

/** An answer that is ready to be written. */
export interface Answer {
  /** About how many bytes it has, so that a large one is written into a buffer of its size. */
  readonly sizeHint: number
  write(writer: WireWriter): void
}

/** An API that a broker serves, whatever its messages. */
export interface ServedApi extends ServedRange {
  /** Reads the message where the reader stands and serves it; null when no answer is due. */
  respond(services: Services, reader: WireReader, context: RequestContext): Promise<Answer | null>
}

/** Joins an API's description with what serves it. */
export function serve<Q, R>(
  description: Api<Q, never, unknown, R>,
  [minVersion, maxVersion]: readonly [number, number],
  handler: ApiHandler<Q, R>,
  details: { readonly advertisedMinVersion?: number; readonly sizeHint?: (response: R) => number } = {},
): ServedApi {
  return {
    description,
    minVersion,
    maxVersion,
    advertisedMinVersion: details.advertisedMinVersion ?? minVersion,
    async respond(services, reader, context) {
      const request = description.request.read(context.version, reader)
      const response = await handler(services, request, context)
      if (response === null) return null
      return {
        sizeHint: details.sizeHint?.(response) ?? 512,
        write: (writer) => description.response.write(context.version, writer, response),
      }
    },
  }
}

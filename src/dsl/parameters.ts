import { StreamError } from '../core/errors.ts'
import { formatIssues, type StandardSchema } from '../serde/standard-schema.ts'

/** What a pipeline is given from outside, by name: texts from `--set NAME=VALUE`, or any values from a program. */
export type Parameters = Readonly<Record<string, unknown>>

/**
 * Checks parameters and fills in what the schema says for those that are missing.
 *
 * @returns what the schema gives; without a schema nothing
 * @throws {StreamError} `PARAMETER_INVALID` names the parameters, and what is known
 */
export async function checkParameters(
  pipeline: string,
  schema: StandardSchema<unknown> | null,
  given: Parameters,
): Promise<unknown> {
  refuseUnknown(pipeline, schema === null ? [] : knownParameters(schema), given)
  if (schema === null) return undefined
  const result = await schema['~standard'].validate({ ...given })
  if (result.issues === undefined) return result.value
  throw new StreamError(
    'PARAMETER_INVALID',
    `pipeline ${pipeline}: expected parameters that its schema accepts, found ${formatIssues(result.issues)}; give them as --set NAME=VALUE (the schema gets text, and has to coerce it to anything else)`,
  )
}

/** The parameters that a schema knows, sorted; null where it does not show them or takes any. */
export function knownParameters(schema: StandardSchema<unknown>): readonly string[] | null {
  const fromJson = fromJsonSchema(schema)
  if (fromJson !== undefined) return fromJson
  // Schemas that JSON Schema cannot express still show their fields: `shape` in zod, `entries` in valibot.
  const { shape, entries } = schema as { readonly shape?: unknown; readonly entries?: unknown }
  const fields = shape ?? entries
  return typeof fields === 'object' && fields !== null ? Object.keys(fields).sort() : null
}

interface ShowsJsonSchema {
  readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => unknown }
}

/** @returns undefined where the schema has no JSON Schema form */
function fromJsonSchema(schema: StandardSchema<unknown>): readonly string[] | null | undefined {
  let shown: { readonly properties?: object; readonly additionalProperties?: unknown } | undefined
  try {
    const { jsonSchema } = schema['~standard'] as ShowsJsonSchema
    shown = jsonSchema?.input?.({ target: 'draft-2020-12' }) as typeof shown
  } catch {
    return undefined
  }
  if (typeof shown?.properties !== 'object') return undefined
  const takesAny = shown.additionalProperties !== undefined && shown.additionalProperties !== false
  return takesAny ? null : Object.keys(shown.properties).sort()
}

function refuseUnknown(pipeline: string, known: readonly string[] | null, given: Parameters): void {
  if (known === null) return
  const unknown = Object.keys(given).filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  const expected = known.length === 0 ? 'no parameters' : `the parameters ${known.join(', ')}`
  throw new StreamError(
    'PARAMETER_INVALID',
    `pipeline ${pipeline}: expected ${expected}, found ${unknown.join(', ')}; correct the name or leave it out`,
  )
}

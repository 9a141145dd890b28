import { messageOf, StreamError } from '../core/errors.ts'
import type { StandardSchema } from '../serde/standard-schema.ts'
import { describePlan } from '../topology/describe.ts'
import type { ErrorPolicy, StoreSpec } from '../topology/node.ts'
import type { Plan } from '../topology/plan.ts'
import { buildPlan } from '../topology/plan-builder.ts'
import { TopologyBuilder } from '../topology/topology-builder.ts'
import { checkedFunction, checkedKind, checkedSerde } from './checked.ts'
import { isHandle, streamOf } from './handle.ts'
import { checkParameters, type Parameters } from './parameters.ts'
import type { Queryables } from './query.ts'
import type { Stream } from './stream.ts'
import type { Source } from './topic.ts'

/** Marks a pipeline. A registered symbol, so that a second copy of the package knows it, too (X26). */
const brand = Symbol.for('millrace.pipeline')

/** How a stream reads. */
export interface StreamOptions<in V> {
  /** Event time of a value, epoch milliseconds. Default, and where there is no value or it is null: the record's own timestamp. */
  readonly timestamp?: (value: NonNullable<V>) => number
  /**
   * `end`: a job that does not follow reads a topic to the end that it has when the job starts, and then is done.
   * Default: a topic never ends. Source connectors know their own end.
   */
  readonly until?: 'end'
  /** What happens to a record whose bytes do not decode. Default `fail`. */
  readonly onDecodeError?: ErrorPolicy
  /** What happens to a record on which a function of the pipeline throws, rejects or takes too long. Default `fail`. */
  readonly onProcessError?: ErrorPolicy
}

/** What a build function gets. */
export interface PipelineBuilder {
  /** Reads a topic or a source connector. Called twice on one of them, both streams get all of its records. */
  stream<K, V>(source: Source<K, V>, options?: StreamOptions<V>): Stream<K, V>
}

/** A pipeline as a value: what it does is known when it is built, and nothing runs before a job does. */
export interface Pipeline<out Q = {}> {
  readonly [brand]: true
  /** The default application id. */
  readonly name: string
  /** The schema of its parameters, null when it takes none. */
  readonly parameters: StandardSchema<unknown> | null
  /**
   * Calls the build function, each time anew.
   *
   * @throws {StreamError} `PARAMETER_INVALID`, `PLAN_INVALID`, and `PIPELINE_INVALID` when the build function throws or
   * gives back what it must not
   */
  build(parameters?: Parameters): Promise<Plan>
  /** The plan as text: the same text for the same pipeline and parameters. */
  describe(parameters?: Parameters): Promise<string>
  /** Never set: what `job.store` knows. */
  readonly '~queryables'?: Q
}

// biome-ignore lint/suspicious/noConfusingVoidType: void is the type of a build function that returns nothing
type Returned = Queryables | void

/** What can be said of a pipeline beside its name. */
export interface PipelineOptions<out T> {
  /** Any Standard Schema (zod, valibot, arktype...); `parameters` in the build function is what it gives. */
  readonly parameters: StandardSchema<T>
}

/**
 * Declares a pipeline. `name` is the default application id and with it part of the names of its topics.
 *
 * The names under which the build function returns tables are those that `job.store` knows; the rest of the state
 * stays private.
 */
export function pipeline<Q extends Returned>(
  name: string,
  build: (builder: PipelineBuilder) => Q,
): Pipeline<Q extends Queryables ? Q : {}>
export function pipeline<T, Q extends Returned>(
  name: string,
  options: PipelineOptions<T>,
  build: (builder: PipelineBuilder & { readonly parameters: T }) => Q,
): Pipeline<Q extends Queryables ? Q : {}>
export function pipeline(name: string, ...rest: readonly unknown[]): Pipeline {
  const build = rest.at(-1) as Build
  const schema = rest.length > 1 ? (rest[0] as PipelineOptions<unknown>).parameters : null
  const plan = async (given: Parameters = {}): Promise<Plan> =>
    planOf(name, build, await checkParameters(name, schema, given))
  return Object.freeze({
    [brand]: true as const,
    name,
    parameters: schema,
    build: plan,
    describe: async (given?: Parameters) => describePlan(await plan(given)),
  })
}

/** Whether a value is a pipeline, of this copy of the package or another. */
export function isPipeline(value: unknown): value is Pipeline {
  return typeof value === 'object' && value !== null && (value as Partial<Pipeline>)[brand] === true
}

type Build = (builder: PipelineBuilder & { readonly parameters: unknown }) => unknown

function planOf(name: string, build: Build, parameters: unknown): Plan {
  const builder = new TopologyBuilder(name)
  const stream: PipelineBuilder['stream'] = (source, options) => addSource(builder, source, options)
  return buildPlan(
    builder.close(
      storesOf(
        name,
        returnedBy(name, () => build({ stream, parameters })),
      ),
    ),
  )
}

function returnedBy(name: string, build: () => unknown): unknown {
  try {
    return build()
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'StreamError') throw cause
    const message = `pipeline ${name}: expected its build function to return, found that it throws: ${messageOf(cause)}; mend it`
    throw new StreamError('PIPELINE_INVALID', message, { cause })
  }
}

function addSource<K, V>(
  builder: TopologyBuilder,
  source: Source<K, V>,
  { timestamp, until, onDecodeError = 'fail', onProcessError = 'fail' }: StreamOptions<V> = {},
): Stream<K, V> {
  const { name, key, value } = checkedKind('stream', source, ['topic', 'source-connector'])
  checkedSerde(`stream(${name}): key`, key)
  checkedSerde(`stream(${name}): value`, value)
  if (timestamp !== undefined) checkedFunction(`stream(${name}): timestamp`, timestamp)
  const extractor = timestamp === undefined ? {} : { timestamp: timestamp as (value: unknown) => number }
  const errors = { decode: onDecodeError, process: onProcessError }
  const base = { inputs: [], key, value, ...extractor, errors }
  const node =
    source.kind === 'topic'
      ? builder.add({ kind: 'topic-source', ...base, topic: source, ...(until === undefined ? {} : { until }) })
      : builder.add({
          kind: 'connector-source',
          ...base,
          source: { name, key, value, partitions: source.partitions ?? 4, connector: source },
        })
  return streamOf<K, V>(builder, node)
}

function storesOf(name: string, returned: unknown): ReadonlyMap<string, StoreSpec> {
  if (returned === undefined || returned === null) return new Map()
  const refuse = (found: string): never => {
    throw new StreamError(
      'PIPELINE_INVALID',
      `pipeline ${name}: expected its build function to return tables by name, found ${found}; return { name: table }, or nothing`,
    )
  }
  if (typeof returned !== 'object') return refuse(`a ${typeof returned}`)
  if (isHandle(returned)) return refuse('a stream or table without a name')
  if (typeof (returned as { then?: unknown }).then === 'function') return refuse('a promise (is it async?)')
  return new Map(
    Object.entries(returned as Partial<Queryables>).map(([queryable, table]) => {
      const spec = table?.['~store']?.spec
      return [queryable, spec ?? refuse(`${queryable}, which has no store`)]
    }),
  )
}

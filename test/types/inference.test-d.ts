import {
  bigint64,
  collect,
  count,
  first,
  type Headers,
  header,
  headerValues,
  int32,
  int64,
  json,
  last,
  max,
  min,
  nullable,
  type Pipeline,
  pipeline,
  type ReadOnlyKeyValueStore,
  type Serde,
  type Stream,
  structured,
  sum,
  type Table,
  type Topic,
  text,
  textOf,
  topic,
} from 'millrace'
import type { SinkConnector, SourceConnector } from 'millrace/connector'
import { defer, filter, map, mergeMap, type Observable, take } from 'rxjs'
import { describe, test } from 'vitest'
import { z } from 'zod'
import type { StoreOf } from '../../src/dsl/query.ts'
import { is } from './is.ts'

type UserId = string & { readonly __brand: 'UserId' }
type Event =
  | { readonly type: 'click'; readonly user: UserId; readonly x: number }
  | { readonly type: 'view'; readonly user: UserId; readonly page: string }
  | { readonly type: 'error'; readonly user: UserId; readonly code: number }
interface Profile {
  readonly name: string
  readonly age: number
}

const events = topic('events', { key: textOf<UserId>(), value: json<Event>() })
const profiles = topic('profiles', { key: textOf<UserId>(), value: nullable(json<Profile>()) })

declare class Money {
  readonly currency: string
  readonly cents: bigint
  plus(other: Money): Money
}
declare const moneySerde: Serde<Money>
const money = topic('money', { key: text, value: moneySerde })

declare const lines: SourceConnector<null, string, { readonly offset: number }>
declare const printer: SinkConnector<unknown, unknown>

describe('topics', () => {
  test('have the types of their serdes', () => {
    is<Topic<UserId, Event>>()(events)
    is<Topic<UserId, Profile | null>>()(profiles)
    const order = z.object({ id: z.string().brand('OrderId'), cents: z.number(), note: z.string().optional() })
    is<Topic<bigint, z.output<typeof order>>>()(topic('orders', { key: bigint64, value: json(order) }))
  })

  test('may have recursive types', () => {
    interface Tree {
      readonly value: number
      readonly children: readonly Tree[]
    }
    type AnyJson = string | number | boolean | null | readonly AnyJson[] | { readonly [key: string]: AnyJson }
    interface Literal {
      readonly value: bigint
      readonly at: Date
    }
    interface Sum {
      readonly terms: readonly Term[]
      readonly named: ReadonlyMap<string, Term>
    }
    type Term = Literal | Sum
    is<Serde<Tree>>()(json<Tree>())
    is<Serde<{ readonly body: AnyJson; readonly tree: Tree }>>()(
      json<{ readonly body: AnyJson; readonly tree: Tree }>(),
    )
    is<Serde<Term>>()(structured<Term>())
  })
})

pipeline('proofs', ({ stream }) => {
  const event = stream(events)

  describe('streams', () => {
    test('have the types of what they read', () => {
      is<Stream<UserId, Event>>()(event)
      is<Stream<UserId, Profile | null>>()(stream(profiles))
      is<Stream<null, string>>()(stream(lines))
      stream(events, { timestamp: (e) => is<Event>()(e) ?? e.user.length })
    })

    test('show null where their topic is nullable, and where a function gave it', () => {
      is<Stream<UserId, number>>()(stream(profiles).map((p) => (p === null ? 0 : p.age)))
      stream(profiles).tap((p) => is<Profile | null>()(p))
      is<Stream<UserId, Profile>>()(stream(profiles).filter((p) => p !== null))
      is<Stream<UserId, number | null>>()(event.map((e) => (e.type === 'error' ? e.code : null)))
      stream(profiles, { timestamp: (p) => is<Profile>()(p) ?? 1 })
    })

    test('take a function of which nothing is known', () => {
      is<Stream<UserId, unknown>>()(event.map((e): unknown => e))
      event.map((e) => JSON.parse(e.user))
    })

    test('keep their key and take the type that a function gives', () => {
      is<Stream<UserId, number>>()(event.map((e) => e.user.length))
      is<Stream<UserId, string>>()(event.flatMap((e) => [e.user.toUpperCase()]))
      is<Stream<UserId, Event>>()(event.tap((e, key) => [is<Event>()(e), is<UserId>()(key)]))
    })

    test('are narrowed by a type guard that the compiler infers', () => {
      is<Stream<UserId, Extract<Event, { type: 'error' }>>>()(event.filter((e) => e.type === 'error'))
      is<Stream<UserId, Event>>()(event.filter((e) => e.user.length > 9))
    })

    test('take a new key from keyBy alone', () => {
      is<Stream<'click' | 'view' | 'error', Event>>()(event.keyBy('type', (e) => e.type))
      is<Stream<number, Event>>()(event.keyBy('length', (e) => e.user.length, { key: int32 }))
      is<Stream<'all', Event>>()(event.keyBy('all', () => 'all'))
      is<Stream<UserId, Event>>()(event.keyBy('user', (e) => e.user))
    })

    test('carry a value that no default serde keeps, with its own', () => {
      is<Stream<string, Money>>()(stream(money).keyBy('currency', (m) => m.currency, { key: text, value: moneySerde }))
    })

    test('go through RxJS operators with the types of the operators', () => {
      is<Stream<UserId, number>>()(
        event.pipe((event$) =>
          defer(() =>
            event$.pipe(
              take(1),
              map((e) => e.user.length),
            ),
          ),
        ),
      )
      is<Stream<null, string>>()(
        stream(lines).pipe(
          mergeMap((line) => line.toLowerCase().match(/\p{L}+/gu) ?? []),
          filter((word) => word.length > 1),
        ),
      )
      const next = map((n: number) => n + 1)
      const nine = stream(lines).pipe(map(Number), next, next, next, next, next, next, next, map(String))
      is<Stream<null, string>>()(nine)
    })

    test('merge into a stream of both', () => {
      is<Stream<UserId, Event | Profile | null>>()(event.merge(stream(profiles)))
    })

    test('of a narrower value are streams of the wider one, so that pipelines can be cut into functions', () => {
      const audit = (of: Stream<UserId, { readonly user: UserId }>): Stream<UserId, UserId> => of.map((e) => e.user)
      is<Stream<UserId, UserId>>()(audit(event))
    })

    test('go to topics and sinks of wider types', () => {
      event.to(topic('audit', { key: text, value: json<{ readonly user: string }>() }))
      event.to(printer)
      event.count('per-user').to(printer)
    })
  })

  describe('tables', () => {
    test('have the type of their state', () => {
      is<Table<UserId, number>>()(event.count('n'))
      is<Table<UserId, Event>>()(event.reduce('latest', (_state, e) => e))
      is<Table<UserId, { total: number }>>()(
        event.aggregate(
          'total',
          () => ({ total: 0 }),
          (state, e, key) => ({ total: state.total + e.user.length + key.length }),
        ),
      )
      is<Table<string, Money>>()(
        stream(money).aggregate(
          'sum',
          () => new Money(),
          (state, m) => state.plus(m),
          moneySerde,
        ),
      )
    })

    test('have one field for each aggregator', () => {
      is<
        Table<
          UserId,
          {
            n: number
            total: number
            big: bigint
            low: string
            high: bigint
            a: 'click' | 'view' | 'error'
            z: UserId
            all: string[]
            some: Event[]
          }
        >
      >()(
        event.aggregate('all', {
          n: count(),
          total: sum((e) => e.user.length),
          big: sum((e) => BigInt(e.user.length)),
          low: min((e): string => e.type),
          high: max(() => 1n),
          a: first((e) => e.type),
          z: last((e) => e.user),
          all: collect((e): string => e.type),
          some: collect((e) => e, { limit: 10 }),
        }),
      )
    })

    test('give their changes as a stream with deletes', () => {
      is<Stream<UserId, number | null>>()(event.count('m').updates())
      event
        .count('o')
        .updates()
        .to(topic('changes', { key: textOf<UserId>(), value: nullable(int64) }))
    })

    test('have neither null keys nor null values, and their folds are shown none', () => {
      const maybe = stream(topic('maybe', { key: nullable(text), value: nullable(int64) }))
      is<Stream<string | null, number | null>>()(maybe)
      is<Table<string, number>>()(maybe.count('a'))
      is<Table<string, number>>()(maybe.reduce('b', (sum, n, key) => is<number>()(n) ?? sum + n + key.length))
      is<Table<string, { n: number }>>()(maybe.aggregate('c', { n: sum((n) => n) }))
      is<Table<string, string>>()(
        maybe.aggregate(
          'd',
          () => '',
          (state, n, key) => (n > 0 ? state + key : null),
        ),
      )
    })
  })
})

describe('pipelines', () => {
  const counted = pipeline('counted', ({ stream }) => {
    const perUser = stream(events).count('per-user')
    const latest = stream(events)
      .keyBy('length', (e) => e.user.length, { key: int64 })
      .reduce('latest', (_, e) => e)
    return { perUser, latest }
  })
  type QueryablesOf<P> = P extends Pipeline<infer Q> ? Q : never

  test('know what their build function returns', () => {
    is<Pipeline<{ perUser: Table<UserId, number>; latest: Table<number, Event> }>>()(counted)
    is<Pipeline>()(pipeline('silent', ({ stream }) => stream(events).to(events)))
  })

  test('lead from a table to the store that a job answers with', () => {
    type Stores = { [N in keyof QueryablesOf<typeof counted>]: StoreOf<QueryablesOf<typeof counted>[N]> }
    const stores = {} as Stores
    is<ReadOnlyKeyValueStore<UserId, number>>()(stores.perUser)
    is<ReadOnlyKeyValueStore<number, Event>>()(stores.latest)
    is<Promise<Event | undefined>>()(stores.latest.get(5))
    is<Observable<number | undefined>>()(stores.perUser.watch('u' as UserId))
  })

  test('have parameters of the type that their schema gives', () => {
    const parameters = z.object({ output: z.string().default('out'), limit: z.coerce.number().optional() })
    pipeline('with-parameters', { parameters }, ({ stream, parameters }) => {
      is<{ output: string; limit?: number | undefined }>()(parameters)
      const table = stream(events).count('n')
      table.to(topic(parameters.output, { key: text, value: int64 }))
      return { table }
    })
  })
})

describe('headers', () => {
  test('are a list of names and bytes or null, looked up by name', () => {
    const headers: Headers = [
      ['trace', new Uint8Array(1)],
      ['trace', null],
    ]
    is<Uint8Array | null | undefined>()(header(headers, 'trace'))
    is<(Uint8Array | null)[]>()(headerValues(headers, 'trace'))
    // @ts-expect-error a Map is no list of headers
    const map: Headers = new Map([['trace', new Uint8Array(1)]])
    is<Headers>()(map)
  })
})

import {
  collect,
  int64,
  json,
  max,
  nullable,
  type Pipeline,
  pipeline,
  type Serde,
  type Stream,
  structured,
  sum,
  type Table,
  text,
  textOf,
  topic,
} from 'millrace'
import type { SinkConnector } from 'millrace/connector'
import { filter, map } from 'rxjs'
import { describe, test } from 'vitest'
import { z } from 'zod'
import type { StoreOf } from '../../src/dsl/query.ts'

type UserId = string & { readonly __brand: 'UserId' }
type ProductId = string & { readonly __brand: 'ProductId' }
interface Order {
  readonly id: string
  readonly user: UserId
  readonly product: ProductId
  readonly cents: number
  readonly warehouse: number
}
interface User {
  readonly name: string
  readonly tier: 'free' | 'gold'
}
interface Price {
  readonly cents: number
}

const orders = topic('orders', { key: textOf<UserId>(), value: json<Order>() })
const users = topic('users', { key: textOf<UserId>(), value: json<User>() })
const prices = topic('prices', { key: textOf<ProductId>(), value: json<Price>() })
const userCounts = topic('user-counts', { key: textOf<UserId>(), value: int64 })

declare class Money {
  readonly currency: string
  readonly cents: bigint
  plus(other: Money): Money
}
declare const moneySerde: Serde<Money>
const money = topic('money', { key: text, value: moneySerde })

declare const priceSink: SinkConnector<ProductId, Price>

const wrong = pipeline('wrong', ({ stream }) => {
  const order = stream(orders)

  describe('keyBy', () => {
    test('refuses a key that is not text without its serde', () => {
      // TS2322: Type 'number' is not assignable to type
      //   '{ 'this key is not text: give its serde, as in keyBy(name, fn, { key: int64 })': never; }'.
      // @ts-expect-error
      order.keyBy('warehouse', (o) => o.warehouse)
      // @ts-expect-error
      order.keyBy('any-object', (o) => ({ user: o.user, product: o.product }))
    })

    test('refuses a key that may be null', () => {
      // @ts-expect-error
      order.keyBy('maybe', (o) => (o.cents > 0 ? o.user : null))
    })

    test('refuses a value serde of another type', () => {
      // @ts-expect-error
      order.keyBy('warehouse', (o) => o.warehouse, { key: int64, value: json<User>() })
    })

    test('refuses a value serde of a narrower type', () => {
      // @ts-expect-error
      order.keyBy('warehouse', (o) => o.warehouse, { key: int64, value: json<Order & { extra: string }>() })
    })

    test('refuses a value that no default serde keeps: a class with methods would come back as a bare object', () => {
      // @ts-expect-error
      stream(money).keyBy('currency', (m) => m.currency)
    })

    test('refuses to go without a name', () => {
      // @ts-expect-error
      order.keyBy((o) => o.user)
    })
  })

  describe('streams and tables', () => {
    test('of branded keys are none of plain ones: else a function could group what must not meet', () => {
      // @ts-expect-error
      order satisfies Stream<string, Order>
      // @ts-expect-error
      order.count('per-user-3') satisfies Table<string, number>
    })
  })

  describe('merge', () => {
    test('refuses streams whose keys differ', () => {
      // TS2345: Argument of type 'Stream<ProductId, Price>' is not assignable to parameter of type
      //   '{ 'the keys differ: call keyBy on one side first': { readonly left: UserId; readonly right: ProductId; }; }'.
      // @ts-expect-error
      order.merge(stream(prices))
    })
  })

  describe('aggregates', () => {
    test('refuse to go without a name for their store', () => {
      // @ts-expect-error
      order.aggregate({ cents: sum((o) => o.cents) })
      // TS2554: Expected 1 arguments, but got 0.
      // @ts-expect-error
      order.count()
    })

    test('refuse a field that is not there', () => {
      // @ts-expect-error
      order.aggregate('spend', { cents: sum((o) => o.price) })
    })

    test('refuse to compare what has no order', () => {
      // @ts-expect-error
      order.aggregate('spend', { most: max((o) => ({ cents: o.cents })) })
    })

    test('refuse a limit that is no number', () => {
      // @ts-expect-error
      order.aggregate('spend', { all: collect((o) => o.id, { limit: '10' }) })
    })

    test('refuse a state that no default serde keeps', () => {
      order.aggregate(
        'handlers',
        // @ts-expect-error
        () => ({ run: () => 0 }),
        (state) => state,
      )
    })

    test('refuse a reduction to another type', () => {
      // @ts-expect-error
      order.reduce('cents', (total, o) => total.cents + o.cents)
    })
  })

  describe('to', () => {
    test('refuses a topic of another value type', () => {
      // @ts-expect-error
      order.to(users)
    })

    test('refuses a plain key into a topic with a branded one', () => {
      const perProduct = order.keyBy('product', (o): string => o.product).count('per-product')
      // @ts-expect-error
      perProduct.to(userCounts)
    })

    test('refuses null into a topic whose values are never null', () => {
      // @ts-expect-error
      order.map((o) => (o.cents > 0 ? { name: o.id, tier: 'free' as const } : null)).to(users)
      // @ts-expect-error
      order.count('per-user-2').updates().to(userCounts)
    })

    test('refuses what a promise will be', () => {
      // @ts-expect-error
      order.map(async (o) => o.cents).to(userCounts)
    })

    test('refuses a sink connector of other types', () => {
      // @ts-expect-error
      order.to(priceSink)
    })

    test('refuses a text in place of a topic', () => {
      // @ts-expect-error
      order.to('orders-copy')
    })
  })

  describe('functions', () => {
    test('refuse to give undefined, which a forgotten return gives', () => {
      // TS2322: Type 'void' is not assignable to type
      //   '{ 'a value is never undefined: give null on purpose, or filter the record out': never; }'.
      const forgets = (): void => {}
      // @ts-expect-error
      order.map(forgets)
      // @ts-expect-error
      order.map(() => undefined)
      // @ts-expect-error
      order.map((o) => (o.cents > 0 ? o : undefined))
      // @ts-expect-error
      order.flatMap((o) => [o.cents > 0 ? o : undefined])
      order.reduce(
        'forgets',
        // @ts-expect-error
        (_, o) => {
          o.cents
        },
      )
    })

    test('are not shown null where a topic is not nullable', () => {
      order.tap((o) => o.cents)
      const changes = order.count('per-user-5').updates()
      // TS18047: 'n' is possibly 'null'.
      // @ts-expect-error
      changes.tap((n) => n.toFixed())
    })
  })

  describe('sinks', () => {
    test('have to think of records without a key and without a value', () => {
      type Record = Parameters<
        Extract<Awaited<ReturnType<typeof priceSink.open>>, { flush: unknown }>['write']
      >[0][number]
      const record = {} as Record
      // @ts-expect-error
      record.value.cents
      // @ts-expect-error
      record.key.length
    })
  })

  describe('pipe', () => {
    test('refuses an RxJS operator over another type', () => {
      // biome-ignore format: the error has to stand on the next line
      // @ts-expect-error
      order.pipe(map((o) => o.cents), filter((c: string) => c.length > 0))
    })
  })

  describe('stream', () => {
    test('refuses a timestamp that is no number', () => {
      // @ts-expect-error
      stream(orders, { timestamp: (o) => o.id })
    })

    test('refuses an error policy that is not there', () => {
      // @ts-expect-error
      stream(orders, { onDecodeError: 'ignore' })
    })
  })

  return { perUser: order.count('per-user') }
})

describe('serdes', () => {
  test('refuse a type that JSON does not keep', () => {
    // TS2344: Type '{ id: string; at: Date; }' does not satisfy the constraint
    //   '{ id: string; at: "json reads a Date back as a string: use structured()"; }'.
    // @ts-expect-error
    json<{ id: string; at: Date }>()
    // @ts-expect-error
    json<{ total: bigint }>()
    // @ts-expect-error
    json(z.object({ at: z.date() }))
  })

  test('refuse a type that structured() does not keep', () => {
    // @ts-expect-error
    structured<{ money: Money }>()
    // @ts-expect-error
    structured<{ pattern: RegExp }>()
  })

  test('of nullable values are no serdes of plain ones', () => {
    // @ts-expect-error
    nullable(int64) satisfies Serde<number>
  })
})

describe('pipelines', () => {
  test('refuse to return a stream: it has no store to query', () => {
    // @ts-expect-error
    pipeline('returns-a-stream', ({ stream }) => ({ order: stream(orders) }))
  })

  test('refuse an asynchronous build function', () => {
    // @ts-expect-error
    pipeline('async', async ({ stream }) => ({ n: stream(orders).count('n') }))
  })

  test('refuse a parameter that is not in the schema', () => {
    pipeline('parameters', { parameters: z.object({ output: z.string() }) }, ({ stream, parameters }) => {
      // @ts-expect-error
      stream(orders).to(topic(parameters.outptu, { key: text, value: json<Order>() }))
    })
    pipeline('no-parameters', (builder) => {
      // @ts-expect-error
      builder.parameters
      builder.stream(orders).count('n')
    })
  })

  test('refuse queries of stores that they do not hand out, and of keys of another kind', () => {
    type Stores = typeof wrong extends Pipeline<infer Q> ? { [N in keyof Q]: StoreOf<Q[N]> } : never
    const stores = {} as Stores
    // @ts-expect-error
    stores.users
    // @ts-expect-error
    stores.perUser.get('u1')
  })
})

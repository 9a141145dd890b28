import type { StandingProcess } from './standing-process.ts'

/** What records must come to, whoever works on them: sums over all of them, modulo 2^64, so that their order does not matter. */
export interface Expected {
  readonly records: number
  /** Of key and value: what a pass-through must write. */
  readonly pairs: bigint
  /** Of the keys: what counts by key must come to, each key times its count. */
  readonly keys: bigint
  /** Of the keys that the re-key gives. */
  readonly others: bigint
}

/** Which digest an output is judged by. */
export type Digest = 'pairs' | 'keys' | 'others'

/** What two loads come to together. */
export function together(a: Expected, b: Expected): Expected {
  const sum = (one: bigint, other: bigint): bigint => BigInt.asUintN(64, one + other)
  return {
    records: a.records + b.records,
    pairs: sum(a.pairs, b.pairs),
    keys: sum(a.keys, b.keys),
    others: sum(a.others, b.others),
  }
}

/** What is wrong with an output; null when it is all there, once. */
export function faultOf(
  found: { readonly total: number; readonly digest: bigint },
  expected: Expected,
  digest: Digest,
): string | null {
  if (found.total !== expected.records) return `${found.total} of ${expected.records} records`
  const same = BigInt.asUintN(64, found.digest) === BigInt.asUintN(64, expected[digest])
  return same ? null : `${found.total} records, but not the right ones`
}

/** Who loads inputs and looks at outputs, under read_committed, with Kafka's own Java client: Judge.java. */
export class Judge {
  private readonly program: StandingProcess

  constructor(program: StandingProcess) {
    this.program = program
  }

  async create(topic: string): Promise<void> {
    await this.program.ask('create', topic)
  }

  /** Writes records to a topic that is there: number `from` and those behind it. Keys are drawn from so many. */
  async load(topic: string, records: number, keys: number, from: number): Promise<Expected> {
    const found = await this.program.ask('load', topic, records, keys, from)
    const digest = (name: Digest): bigint => BigInt(found[name] as string)
    return { records, pairs: digest('pairs'), keys: digest('keys'), others: digest('others') }
  }

  /** Waits until an output is whole, or nothing comes any more. @returns when it last moved, epoch milliseconds */
  async watch(topic: string, expected: Expected, digest: Digest): Promise<number> {
    return Number((await this.program.ask('watch', topic, kindOf(digest), expected.records))['endMs'])
  }

  /** Reads an output to its end. @returns what is wrong with it, null when nothing is */
  async faultOf(topic: string, expected: Expected, digest: Digest): Promise<string | null> {
    const found = await this.program.ask('total', topic, kindOf(digest))
    return faultOf({ total: Number(found['total']), digest: BigInt(found['digest'] as string) }, expected, digest)
  }

  /** Remembers where an output ends, for {@link first}. */
  async mark(topic: string): Promise<void> {
    await this.program.ask('mark', topic)
  }

  /** Waits for the first committed record behind the mark. @returns when it was there, epoch milliseconds */
  async first(topic: string): Promise<number> {
    return Number((await this.program.ask('first', topic))['firstMs'])
  }

  /** Deletes all topics that begin so. */
  async drop(prefix: string): Promise<void> {
    await this.program.ask('drop', prefix)
  }

  async end(): Promise<void> {
    await this.program.end()
  }
}

const kindOf = (digest: Digest): string => (digest === 'pairs' ? 'pairs' : 'counts')

import { count, max, sum, topic } from '../../src/index.ts'
import type { CaseNode, CaseSource, FoldName, Formula, NodeKind, SerdeName, Test } from './case.ts'
import { byOf, type Dressing, formula, testOn, throwing } from './dressing.ts'
import { computed, digest, extractedTime, hashed, holds, keyOf, several, summed } from './functions.ts'
import type { Handle, Parts } from './handle.ts'
import { serdeOf, serdeText } from './serdes.ts'
import { addInPlace, failing, operatorsOf, seededFold } from './verb-functions.ts'

/** A kind that joins the plan does not compile before cases have it, too. */
type NodeOf<K extends CaseNode['kind']> = Extract<CaseNode, { readonly kind: K }>

interface Entry<K extends CaseNode['kind']> {
  /** How often it is drawn, among the others. */
  readonly weight: number
  /** Gives a node its functions, as wild as what is certain of its input allows. */
  dress(node: NodeOf<K>, place: Dressing): NodeOf<K>
  build(node: NodeOf<K>, inputs: readonly Handle[], parts: Parts): Handle | null
  /** The call as it stands in a pipeline, behind its first input. */
  print(node: NodeOf<K>, inputs: readonly string[]): string
}

const sourceOptions = ({ skips, extractsTime }: CaseSource) => ({
  ...(skips ? { onDecodeError: 'skip', onProcessError: 'skip' } : {}),
  ...(extractsTime ? { timestamp: extractedTime } : {}),
})

const foldsInAnyOrder: readonly FoldName[] = ['sum', 'fields', 'tally']
const foldsInOrder: readonly FoldName[] = ['hash', 'list', 'last', ...foldsInAnyOrder]

const json = (value: unknown): string => JSON.stringify(value)
const onThrow = (node: { throwsWhen?: Test }): string =>
  node.throwsWhen === undefined ? '' : `failing(${json(node.throwsWhen)}, v, k); `

/** Every kind of node there is: a kind that joins the plan does not compile before it has its entry here. */
export const nodeTable: { readonly [K in NodeKind]: Entry<K> } = {
  'topic-source': {
    weight: 0,
    dress: (node) => node,
    build: (node, _inputs, { stream, topic: topicOf, options }) =>
      stream(topicOf(node.topic), { until: 'end', ...sourceOptions(options(node.topic, 'topic')) }),
    print: (node) => `stream(${node.topic}, { until: 'end' })`,
  },
  'connector-source': {
    weight: 0,
    dress: (node) => node,
    build: (node, _inputs, { stream, source, options }) =>
      stream(source(node.source), sourceOptions(options(node.source, 'connector'))),
    print: (node) => `stream(${node.source})`,
  },
  map: {
    weight: 4,
    dress(node, place) {
      const { random } = place
      const to: Formula = {
        ...formula(place),
        ...(random.integer(3) === 0 ? { asObject: true } : {}),
        ...(random.integer(5) === 0 ? { nullWhen: testOn(place, 5) } : {}),
      }
      return { ...node, to, ...throwing(place) }
    },
    build: (node, [input]) =>
      (input as Handle).map((value, key) => {
        failing(node.throwsWhen, value, key)
        return computed(node.to, value, key)
      }),
    print: (node) => `.map((v, k) => { ${onThrow(node)}return computed(${json(node.to)}, v, k) })`,
  },
  filter: {
    weight: 3,
    dress: (node, place) => ({ ...node, unless: testOn(place, 2 + place.random.integer(3)), ...throwing(place) }),
    build: (node, [input]) =>
      (input as Handle).filter((value, key) => {
        failing(node.throwsWhen, value, key)
        return !holds(node.unless, value, key)
      }),
    print: (node) => `.filter((v, k) => { ${onThrow(node)}return !holds(${json(node.unless)}, v, k) })`,
  },
  'flat-map': {
    weight: 2,
    dress: (node, place) => ({ ...node, most: 1 + place.random.integer(2), by: byOf(place), ...throwing(place) }),
    build: (node, [input]) =>
      (input as Handle).flatMap(function* (value, key) {
        for (const one of several(node.most, node.by, value, key)) {
          yield one
          failing(node.throwsWhen, value, key)
        }
      }),
    print: (node) =>
      `.flatMap(function* (v, k) { for (const one of several(${node.most}, '${node.by}', v, k)) { yield one; ${onThrow(node)}} })`,
  },
  tap: {
    weight: 1,
    dress: (node, place) => ({ ...node, ...throwing(place) }),
    build: (node, [input]) => (input as Handle).tap((value, key) => failing(node.throwsWhen, value, key)),
    print: (node) => `.tap((v, k) => { ${onThrow(node)}})`,
  },
  pipe: {
    weight: 3,
    dress(node, place) {
      const { random, hasWaiting } = place
      const most = 1 + random.integer(2)
      // RxJS shows its operators no keys.
      if (place.input.isBlind) return { ...node, most: 1, by: 'key' }
      const waits =
        hasWaiting || random.integer(2) === 0
          ? {}
          : { waits: { when: { of: 'value', by: 1 + random.integer(3), rest: 0 } as const, ms: 1 + random.integer(6) } }
      const throwsWhen = throwing(place).throwsWhen
      return {
        ...node,
        most,
        by: 'value',
        ...waits,
        ...(throwsWhen === undefined ? {} : { throwsWhen: { ...throwsWhen, of: 'value' as const } }),
      }
    },
    build: (node, [input]) => (input as Handle).pipe(...operatorsOf(node)),
    print: (node) => `.pipe(...operatorsOf(${json(node)}))`,
  },
  merge: {
    weight: 7,
    dress: (node) => node,
    build: (_node, [left, right]) => (left as Handle).merge(right as Handle),
    print: (_node, [, right]) => `.merge(${right})`,
  },
  'key-by': {
    weight: 5,
    dress(node, place) {
      const { random } = place
      const { of: by, times, plus } = formula(place)
      const nullWhen = random.integer(6) === 0 ? { nullWhen: testOn(place, 7) } : {}
      const keys: readonly SerdeName[] = ['text', 'text', 'text', 'int32', 'structured']
      return {
        ...node,
        to: { of: by, times, plus, ...nullWhen },
        among: 1 + random.integer(8),
        key: keys[random.integer(keys.length)] as SerdeName,
        ...throwing(place),
      }
    },
    build: (node, [input]) =>
      (input as Handle).keyBy(
        node.name,
        (value, key) => {
          failing(node.throwsWhen, value, key)
          return keyOf(node, value, key)
        },
        { key: serdeOf(node.key) },
      ),
    print: (node) =>
      `.keyBy('${node.name}', (v, k) => { ${onThrow(node)}return keyOf(${json(node)}, v, k) }, { key: ${node.key} })`,
  },
  aggregate: {
    weight: 8,
    dress(node, place) {
      const { input, isExact, random } = place
      const folds = isExact ? foldsInOrder : foldsInAnyOrder
      const operations = input.isObject ? ['reduce'] : ['count', 'reduce', 'aggregate', 'aggregate']
      const operation = input.isBlind ? 'count' : operations[random.integer(operations.length)]
      const fold = input.isObject ? 'tally' : (folds[random.integer(folds.length)] as FoldName)
      const isPlain = operation === 'count' || fold === 'fields'
      const throws = isPlain ? {} : throwing(place)
      return {
        kind: 'aggregate',
        inputs: node.inputs,
        store: node.store,
        operation: operation as 'count',
        fold,
        // The first value of a key is asked for nothing, and in any order any may be the first.
        ...(operation === 'reduce' && !isExact ? {} : throws),
        ...(!isPlain && isExact && random.integer(4) === 0 ? { deletesWhen: testOn(place, 4) } : {}),
      }
    },
    build: (node, [input], { inputFacts }) => {
      const stream = input as Handle
      if (node.operation === 'count') return stream.count(node.store)
      const guarded =
        (fn: (state: unknown, value: unknown) => unknown) => (state: unknown, value: unknown, key: unknown) => {
          // A state that is changed in place is changed before the record fails.
          const next = fn(state, value)
          failing(node.throwsWhen, value, key)
          return holds(node.deletesWhen, value, key) ? null : next
        }
      if (node.operation === 'reduce') {
        if (node.fold === 'tally' && inputFacts.isObject) return stream.reduce(node.store, guarded(addInPlace))
        const isText = inputFacts.value === 'text'
        const fold =
          node.fold === 'hash' ? hashed : node.fold === 'last' ? (_: unknown, v: unknown) => digest(v) : summed
        return stream.reduce(
          node.store,
          guarded((state, value) => (isText ? `k${fold(state, value)}` : fold(state, value))),
        )
      }
      if (node.fold === 'fields') {
        return stream.aggregate(node.store, { n: count(), total: sum(digest), most: max(digest) })
      }
      const [seed, fold] = seededFold(node.fold)
      return stream.aggregate(node.store, seed, guarded(fold))
    },
    print: (node) =>
      node.operation === 'count'
        ? `.count('${node.store}')`
        : `.${node.operation}('${node.store}', ...foldOf(${json({ ...node, inputs: undefined, store: undefined })}))`,
  },
  updates: {
    weight: 5,
    dress: (node) => node,
    build: (_node, [input]) => (input as Handle).updates(),
    print: () => '.updates()',
  },
  'topic-sink': {
    weight: 2,
    dress: (node, { input, random }) => ({
      ...node,
      partitions: 1 + random.integer(3),
      value: random.integer(2) === 0 ? 'structured' : input.value,
      holdsNull: random.integer(2) === 0,
    }),
    build: (node, [input], { inputFacts }) => {
      const { key } = inputFacts
      const options = {
        key: serdeOf(key),
        value: serdeOf(node.value, node.holdsNull ?? false),
        partitions: node.partitions,
      }
      ;(input as Handle).to(topic(node.topic, options))
      return null
    },
    print: ({ topic: name, value, holdsNull, partitions }) =>
      `.to(topic('${name}', { key, value: ${serdeText(value, holdsNull)}, partitions: ${partitions} }))`,
  },
  'connector-sink': {
    weight: 2,
    dress: (node, { random }) => ({
      ...node,
      guarantee: (['at-least-once', 'idempotent', 'transactional'] as const)[random.integer(3)] as 'idempotent',
    }),
    build: (node, [input], { sink }) => {
      ;(input as Handle).to(sink(node))
      return null
    },
    print: (node) => `.to(${node.sink}) // ${node.guarantee}`,
  },
}

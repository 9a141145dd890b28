import type { PlantedBug } from '../planted-bug.ts'

const stateless = 'src/operators/stateless.ts'
const unit = (file: string, test: string): PlantedBug['killer'] => ({ project: 'unit', file, test })

export const nullsBugs: readonly PlantedBug[] = [
  {
    name: 'a tap is shown what has no value',
    file: stateless,
    find: 'if (record.hasValue || showsNull) fn(record.value, record.key)',
    replace: 'fn(record.value, record.key)',
    killer: unit(
      'operators/stateless.test.ts',
      'a record without a value passes the functions of map, filter, flatMap and tap by, as it is',
    ),
  },
  {
    name: 'a filter drops deletes that its function is not asked about',
    file: stateless,
    find: 'if ((!record.hasValue && !showsNull) || fn(record.value, record.key)) next(record)',
    replace: 'if ((record.hasValue || showsNull) && fn(record.value, record.key)) next(record)',
    killer: unit(
      'operators/stateless.test.ts',
      'a record without a value passes the functions of map, filter, flatMap and tap by, as it is',
    ),
  },
  {
    name: 'a keyBy passes over deletes without a count',
    file: stateless,
    find: `return context.dropped('null value', record)`,
    replace: 'return',
    killer: unit('operators/stateless.test.ts', 'a record without a value has nothing to make a key from'),
  },
  {
    name: 'undefined that a map gives goes on',
    file: stateless,
    find: `    if (value === undefined) refuseUndefined('map', nullInstead)
`,
    replace: '',
    killer: unit('operators/stateless.test.ts', 'undefined that a function gives is refused by map'),
  },
  {
    name: 'a fold that gives undefined deletes its row',
    file: 'src/operators/aggregate.ts',
    find: `    if (next === undefined) refuseUndefined(`,
    replace: `    if (next === undefined) next = null
    if (next === undefined) refuseUndefined(`,
    killer: unit('operators/aggregate.test.ts', 'an aggregate refuses a fold that gives undefined'),
  },
  {
    name: 'a delete passes the records before it in a pipe that waits',
    file: 'src/operators/pipe.ts',
    find: '      if (behind !== null) {',
    replace: '      if (behind !== null && first.hasValue) {',
    killer: unit('operators/pipe.test.ts', 'a record without a value waits for the record before it'),
  },
  {
    name: 'null that user code made is a record without a value in any topic',
    file: 'src/runtime/record-collector.ts',
    find: 'if (given !== null || !holdsNull) {',
    replace: 'if (given !== null) {',
    killer: unit('runtime/record-collector.test.ts', 'null that user code made is refused by'),
  },
  {
    name: 'a topic that carries no values makes one of null',
    file: 'src/serde/presence.ts',
    find: `  holdsNull: true,
`,
    replace: '',
    killer: unit(
      'runtime/record-collector.test.ts',
      'null that user code made is a record without a value in a topic of presence',
    ),
  },
  {
    name: 'changes of a table do not show their deletes',
    file: 'src/dsl/handle.ts',
    find: `kind: 'updates', ...this.behind, value: nullable(this.behind.value)`,
    replace: `kind: 'updates', ...this.behind`,
    killer: unit('dsl/pipeline.test.ts', 'streams are shown null behind a nullable serde and behind updates'),
  },
  {
    name: 'a merge holds null only where its left side does',
    file: 'src/dsl/handle.ts',
    find: 'left.value.holdsNull || right.value.holdsNull ? nullable(both) : both',
    replace: 'left.value.holdsNull ? nullable(both) : both',
    killer: unit('dsl/pipeline.test.ts', 'streams are shown null behind a merge where one side holds it'),
  },
  {
    name: 'null of a stream that holds it is no delete in a topic that does not',
    file: 'src/operators/operator-table.ts',
    find: 'holdsNull === true ? nullable(serde) : serde',
    replace: 'serde',
    killer: unit('runtime/chain.test.ts', 'a chain writes every null of a stream that holds null'),
  },
]

// Checks the layers: who may import whom. THE RANK TABLE BELOW IS THE ARCHITECTURE: think before you change it.
// Type-only imports count like any other. Ends with 1 on any breach, and also when it did not read every module,
// because a check that reads nothing finds nothing.
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

/** Folders of src by rank, lowest first. A folder imports only from lower ranks: neither upward nor sideways. */
const ranks = [
  ['core'],
  ['serde'],
  ['window', 'protocol'],
  ['topology'],
  ['kafka', 'state', 'connector', 'broker'],
  ['operators'],
  ['checkpoint'],
  ['runtime', 'dsl'],
  ['job'],
  ['cli', 'testing', 'ui'],
]

/** Third-party libraries with few homes: whoever else wants what they do asks the folder that owns them. */
const homes = {
  kafkajs: ['src/kafka/'],
  level: ['src/state/', 'src/broker/storage/'],
  avsc: ['src/serde/'],
  picomatch: ['connectors/files/'],
  commander: ['src/cli/'],
  tsx: ['src/cli/'],
  rxjs: ['src/dsl/', 'src/operators/', 'src/runtime/', 'src/job/', 'pipelines/'],
}

const roots = ['src', 'connectors', 'pipelines', 'test']

/** Fewer modules than this were never there: TypeScript 7 makes dependency-cruiser 17 read none and report success. */
const modulesMin = 40

const folders = ranks.flat()
const anyOf = (names) => `(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`

const rankRules = ranks.flatMap((rank, index) =>
  rank.map((folder) => ({
    name: `${folder}-imports-only-below`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: {
      path: `^src/${anyOf([...rank.filter((other) => other !== folder), ...ranks.slice(index + 1).flat()])}/`,
    },
  })),
)

const homeRules = Object.entries(homes).map(([library, allowed]) => ({
  name: `${library}-only-in-${allowed.map((home) => home.split('/').filter(Boolean).at(-1)).join('-')}`,
  severity: 'error',
  from: { pathNot: `^${anyOf([...allowed, 'test/'])}` },
  to: { path: `(^|/)node_modules/${library}/` },
}))

const rules = [
  ...rankRules,
  ...homeRules,
  { name: 'no-circular', severity: 'error', from: { pathNot: '^src/dsl/' }, to: { circular: true } },
  {
    // A stream's families of methods give streams and tables, and a table gives streams: interfaces that name each other, in
    // files of their own so that each can be read alone. No module waits for another there: at run time types are gone.
    name: 'dsl-circular-by-types-alone',
    severity: 'error',
    from: { path: '^src/dsl/' },
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'every-folder-has-a-rank',
    severity: 'error',
    from: {},
    to: { path: '^src/', pathNot: `^src/(${anyOf(folders)}/|index\\.ts$)` },
  },
  {
    name: 'src-knows-no-connector-pipeline-or-front-door',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(connectors/|pipelines/|src/index\\.ts$)' },
  },
  {
    name: 'front-door-shows-no-entry-point',
    severity: 'error',
    from: { path: '^src/index\\.ts$' },
    to: { path: `^src/${anyOf(ranks.at(-1) ?? [])}/` },
  },
  {
    name: 'connectors-import-only-the-connector-contract',
    severity: 'error',
    from: { path: '^connectors/([^/]+)/' },
    to: { path: '^(src|connectors|pipelines)/', pathNot: '^(src/connector/index\\.ts$|connectors/$1/)' },
  },
  {
    name: 'pipelines-import-only-the-public-api',
    severity: 'error',
    from: { path: '^pipelines/' },
    to: {
      path: '^(src|connectors|pipelines)/',
      pathNot: '^(src/(index|connector/index)\\.ts$|connectors/[^/]+/index\\.ts$)',
    },
  },
  {
    name: 'pipelines-use-only-rxjs-and-zod',
    severity: 'error',
    from: { path: '^pipelines/' },
    to: { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/(rxjs|zod)/' },
  },
  {
    name: 'nothing-imports-test',
    severity: 'error',
    from: { pathNot: '^test/' },
    to: { path: '^test/' },
  },
  { name: 'no-stale-copy-of-the-engine', severity: 'error', from: {}, to: { path: '^dist/' } },
  { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
]

/** Every TypeScript file on disk below the roots, as dependency-cruiser names modules. */
function filesOnDisk() {
  return roots
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { withFileTypes: true, recursive: true }))
    .filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).split(sep).join('/'))
}

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
const expected = filesOnDisk()
const { output } = await cruise(
  roots.filter((folder) => existsSync(folder)),
  {
    ruleSet: { forbidden: rules },
    validate: true,
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
  },
  {
    conditionNames: ['millrace-source', 'import', 'node', 'default', 'types'],
    exportsFields: ['exports'],
    extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.node'],
  },
  { tsConfig: extractTSConfig('tsconfig.json') },
)

const read = new Map(output.modules.map((module) => [module.source, module]))
const unread = expected.filter((file) => !read.has(file))
const imports = expected.reduce((total, file) => total + (read.get(file)?.dependencies.length ?? 0), 0)
for (const file of unread) console.error(`not read: ${file}`)
for (const { rule, from, to, cycle } of output.summary.violations) {
  const way = cycle ? [from, ...cycle.map((step) => step.name)].join(' -> ') : `${from} -> ${to}`
  console.error(`${rule.name}: ${way}`)
}
if (unread.length > 0 || expected.length < modulesMin || imports < expected.length) {
  console.error(
    `layers: read ${expected.length - unread.length} of ${expected.length} modules with ${imports} imports; ` +
      `at least ${modulesMin} modules and as many imports as modules were expected: the check itself is broken`,
  )
  process.exit(1)
}
const breaches = output.summary.violations.length
console.log(`layers: ${expected.length} modules, ${imports} imports, ${breaches} breaches`)
process.exit(breaches === 0 ? 0 : 1)

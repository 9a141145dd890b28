// npm run test:planted [-- --tenth N | auto] [--only TEXT]: every planted bug must be found by its killer.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { plantedBugs } from './bugs.ts'
import type { Killer, PlantedBug } from './planted-bug.ts'
import { type Outcome, ScratchCopy } from './scratch-copy.ts'

const { values } = parseArgs({ options: { tenth: { type: 'string' }, only: { type: 'string' } } })

/** The tenth whose turn it is: another with every commit. */
function currentTenth(): number {
  try {
    return Number(execFileSync('git', ['rev-list', '--count', 'HEAD'], { encoding: 'utf8' })) % 10
  } catch {
    return new Date().getUTCDate() % 10
  }
}

function chosen(): readonly PlantedBug[] {
  const { tenth, only } = values
  const named = plantedBugs.filter(({ name, file }) => only === undefined || `${file} ${name}`.includes(only))
  if (tenth === undefined) return named
  const turn = tenth === 'auto' ? currentTenth() : Number(tenth)
  console.log(`tenth ${turn} of the list`)
  return named.filter((_, n) => n % 10 === turn)
}

/** Does work for each of a list on as many scratch copies as there are processors. */
async function onCopies<T>(list: readonly T[], work: (copy: ScratchCopy, one: T) => Promise<void>): Promise<void> {
  const waiting = [...list]
  const copies = await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), list.length) }, () => ScratchCopy.make(process.cwd())),
  )
  try {
    await Promise.all(
      copies.map(async (copy) => {
        for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(copy, one)
      }),
    )
  } finally {
    for (const copy of copies) await copy.remove()
  }
}

const keyOf = ({ project, file, test }: Killer): string => `test/${project}/${file}: ${test}`
const beganMs = performance.now()
const secondsSince = (ms: number): string => ((performance.now() - ms) / 1000).toFixed(1)

const bugs = chosen()
const sound = new Map<string, Outcome>()
await onCopies([...new Map(bugs.map(({ killer }) => [keyOf(killer), killer])).values()], async (copy, killer) => {
  sound.set(keyOf(killer), await copy.run(killer))
})
for (const [key, outcome] of sound)
  if (outcome !== 'passed') console.log(`NOT SOUND: without any bug ${outcome}: ${key}`)

let killed = 0
await onCopies(bugs, async (copy, bug) => {
  const startMs = performance.now()
  const isSound = sound.get(keyOf(bug.killer)) === 'passed'
  const outcome = isSound ? await copy.plant(bug) : 'not found'
  if (outcome === 'failed') killed++
  const verdict =
    outcome === 'failed'
      ? 'killed'
      : outcome === null
        ? 'PLACE GONE'
        : outcome === 'passed'
          ? 'SURVIVED'
          : outcome.toUpperCase()
  console.log(`${verdict} in ${secondsSince(startMs)} s: ${bug.file}: ${bug.name}\n  by ${keyOf(bug.killer)}`)
})
console.log(
  `${killed} of ${bugs.length} planted bugs killed, ${secondsSince(beganMs)} s; the list has ${plantedBugs.length}`,
)
process.exitCode = killed === bugs.length && bugs.length > 0 ? 0 : 1

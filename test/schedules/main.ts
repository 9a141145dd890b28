// npm run test:schedules -- --count 20000 --from 1: many schedules, spread evenly over the scenarios, on all processors.
import { parseArgs } from 'node:util'
import { inParts, partOptions } from '../support/parts.ts'
import { scenarios } from './scenarios.ts'
import { runSchedule, type ScheduleReport } from './schedule.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    ...partOptions,
  },
})
const [count, from] = [Number(values.count), Number(values.from)]
const failuresShown = 5

/** What the schedules of one scenario came to. */
interface Total {
  passed: number
  failed: number
  commits: number
  faults: number
  kinds: Record<string, number>
}

const empty = (): Total => ({ passed: 0, failed: 0, commits: 0, faults: 0, kinds: {} })

function add(
  total: Total,
  {
    commits,
    faults,
    kinds,
  }: Pick<ScheduleReport, 'commits' | 'faults'> & { kinds: Iterable<readonly [string, number]> },
): void {
  total.commits += commits
  total.faults += faults
  for (const [kind, n] of kinds) total.kinds[kind] = (total.kinds[kind] ?? 0) + n
}

/** Every `of`th schedule, beginning with `part`. */
async function runPart(part: number, of: number): Promise<Record<string, Total>> {
  const totals: Record<string, Total> = {}
  let shown = 0
  for (let n = part; n < count; n += of) {
    const scenario = scenarios[(from + n) % scenarios.length]
    if (!scenario) continue
    const total = (totals[scenario.name] ??= empty())
    try {
      add(total, await runSchedule(scenario, from + n))
      total.passed++
    } catch (error) {
      total.failed++
      if (shown++ < failuresShown) console.error(error instanceof Error ? error.message : error)
    }
  }
  return totals
}

const beganMs = performance.now()
const parts = await inParts(values, ['--count', values.count, '--from', values.from], runPart)
if (parts !== null) {
  let failed = 0
  for (const { name } of scenarios) {
    const total = empty()
    for (const part of parts) {
      const own = part[name]
      if (!own) continue
      total.passed += own.passed
      total.failed += own.failed
      add(total, { ...own, kinds: Object.entries(own.kinds) })
    }
    failed += total.failed
    const each = (n: number): string => (n / Math.max(1, total.passed)).toFixed(1)
    const kinds = Object.entries(total.kinds).sort(([, a], [, b]) => b - a)
    console.log(
      `${name}: ${total.passed} exact, ${total.failed} not; ${each(total.commits)} commits and ${each(total.faults)} faults each`,
    )
    console.log(`  ${kinds.map(([kind, n]) => `${kind} ${n}`).join(', ')}`)
  }
  const seconds = (performance.now() - beganMs) / 1000
  console.log(
    `${count} schedules from ${from} on, ${failed} failed, ${seconds.toFixed(0)} s on ${parts.length} processors`,
  )
  process.exitCode = failed === 0 ? 0 : 1
}

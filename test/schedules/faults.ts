import type { BrokerOptions } from '../../src/broker/broker-options.ts'
import type { Clock } from '../../src/core/clock.ts'
import { StreamError } from '../../src/core/errors.ts'
import type { Random } from '../../src/core/random.ts'
import { stepNames } from '../../src/core/steps.ts'
import type { ScriptedEvent } from '../../src/testing/index.ts'
import type { World } from '../support/world.ts'
import type { Slot } from './slot.ts'

/** Where faults happen. */
export interface Town {
  readonly world: World
  readonly slots: readonly Slot[]
  readonly clock: Clock
  readonly random: Random
  readonly broker: BrokerOptions
}

/** Something that befalls an application. */
export interface Fault {
  readonly name: string
  /** @returns whether it did anything: nobody is killed who is not alive */
  happen(town: Town): Promise<boolean>
}

const sessionMs = 10_000

/** How late a request may be, at most. */
export const requestLateMsMax: number = sessionMs + 4000

/** One of those for which it holds, or null. */
function anyOf(slots: readonly Slot[], random: Random, holds: (slot: Slot) => boolean): Slot | null {
  const all = slots.filter(holds)
  return all[random.integer(Math.max(1, all.length))] ?? null
}

const isAlive = (slot: Slot): boolean => slot.isAlive && !slot.isPaused

/** What an answer that never came is to whoever waited for it. */
const doubt = (): StreamError =>
  new StreamError('TRANSACTION_UNKNOWN', 'the answer was lost, as asked', { action: 'reset-task' })

function scripted(random: Random): ScriptedEvent {
  const at = stepNames[random.integer(stepNames.length)] as (typeof stepNames)[number]
  const place = { at, occurrence: 1 + random.integer(5), when: random.integer(2) === 0 ? 'before' : 'after' } as const
  const requests = ['EndTxn', 'Produce', 'TxnOffsetCommit', 'JoinGroup', 'InitProducerId', 'AddPartitionsToTxn']
  switch (random.integer(6)) {
    case 0:
    case 1:
      return { ...place, do: 'kill' }
    case 2:
      return { ...place, do: 'pause' }
    case 3:
      // Only of a commit is the outcome ever unknown.
      return place.at.startsWith('B') ? { ...place, do: doubt() } : { ...place, do: 'kill' }
    case 4:
      // Stores that are written late: the next commits are under way meanwhile.
      return { at: 'B4.writeStore', occurrence: 'every', when: 'before', do: { lateMs: 20 + random.integer(200) } }
    default:
      return {
        request: requests[random.integer(requests.length)] as string,
        occurrence: 1 + random.integer(4),
        lateMs:
          random.integer(3) === 0 ? sessionMs + random.integer(requestLateMsMax - sessionMs) : random.integer(300),
      }
  }
}

/** All faults there are; a schedule draws from them. */
export const faults: readonly Fault[] = [
  {
    name: 'kill',
    async happen({ slots, random, clock }) {
      const slot = anyOf(slots, random, isAlive)
      slot?.kill()
      await clock.sleep(random.integer(400))
      return slot !== null
    },
  },
  {
    // Counts once what is in the script has happened.
    name: 'script',
    async happen({ slots, random, clock }) {
      const slot = anyOf(slots, random, (one) => !one.isPaused)
      slot?.kill()
      await clock.sleep(random.integer(100))
      slot?.start([scripted(random), scripted(random)])
      return false
    },
  },
  {
    name: 'pause',
    async happen({ slots, random, clock }) {
      const slot = anyOf(slots, random, isAlive)
      slot?.pause()
      await clock.sleep(random.integer(2) === 0 ? random.integer(2000) : sessionMs + random.integer(4000))
      slot?.resume()
      return slot !== null
    },
  },
  {
    // One that has never committed anything, stopped while it starts.
    name: 'young zombie',
    async happen({ slots, random, clock }) {
      const slot = anyOf(slots, random, (one) => !one.isAlive)
      slot?.start()
      await clock.sleep(random.integer(60))
      slot?.pause()
      await clock.sleep(slot ? sessionMs + random.integer(3000) : 0)
      slot?.resume()
      return slot !== null
    },
  },
  {
    name: 'wake',
    async happen({ slots, random, clock }) {
      // Whoever a script has paused wakes past its session, or within it.
      const slot = anyOf(slots, random, (one) => one.isPaused)
      if (slot) await clock.sleep(random.integer(2) === 0 ? sessionMs + random.integer(2000) : random.integer(1000))
      slot?.resume()
      return false
    },
  },
  {
    name: 'broker',
    async happen({ world, random, clock, broker }) {
      if (broker.sync === true && random.integer(2) === 0) world.losePower()
      else world.killBroker()
      await clock.sleep(random.integer(1500))
      await world.startBroker(broker)
      return true
    },
  },
  {
    name: 'power',
    async happen({ world, slots, random, clock }) {
      const alive = slots.filter((slot) => slot.isAlive)
      for (const slot of alive) slot.kill()
      world.disk.crash()
      await clock.sleep(random.integer(500))
      for (const slot of alive) slot.start()
      return alive.length > 0
    },
  },
  {
    name: 'empty directory',
    async happen({ slots, random, clock }) {
      const slot = anyOf(slots, random, isAlive)
      slot?.kill()
      slot?.moveAway()
      await clock.sleep(random.integer(200))
      slot?.start()
      return slot !== null
    },
  },
  {
    name: 'leave',
    async happen({ slots, random, clock }) {
      const slot = anyOf(slots, random, isAlive)
      await slot?.stop()
      await clock.sleep(random.integer(500))
      return slot !== null
    },
  },
  {
    name: 'join',
    async happen({ slots, random, clock }) {
      const slot = anyOf(slots, random, (one) => !one.isAlive)
      slot?.start()
      await clock.sleep(random.integer(500))
      return slot !== null
    },
  },
  {
    // Long enough for what was taken to be purged; then everything goes on, or is started again.
    name: 'quiet',
    async happen({ clock, random }) {
      if (random.integer(3) === 0) await clock.sleep(31_000)
      return false
    },
  },
]

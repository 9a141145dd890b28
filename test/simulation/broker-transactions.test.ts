import { describe, expect, it } from 'vitest'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/** A broker that dies while a transaction ends: at the next start it is committed whole or not at all, and in force. */

const record = (value: string) => [{ key: Buffer.from('k'), value: Buffer.from(value), timestamp: 1, partition: 0 }]

describe('a transaction whose broker is killed while it ends', () => {
  it.each(['killed', 'without power'])(
    'is committed in all its partitions or in none, and nothing is left open: %s',
    async (how) => {
      const stepMs = 0.1
      let [committed, lost] = [0, 0]
      for (let atMs = 0; atMs < 14; atMs += stepMs) {
        const world = new World(simulationSeed(41))
        const broker = { sync: how !== 'killed' }
        await world.run(world.startBroker(broker))
        await world.run(world.outside.createTopic('in', 3))
        const { clock } = world.simulation.actor('killer')
        // The transaction itself takes its time; what is cut short is its end.
        let isAcknowledged = false
        const written = world.outside
          .write(
            'in',
            [0, 1, 2].map((partition) => ({ ...record('first')[0], partition })) as ReturnType<typeof record>,
            false,
            () => clock.sleep(atMs).then(() => (how === 'killed' ? world.killBroker() : world.losePower())),
          )
          .then(
            () => {
              isAcknowledged = true
            },
            () => undefined,
          )
        const restarted = clock.sleep(60).then(() => world.startBroker(broker))
        await world.run(Promise.all([Promise.race([written, clock.sleep(200)]), restarted]))
        // Nobody waits for a timeout: the next one of this writer begins at once.
        await world.run(world.outside.write('in', record('next')))
        const { records, isSettled } = await world.run(world.read('in'))
        expect(isSettled, `killed ${atMs.toFixed(1)} ms after EndTxn`).toBe(true)
        const firsts = records.filter(({ value }) => value?.toString() === 'first').length
        expect([0, 3], `killed ${atMs.toFixed(1)} ms after EndTxn`).toContain(firsts)
        if (isAcknowledged) expect(firsts, `acknowledged before ${atMs.toFixed(1)} ms`).toBe(3)
        if (firsts === 3) committed++
        else lost++
      }
      expect(committed).toBeGreaterThan(0)
      expect(lost).toBeGreaterThan(0)
    },
  )
})

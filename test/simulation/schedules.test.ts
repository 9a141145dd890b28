import { describe, expect, it } from 'vitest'
import type { SimulatedInstance } from '../../src/testing/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { checkWordCount, feed, wordCount, wordCountConfig, wordCountWorld } from '../support/word-count-world.ts'

/** Word count under many schedules: the seed decides latencies, order, who is killed when, and how long it is paused. */

const first = simulationSeed(100)
const seeds = Array.from({ length: 8 }, (_, n) => first + n)

async function hashOf(seed: number): Promise<string> {
  const made = await wordCountWorld(seed)
  await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig)))
  return made.simulation.hash
}

describe('the simulation', () => {
  it('takes the same steps for the same seed, and others for another', async () => {
    const hashes = [await hashOf(first), await hashOf(first), await hashOf(first + 1)]
    expect(hashes[1]).toBe(hashes[0])
    expect(hashes[2]).not.toBe(hashes[0])
  })
})

describe('word count', () => {
  for (const seed of seeds) {
    it(`counts once while its process is killed again and again, seed ${seed}`, async () => {
      const made = await wordCountWorld(seed)
      const { random } = made.simulation
      for (let kills = 0; kills < 6; kills++) {
        const instance = made.instance()
        const run = made.runToEnd(wordCount, 'word-counts', wordCountConfig, instance)
        const enough = made.simulation.actor('killer').clock.sleep(random.integer(700))
        await made.run(Promise.race([enough, run]))
        instance.kill()
      }
      await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig)))
    })

    it(`counts once in two processes of which one is paused past its session, seed ${seed}`, async () => {
      const made = await wordCountWorld(seed, true)
      const { random } = made.simulation
      const zombie = made.instance()
      const killer = made.simulation.actor('killer').clock
      const pause = async () => {
        await killer.sleep(random.integer(12_000))
        zombie.pause()
        await killer.sleep(10_000 + random.integer(6000))
        zombie.resume()
        await killer.sleep(8000 + random.integer(4000))
      }
      const until = Promise.all([feed(made), pause()])
      const run = (name: string, instance: SimulatedInstance) =>
        made.runToEnd(wordCount, 'word-counts', { ...wordCountConfig, dataDirectory: `/${name}` }, instance, until)
      const [one, two] = await made.run(Promise.all([run('zombie', zombie), run('other', made.instance())]))
      await checkWordCount(made, [...one, ...two])
    })

    it(`counts once while the broker is killed and started again, seed ${seed}`, async () => {
      const made = await wordCountWorld(seed)
      const { random } = made.simulation
      const killer = made.simulation.actor('killer').clock
      const run = made.runToEnd(wordCount, 'word-counts', wordCountConfig)
      const kills = (async () => {
        for (let n = 0; n < 3; n++) {
          await killer.sleep(30 + random.integer(300))
          made.killBroker()
          await killer.sleep(random.integer(2000))
          await made.startBroker()
        }
      })()
      const [store] = await made.run(Promise.all([run, kills]))
      await checkWordCount(made, store)
    })
  }
})

import { describe, expect, it } from 'vitest'
import { runStep } from '../../../src/core/steps.ts'
import { Script, type ScriptedEvent } from '../../../src/testing/script.ts'

/** A target that writes down what is done to it. */
function targetOf(done: string[]) {
  return {
    kill: () => void done.push('kill'),
    pause: () => void done.push('pause'),
    sleep: async (ms: number) => void done.push(`sleep ${ms}`),
  }
}

/** Runs a step so often under a script. @returns what happened, the step's own effects among it */
async function run(events: readonly ScriptedEvent[], times: number) {
  const done: string[] = []
  const script = new Script(events)
  const hook = script.hook(targetOf(done), runStep)
  for (let n = 0; n < times; n++) {
    await hook('B3.endTxn', async () => void done.push('effect')).catch((error: Error) => void done.push(error.message))
  }
  return { done, script }
}

describe('a script', () => {
  it('lets an event happen at its occurrence, before the effect or after it', async () => {
    const { done, script } = await run(
      [
        { at: 'B3.endTxn', occurrence: 2, when: 'before', do: 'pause' },
        { at: 'B3.endTxn', occurrence: 3, when: 'after', do: new Error('the answer is lost') },
      ],
      4,
    )
    expect(done).toEqual(['effect', 'pause', 'effect', 'effect', 'the answer is lost', 'effect'])
    expect(script.fired).toBe(2)
    expect(script.seen.get('B3.endTxn')).toBe(4)
  })

  it('holds a step up every time', async () => {
    const { done, script } = await run([{ at: 'B3.endTxn', occurrence: 'every', when: 'before', do: { lateMs: 7 } }], 2)
    expect(done).toEqual(['sleep 7', 'effect', 'sleep 7', 'effect'])
    expect(script.fired).toBe(1)
  })

  it('counts no event that did not come', async () => {
    const { done, script } = await run([{ at: 'B3.endTxn', occurrence: 5, when: 'before', do: 'kill' }], 4)
    expect(done).toEqual(['effect', 'effect', 'effect', 'effect'])
    expect(script.fired).toBe(0)
  })

  it('tells how late a request is to arrive, by its occurrence', () => {
    const script = new Script([{ request: 'EndTxn', occurrence: 2, lateMs: 60 }])
    expect(['EndTxn', 'EndTxn', 'Produce', 'EndTxn'].map((api) => script.lateMs(api))).toEqual([0, 60, 0, 0])
    expect(script.fired).toBe(1)
  })

  it('never comes back from a kill', async () => {
    const done: string[] = []
    const hook = new Script([{ at: 'B3.endTxn', occurrence: 1, when: 'after', do: 'kill' }]).hook(
      targetOf(done),
      runStep,
    )
    const step = hook('B3.endTxn', async () => void done.push('effect'))
    const turn = new Promise((resolve) => setImmediate(() => resolve('still under way')))
    expect(await Promise.race([step, turn])).toBe('still under way')
    expect(done).toEqual(['effect', 'kill'])
  })
})

import { describe, expect, test } from 'vitest'
import { parseAnswer, StandingProcess } from '../../bench/standing-process.ts'

describe('a line of a standing process', () => {
  test('answers by name', () => {
    expect(parseAnswer('RESULT endMs=5 digest=-7 text=a=b')).toEqual({ endMs: '5', digest: '-7', text: 'a=b' })
    expect(parseAnswer('RESULT ')).toEqual({})
  })

  test('fails with what it says', () => {
    expect(parseAnswer('ERROR no such work')).toEqual(new Error('no such work'))
  })

  test('that is neither is passed over', () => {
    expect(parseAnswer('RESULTS 5')).toBeNull()
    expect(parseAnswer('started')).toBeNull()
  })
})

const program = `
console.log('a line for people')
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'die') { console.error('out of luck'); process.exitCode = 3; process.stdin.destroy() }
  else if (line === 'fail') console.log('ERROR as told')
  else console.log('RESULT words=' + line.split(' ').length)
})`
const standing = (): StandingProcess => new StandingProcess(process.execPath, ['-e', program])

describe('a standing process', () => {
  test('answers one command after another', async () => {
    const one = standing()
    expect(await one.ask('a', 1, 2)).toEqual({ words: '3' })
    await expect(one.ask('fail')).rejects.toThrow('as told')
    expect(await one.ask('b')).toEqual({ words: '1' })
    await one.end()
  })

  test('takes no second command before it has answered the first', async () => {
    const one = standing()
    const first = one.ask('a')
    await expect(one.ask('b')).rejects.toThrow('has to wait')
    expect(await first).toEqual({ words: '1' })
    await one.end()
  })

  test('that ends fails what it was asked, with its last words', async () => {
    const one = standing()
    await expect(one.ask('die')).rejects.toThrow(/ended with 3: out of luck/)
    await expect(one.ask('a')).rejects.toThrow('out of luck')
  })

  test('that cannot be started fails what it was asked', async () => {
    await expect(new StandingProcess('no-such-program', []).ask('a')).rejects.toThrow('ENOENT')
  })

  test('is killed at once', async () => {
    const one = standing()
    const asked = one.ask('a').catch(() => undefined)
    await one.kill()
    await asked
    await expect(one.ask('a')).rejects.toThrow('has ended')
  })
})

import { describe, expect, test } from 'vitest'
import { parsePeak, parseStat, resetPeak, treeOf, useOf } from '../../bench/process-use.ts'
import { StandingProcess } from '../../bench/standing-process.ts'

const onLinux = process.platform === 'linux'

/** A program that answers `ready` when it has used or taken what it is told, in itself or in a child that it waits for. */
const program = `
const { spawnSync, spawn } = require('node:child_process')
const burn = 'const end = process.cpuUsage().user + 3e5; let x = 0; while (process.cpuUsage().user < end) for (let i = 0; i < 1e6; i++) x += i'
let child
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'burn') eval(burn)
  if (line === 'burn in a child') spawnSync(process.execPath, ['-e', burn])
  if (line === 'take') Buffer.alloc(100e6, 1)
  if (line === 'have a child') child = spawn('sleep', ['60'])
  if (line === 'end it') child.kill()
  console.log('RESULT pid=' + (child?.pid ?? 0))
})`

async function withProgram(use: (standing: StandingProcess) => Promise<void>): Promise<void> {
  const standing = new StandingProcess(process.execPath, ['-e', program])
  try {
    await standing.ask('begin')
    await use(standing)
  } finally {
    await standing.kill()
  }
}

describe('what /proc says', () => {
  test('is read behind a name with blanks and brackets', () => {
    const line = '12 (a) b (c)) S 7 12 12 0 -1 4194304 100 200 0 0 250 50 30 20 20 0 11 0 5 1 1'
    expect(parseStat(line)).toEqual({ parent: 7, processorSeconds: 3.5 })
  })

  test('is the peak, not what is held now', () => {
    expect(parsePeak('VmPeak:\t  9000 kB\nVmHWM:\t  1000 kB\nVmRSS:\t  10 kB\n')).toBe(1.024)
    expect(parsePeak('')).toBe(0)
  })
})

describe.skipIf(!onLinux)('a tree of processes', () => {
  test('has processor seconds of its own and of children that have ended', () =>
    withProgram(async (standing) => {
      const before = useOf(standing.pid).processorSeconds
      await standing.ask('burn')
      const own = useOf(standing.pid).processorSeconds - before
      expect(own).toBeGreaterThan(0.25)
      await standing.ask('burn in a child')
      expect(useOf(standing.pid).processorSeconds - before - own).toBeGreaterThan(0.25)
    }))

  test('has the processes that live in it, and no other', () =>
    withProgram(async (standing) => {
      expect(treeOf(standing.pid)).toEqual([standing.pid])
      const { pid } = await standing.ask('have a child')
      expect(treeOf(standing.pid)).toEqual([standing.pid, Number(pid)])
      expect(treeOf(process.pid)).toContain(Number(pid))
      await standing.ask('end it')
    }))

  test('remembers its peak after the memory is given back, until it is reset', () =>
    withProgram(async (standing) => {
      const before = useOf(standing.pid).residentMb
      await standing.ask('take')
      expect(useOf(standing.pid).residentMb).toBeGreaterThan(before + 50)
      resetPeak(standing.pid)
      expect(useOf(standing.pid).residentMb).toBeLessThan(before + 150)
    }))
})

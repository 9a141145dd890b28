import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { plantedBugs, plantedBugsMin } from '../planted/bugs.ts'

/** What can be known of the planted bugs without planting them; `npm run test:planted` does that. */
describe('the planted bugs', () => {
  it('each have one place in the source as it is: where code was rebuilt, its bugs are planted again', () => {
    const lost = plantedBugs.filter(({ file, find }) => readFileSync(file, 'utf8').split(find).length !== 2)
    expect(lost.map(({ file, name }) => `${file}: ${name}`)).toEqual([])
  })

  it('change something, have names of their own, and killers that are there', () => {
    expect(plantedBugs.filter(({ find, replace }) => find === replace)).toEqual([])
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length)
    const files = plantedBugs.map(({ killer: { project, file } }) => join('test', project, file))
    expect(files.filter((file) => !existsSync(file))).toEqual([])
  })

  it('never become fewer', () => {
    expect(plantedBugs.length).toBeGreaterThanOrEqual(plantedBugsMin)
  })
})

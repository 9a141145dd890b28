import { describe, expect, it } from 'vitest'
import { type TaskState, taskTransitions, transition } from '../../../src/runtime/task-state.ts'

const states = Object.keys(taskTransitions) as TaskState[]

describe('a task', () => {
  it('goes where its table says and nowhere else', () => {
    for (const from of states) {
      for (const to of states) {
        if (taskTransitions[from].includes(to)) expect(transition('0_0', from, to)).toBe(to)
        else expect(() => transition('0_0', from, to)).toThrow(`from ${from} to ${to}`)
      }
    }
  })

  it('can always be closed, once', () => {
    expect(states.filter((from) => !taskTransitions[from].includes('CLOSED'))).toEqual(['CLOSED'])
  })
})

import { describe, expect, it } from 'vitest'
import { TaskEnd } from '../../../src/runtime/task-end.ts'

function open(committed: string | null = null): TaskEnd {
  const end = new TaskEnd()
  end.begin(committed)
  return end
}

describe('the end of a task', () => {
  it('is committed when all that was kept back is handed on, and not before', () => {
    const end = open()
    end.mark('a')
    expect([end.isFlushing, end.isReached, end.hasChanged]).toEqual([true, false, false])
    end.flushed()
    expect([end.isFlushing, end.isReached, end.hasChanged]).toEqual([false, true, true])
    expect([end.cut(), end.committed, end.hasChanged]).toEqual(['a', 'a', false])
  })

  it('found committed is handed on already, whatever its token was', () => {
    const end = open('a')
    expect([end.isReached, end.hasChanged]).toEqual([true, false])
    end.mark('b')
    expect([end.isFlushing, end.cut()]).toEqual([false, 'b'])
  })

  it('is taken back by other work, which a commit says', () => {
    const end = open('a')
    end.takeBack()
    expect([end.isReached, end.hasChanged, end.cut()]).toEqual([false, true, null])
    end.mark('b')
    expect(end.isFlushing).toBe(true)
    end.takeBack()
    end.flushed()
    expect([end.isFlushing, end.isReached]).toEqual([false, false])
  })
})

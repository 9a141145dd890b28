import { describe, expect, it } from 'vitest'
import { HandlerTransport } from '../../../src/kafka/handler-transport.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { gate, quiet } from '../../support/scripted-transport.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

/** A lane to a broker whose answers the test writes. */
function lane(answer: (frame: Buffer) => Promise<Buffer | null>) {
  const clock = new SteppedClock()
  const closed: number[] = []
  let connections = 0
  const connect = () => {
    const id = connections++
    return { handle: answer, close: () => void closed.push(id) }
  }
  const transport = new HandlerTransport(connect, clock, 'test')
  const ask = (deadline: number): Promise<Buffer> =>
    transport.request('data', 0, apiVersions.key, 0, apiVersions.request.encode(0, {}), deadline)
  return { clock, closed, ask }
}

const echo = (frame: Buffer): Buffer => Buffer.from(frame.subarray(4, 8))

describe('a request past its deadline', () => {
  it('is not sent any more when it was still waiting for its turn', async () => {
    const held = gate()
    const came: number[] = []
    const { clock, ask } = lane(async (frame) => {
      came.push(frame.readInt32BE(4))
      if (came.length === 1) await held.opened
      return echo(frame)
    })
    const first = ask(60_000)
    const second = ask(100)
    const refused = expect(second).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' })
    await quiet()
    clock.advance(100)
    await refused
    held.open()
    await first
    await quiet()
    expect(came).toEqual([0])
  })

  it('leaves the one under way its connection when it was still waiting', async () => {
    const held = gate()
    const { clock, ask, closed } = lane(async (frame) => {
      await held.opened
      return echo(frame)
    })
    const first = ask(60_000)
    const refused = expect(ask(100)).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' })
    await quiet()
    clock.advance(100)
    await refused
    expect(closed).toEqual([])
    held.open()
    await first
  })

  it('costs its lane the connection when it was under way, and the next goes on over another', async () => {
    let requests = 0
    const { clock, ask, closed } = lane((frame) =>
      requests++ === 0 ? new Promise(() => undefined) : Promise.resolve(echo(frame)),
    )
    const refused = expect(ask(100)).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' })
    await quiet()
    clock.advance(100)
    await refused
    expect(closed).toEqual([0])
    expect(await ask(clock.monotonicMs() + 100)).toBeInstanceOf(Buffer)
  })
})

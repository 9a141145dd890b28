import { afterAll, beforeAll } from 'vitest'
import { takeoverSuite } from '../contract/takeover-suite.ts'
import { type BrokerProcess, startBrokerProcess } from '../support/broker-process.ts'
import { scratch } from '../support/job-runner.ts'

let broker: BrokerProcess | null = null
const folder = await scratch()

beforeAll(async () => {
  broker = await startBrokerProcess(folder.path)
})
afterAll(async () => {
  await broker?.kill()
  await folder[Symbol.asyncDispose]()
})

takeoverSuite('the embedded broker over TCP', () => `127.0.0.1:${broker?.port}`)

import { killSuite } from '../contract/kill-suite.ts'

killSuite('the embedded broker', { kills: 20, brokers: null })

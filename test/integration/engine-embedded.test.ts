import { engineEdgesSuite } from '../contract/engine-edges-suite.ts'
import { engineGraphSuite } from '../contract/engine-graph-suite.ts'
import { engineHeadersSuite } from '../contract/engine-headers-suite.ts'
import { engineLimitsSuite } from '../contract/engine-limits-suite.ts'
import { engineNullsSuite } from '../contract/engine-nulls-suite.ts'
import { type EngineEnvironment, engineSuite } from '../contract/engine-suite.ts'
import { withBrokerOf } from '../support/embedded-broker.ts'

/** The embedded broker in the job's own process; foreign clients come while no job has its directory. */
const inProcess: EngineEnvironment = {
  areBrokersShared: false,
  config: (dataDirectory) => ({ dataDirectory }),
  withBrokers: withBrokerOf,
}

engineSuite('the embedded broker in its own process', () => inProcess)
engineEdgesSuite('the embedded broker in its own process', () => inProcess)
engineGraphSuite('the embedded broker in its own process', () => inProcess)
engineHeadersSuite('the embedded broker in its own process', () => inProcess)
engineLimitsSuite('the embedded broker in its own process', () => inProcess)
engineNullsSuite('the embedded broker in its own process', () => inProcess)

import { brokerBugs1 } from './bugs/broker-1.ts'
import { brokerBugs2 } from './bugs/broker-2.ts'
import { checkpointBugs1 } from './bugs/checkpoint-1.ts'
import { checkpointBugs2 } from './bugs/checkpoint-2.ts'
import { graphBugs } from './bugs/graph.ts'
import { kafkaBugs1 } from './bugs/kafka-1.ts'
import { kafkaBugs2 } from './bugs/kafka-2.ts'
import { namingBugs } from './bugs/naming.ts'
import { nullsBugs } from './bugs/nulls.ts'
import { operatorsBugs } from './bugs/operators.ts'
import { paceBugs } from './bugs/pace.ts'
import { protocolBugs } from './bugs/protocol.ts'
import { recordPathBugs } from './bugs/record-path.ts'
import { runtimeBugs1 } from './bugs/runtime-1.ts'
import { runtimeBugs2 } from './bugs/runtime-2.ts'
import { stateBugs } from './bugs/state.ts'
import { stateBugs2 } from './bugs/state-2.ts'
import { topologyBugs } from './bugs/topology.ts'
import { secondTransactionBugs } from './bugs/transactions-2.ts'
import { unitsBugs } from './bugs/units.ts'
import type { PlantedBug } from './planted-bug.ts'

/** The list never gets shorter: a bug whose place has been rebuilt is planted again where its mistake can be made now. */
export const plantedBugsMin = 236

/** All planted bugs. */
export const plantedBugs: readonly PlantedBug[] = [
  ...checkpointBugs1,
  ...checkpointBugs2,
  ...runtimeBugs1,
  ...runtimeBugs2,
  ...paceBugs,
  ...unitsBugs,
  ...kafkaBugs1,
  ...kafkaBugs2,
  ...stateBugs,
  ...stateBugs2,
  ...operatorsBugs,
  ...nullsBugs,
  ...protocolBugs,
  ...recordPathBugs,
  ...topologyBugs,
  ...graphBugs,
  ...namingBugs,
  ...brokerBugs1,
  ...brokerBugs2,
  ...secondTransactionBugs,
]

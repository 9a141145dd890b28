import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { deleteGroups, describeGroups, listGroups } from '../../protocol/messages/group.ts'
import type { offsetDelete } from '../../protocol/messages/offsets.ts'
import { type Group, metadataOf } from '../groups/group.ts'
import type { Services } from '../services.ts'
import { fact } from '../storage/facts.ts'

const nothing = Buffer.alloc(0)

type Described = ResponseInput<typeof describeGroups>['groups'][number]

/** DescribeGroups (15). A group that is not there is Dead, without an error. */
export function handleDescribeGroups(
  services: Services,
  request: RequestOf<typeof describeGroups>,
): ResponseInput<typeof describeGroups> {
  return {
    groups: request.groups.map((groupId) => {
      const group = find(services, groupId)
      return group ? describe(group) : absent(groupId)
    }),
  }
}

function describe(group: Group): Described {
  // What members told and got counts only once it is agreed upon.
  const isStable = group.state === 'Stable'
  return {
    errorCode: kafkaError.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? metadataOf(member.terms.protocols, group.protocolName) : nothing,
      memberAssignment: isStable ? member.assignment : nothing,
    })),
  }
}

function absent(groupId: string): Described {
  return {
    errorCode: kafkaError.NONE,
    groupId,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
  }
}

/** ListGroups (16). */
export function handleListGroups(
  services: Services,
  request: RequestOf<typeof listGroups>,
): ResponseInput<typeof listGroups> {
  for (const groupId of services.offsets.groupIds()) services.groups.getOrCreate(groupId)
  const wanted = request.statesFilter.map((state) => state.toLowerCase())
  const groups = [...services.groups.groups.values()]
    .filter(({ state }) => wanted.length === 0 || wanted.includes(state.toLowerCase()))
    .map(({ groupId, protocolType, state }) => ({ groupId, protocolType, groupState: state }))
  return { errorCode: kafkaError.NONE, groups }
}

/** DeleteGroups (42): groups without members, with all their offsets. */
export async function handleDeleteGroups(
  services: Services,
  request: RequestOf<typeof deleteGroups>,
): Promise<ResponseInput<typeof deleteGroups>> {
  const results = []
  for (const groupId of request.groupIds) {
    const group = find(services, groupId)
    let errorCode: number = kafkaError.NONE
    if (!group) errorCode = kafkaError.GROUP_ID_NOT_FOUND
    else if (group.state !== 'Empty') errorCode = kafkaError.NON_EMPTY_GROUP
    else {
      services.groups.forget(group)
      const removal = services.offsets.removeGroup(groupId)
      removal.apply()
      await services.facts.write([fact('group', [groupId], null), ...removal.changes])
    }
    results.push({ groupId, errorCode })
  }
  return { results }
}

/** OffsetDelete (47): offsets of topics that no member subscribes to. */
export async function handleOffsetDelete(
  services: Services,
  request: RequestOf<typeof offsetDelete>,
): Promise<ResponseInput<typeof offsetDelete>> {
  const { groupId } = request
  const group = find(services, groupId)
  if (!group) return { errorCode: kafkaError.GROUP_ID_NOT_FOUND, throttleTimeMs: 0, topics: [] }
  if (group.state !== 'Empty' && group.protocolType !== 'consumer') {
    return { errorCode: kafkaError.NON_EMPTY_GROUP, throttleTimeMs: 0, topics: [] }
  }
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ index }) => ({ index, errorCode: problemOf(services, group, name, index) })),
  }))
  const fine = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ errorCode }) => errorCode === kafkaError.NONE)
      .map(({ index }) => ({ topic: name, partition: index })),
  )
  await services.offsets.remove(groupId, fine)
  return { errorCode: kafkaError.NONE, throttleTimeMs: 0, topics }
}

function problemOf(services: Services, group: Group, topic: string, partition: number): number {
  if (!services.topics.log(topic, partition)) return kafkaError.UNKNOWN_TOPIC_OR_PARTITION
  return group.subscribes(topic) ? kafkaError.GROUP_SUBSCRIBED_TO_TOPIC : kafkaError.NONE
}

/** A group with members or with offsets. */
function find(services: Services, groupId: string): Group | undefined {
  const known = services.groups.groups.get(groupId)
  if (known || services.offsets.all(groupId).length === 0) return known
  return services.groups.getOrCreate(groupId)
}

import { api } from '../api.ts'
import { array, boolean, int8, int16, int32, nullableArray, nullableString, string } from '../codec.ts'
import { since, struct } from '../struct.ts'

/** `resourceType` of a topic. */
export const topicResource = 2
/** `resourceType` of a broker. */
export const brokerResource = 4

/** Settings of topics and brokers (key 32). `configurationKeys: null` asks for all. */
export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexibleSince: 4,
  request: struct({
    resources: array(struct({ resourceType: int8, resourceName: string, configurationKeys: nullableArray(string) })),
    includeSynonyms: since(1, boolean),
    includeDocumentation: since(3, boolean),
  }),
  response: struct({
    throttleTimeMs: since(0, int32),
    results: array(
      struct({
        errorCode: int16,
        errorMessage: nullableString,
        resourceType: int8,
        resourceName: string,
        configs: array(
          struct({
            name: string,
            value: nullableString,
            readOnly: boolean,
            configSource: since(1, int8, -1),
            isSensitive: boolean,
            synonyms: since(1, array(struct({ name: string, value: nullableString, source: int8 }))),
            configType: since(3, int8),
            documentation: since(3, nullableString),
          }),
        ),
      }),
    ),
  }),
})

const alterResponse = struct({
  throttleTimeMs: since(0, int32),
  responses: array(
    struct({ errorCode: int16, errorMessage: nullableString, resourceType: int8, resourceName: string }),
  ),
})

/** Replaces all settings of a resource (key 33). */
export const alterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexibleSince: 2,
  request: struct({
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configs: array(struct({ name: string, value: nullableString })),
      }),
    ),
    validateOnly: boolean,
  }),
  response: alterResponse,
})

/** Changes single settings of a resource (key 44); `configOperation` is 0 set, 1 delete, 2 append, 3 subtract. */
export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexibleSince: 1,
  request: struct({
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configs: array(struct({ name: string, configOperation: int8, value: nullableString })),
      }),
    ),
    validateOnly: boolean,
  }),
  response: alterResponse,
})

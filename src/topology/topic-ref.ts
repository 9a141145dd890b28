/** What the engine makes topics for. */
export type InternalRole = 'repartition' | 'changelog' | 'ingest' | 'positions' | 'egress'

/**
 * Where a topic comes from. Internal ones are named `<app>-<name>-<role>` when a job starts, since the application id
 * is only known then; `name` is the user's.
 */
export type TopicRef =
  | { readonly role: 'external'; readonly name: string }
  | { readonly role: InternalRole; readonly name: string }

/** The name of an internal topic in Kafka, or the external name itself. */
export function topicName(appId: string, ref: TopicRef): string {
  return ref.role === 'external' ? ref.name : `${appId}-${ref.name}-${ref.role}`
}

/** The topic in which an application keeps what is true of it as a whole: its plan, and where each store began. */
export function controlTopic(appId: string): string {
  return `${appId}-control`
}

/** One string a topic. */
export function refKey({ role, name }: TopicRef): string {
  return `${role}:${name}`
}

import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { kafkaJars, type RealKafka, startRealKafka } from '../support/real-kafka.ts'
import { type Expected, Judge, together } from './judge.ts'
import { nodeFlags } from './node-flags.ts'
import { StandingProcess } from './standing-process.ts'

const cache = resolve('node_modules/.cache/millrace-kafka/streams-4.1.1')

/** A topic that both sides read, and what it must come to. Loaded once, when the first scenario needs it. */
export interface Input {
  readonly topic: string
  readonly keys: number
  readonly expected: Expected
}

/** Who does the work: a program that takes `start WORK INPUT OUTPUT APP FOLDER` and `stop`. */
export type Side = 'Millrace' | 'Kafka Streams'

/** One Kafka for both sides, the judge, and the programs of the sides. */
export class KafkaWorld {
  /** For whatever a scenario keeps on disk. */
  readonly folder: string
  readonly brokers: string
  readonly judge: Judge
  private readonly kafka: RealKafka
  private readonly classpath: string
  private readonly inputs = new Map<string, Promise<Input>>()

  private constructor(folder: string, kafka: RealKafka, classpath: string) {
    this.folder = folder
    this.kafka = kafka
    this.brokers = kafka.brokers
    this.classpath = classpath
    this.judge = new Judge(this.java('Judge'))
  }

  /** Starts Kafka and the judge. */
  static async open(folder: string): Promise<KafkaWorld> {
    const jars = join(await kafkaJars('test/bench/pom.xml', cache), '*')
    const sources = ['Judge', 'Peer'].map((name) => `test/bench/${name}.java`)
    await promisify(execFile)('javac', ['-d', folder, '-cp', jars, ...sources])
    return new KafkaWorld(folder, await startRealKafka(), `${jars}:${folder}`)
  }

  private java(name: string): StandingProcess {
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
    return new StandingProcess('java', ['-Xmx2g', quiet, '-cp', this.classpath, name, this.brokers])
  }

  /** Starts the program of a side. Millrace is the built one, as it is shipped. */
  side(side: Side): StandingProcess {
    if (side === 'Kafka Streams') return this.java('Peer')
    const args = [...nodeFlags, '--import', 'tsx', 'test/bench/own-side.ts', this.brokers]
    return new StandingProcess(process.execPath, args)
  }

  /** The input of so many records over so many keys. */
  input(records: number, keys: number): Promise<Input> {
    const topic = `bench-${keys}`
    const loading = this.inputs.get(topic) ?? this.loaded(topic, records, keys)
    this.inputs.set(topic, loading)
    return loading
  }

  private async loaded(topic: string, records: number, keys: number): Promise<Input> {
    await this.judge.create(topic)
    return { topic, keys, expected: await this.judge.load(topic, records, keys, 0) }
  }

  /** Puts more records behind an input. @returns it with what it comes to now */
  async more(input: Input, records: number): Promise<Input> {
    const { topic, keys, expected } = input
    const added = await this.judge.load(topic, records, keys, expected.records)
    const grown = { topic, keys, expected: together(expected, added) }
    this.inputs.set(topic, Promise.resolve(grown))
    return grown
  }

  async close(): Promise<void> {
    await this.judge.end()
    await this.kafka.stop()
  }
}

import { describePlan } from '../topology/describe.ts'
import type { DescribeOptions } from './command-line.ts'
import { loadPipeline } from './load-pipeline.ts'
import type { CommandContext } from './run.ts'

/** `millrace describe`: prints the plan; nothing runs. @throws {StreamError} what the pipeline is refused for */
export async function describe(options: DescribeOptions, context: CommandContext): Promise<void> {
  const plan = await (await loadPipeline(options.file)).build(options.parameters)
  await context.out.write(`${describePlan(plan, options.appId ?? plan.name).trimEnd()}\n`)
}

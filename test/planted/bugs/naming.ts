import type { PlantedBug } from '../planted-bug.ts'

/** In what outlives an edit of a pipeline: beginnings, plans and their versions, who may run what. */
export const namingBugs: readonly PlantedBug[] = [
  {
    name: 'a store that began and shows nothing is taken for a new one',
    file: 'src/checkpoint/commit-agreement.ts',
    find: 'if (beginning === null || (row !== null && row.commitId >= beginning.commitId)) return null',
    replace: 'if (beginning === null || row === null || row.commitId >= beginning.commitId) return null',
    killer: {
      project: 'unit',
      file: 'checkpoint/commit-agreement.test.ts',
      test: 'the stores of a task have where one shows less than it began with',
    },
  },
  {
    name: 'beginnings are forgotten by a commit that the task had no part in',
    file: 'src/checkpoint/task-stores.ts',
    find: 'if (this.isBeginning) this.beginning = []',
    replace: 'this.beginning = []',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-stores.test.ts',
      test: 'the stores of a task tell the control topic where each began',
    },
  },
  {
    name: 'tasks that became one go on where the first store has it',
    file: 'src/checkpoint/task-stores.ts',
    find: '.filter(({ positions }) => input in positions)',
    replace: '.slice(0, 1)',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-stores.test.ts',
      test: 'the stores of a task go on where the commit has it',
    },
  },
  {
    name: 'a store that begins anew keeps the rows that are on the disk',
    file: 'src/checkpoint/store-meta.ts',
    find: `'topicId', 'beganAt'] as const`,
    replace: `'topicId'] as const`,
    killer: {
      project: 'unit',
      file: 'checkpoint/store-meta.test.ts',
      test: 'a store of another beganAt does not fit',
    },
  },
  {
    name: 'what a store had before it was begun anew counts as its beginning',
    file: 'src/checkpoint/control-topic.ts',
    find: 'found === undefined || found.plan < (this.plan?.fresh[store] ?? 0) ? null : found',
    replace: 'found ?? null',
    killer: {
      project: 'unit',
      file: 'checkpoint/control-topic.test.ts',
      test: 'the control topic has no beginning from before a store was begun anew',
    },
  },
  {
    name: 'a store that comes back is taken as it was left',
    file: 'src/job/plan-entry.ts',
    find: 'return plan > last && plan < version',
    replace: 'return plan > last && plan > version',
    killer: {
      project: 'unit',
      file: 'job/plan-entry.test.ts',
      test: 'a plan that is entered is refused where a store comes back',
    },
  },
  {
    name: 'internal topics of somebody else are written into',
    file: 'src/job/plan-entry.ts',
    find: '.filter((name) => this.control.plan?.topicIds[name] === undefined)',
    replace: ".filter((name) => name === '')",
    killer: {
      project: 'unit',
      file: 'job/plan-entry.test.ts',
      test: 'a plan that is entered is refused where an internal topic that nobody listed',
    },
  },
  {
    name: 'a task goes back to an older plan than its last commit',
    file: 'src/kafka/plan-mix.ts',
    find: 'version >= least && parts',
    replace: 'version > 0 && parts',
    killer: {
      project: 'unit',
      file: 'kafka/plan-mix.test.ts',
      test: 'members of different plans never give a task to a plan that is older',
    },
  },
  {
    name: 'plans that read topics together otherwise work side by side',
    file: 'src/kafka/plan-mix.ts',
    find: 'if (!isSame) return topic',
    replace: 'if (!isSame && part.tasks < 0) return topic',
    killer: {
      project: 'unit',
      file: 'kafka/plan-mix.test.ts',
      test: 'members of different plans do not mix',
    },
  },
  {
    name: 'a value that was left out is read as an empty one',
    file: 'src/runtime/record-queue.ts',
    find: 'cursor.valueLength !== 0 || input.value === presence || isValueEmpty(headers)',
    replace: 'cursor.valueLength >= 0 || isValueEmpty(headers)',
    killer: {
      project: 'integration',
      file: 'left-out-values.test.ts',
      test: 'a repartition topic whose values are left out, or needed again is refused by the record',
    },
  },
]

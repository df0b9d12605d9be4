/** What an agent asks for by its name. The skills are an application's; the queue has none. */
import type { z } from "zod";
import type { Caller, KeyRole } from "./keys.ts";
import type { QueueDoor } from "./queue-door.ts";

/** In the order of a list of skills. */
export const SKILL_CATEGORIES = ["event", "query", "action", "management"] as const;
export type SkillCategory = (typeof SKILL_CATEGORIES)[number];

/** What a skill works with, beside its input. */
export type SkillContext = {
  readonly queue: QueueDoor;
  readonly maxPayloadBytes: number;
  readonly caller: Caller;
  /** Aborts when whoever asked is gone. */
  readonly signal: AbortSignal;
};

/** Something that an agent asks for by its name. */
export type Skill<Input extends z.ZodType = z.ZodType> = {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly category: SkillCategory;
  /** What a key needs to ask for it. */
  readonly role: KeyRole;
  /** Whether the older system's agents expect to need a key for it. */
  readonly requiresAuth: boolean;
  /** Whether a task goes on when it has answered. */
  readonly isAsync: boolean;
  readonly input: Input;
  readonly output: z.ZodType;
  /** A `task_id` in the answer is told beside it as well. */
  run(input: z.output<Input>, context: SkillContext): Promise<Readonly<Record<string, unknown>>>;
};

/** Check a skill's types, and forget those of its input, as a list needs it. */
export function defineSkill<Input extends z.ZodType>(skill: Skill<Input>): Skill {
  return { ...skill, run: (input, context) => skill.run(skill.input.parse(input), context) };
}

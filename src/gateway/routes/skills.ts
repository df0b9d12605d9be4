/**
 * `/.well-known/agent.json` and `/a2a/…`: an agent finds out what there is, and asks for it by name,
 * in the shapes of an older system. The skills are the application's.
 */
import { z } from "zod";
import { packageVersion } from "../../system/package-folder.ts";
import { callerIn, refuseWithout } from "../access.ts";
import { refusalOf } from "../errors.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { signalOf } from "../gone.ts";
import { Refusal } from "../refusal.ts";
import { JsonObject, Name } from "../shapes.ts";
import { SKILL_CATEGORIES, type Skill } from "../skill.ts";

/** A skill may wait for a task for as long as a minute. */
const ANSWER_MS_MAX = 70_000;

const LISTED = {
  name: z.string(),
  display_name: z.string(),
  description: z.string(),
  category: z.enum(SKILL_CATEGORIES),
  requires_auth: z.boolean(),
  is_async: z.boolean(),
};
const ListedSkill = z.strictObject(LISTED).meta({ id: "ListedSkill" });
const DescribedSkill = z
  .strictObject({ ...LISTED, input_schema: JsonObject, output_schema: JsonObject })
  .meta({ id: "Skill" });

const Card = z.strictObject({
  agent: z.strictObject({
    name: z.string(),
    display_name: z.string(),
    description: z.string(),
    version: z.string(),
    vendor: z.string(),
    capabilities: z.array(z.string()),
  }),
  skills: z.array(DescribedSkill),
  endpoints: z.record(z.string(), z.string()),
  authentication: z.strictObject({
    required: z.boolean(),
    methods: z.array(z.string()),
    header: z.string(),
  }),
});

const ENDPOINTS = {
  execute_skill: "/a2a/execute",
  list_skills: "/a2a/skills",
  health: "/a2a/health",
};

export function skillRoutes(app: Gateway, parts: GatewayParts): void {
  introductionRoutes(app, parts);
  skillListRoute(app, parts);
  executeRoute(app, parts);
}

/** Open, as health is: a client learns here that it needs a key, and nothing of tasks. */
function introductionRoutes(app: Gateway, parts: GatewayParts): void {
  const { access, application } = parts;
  const { agent, skills } = application;
  const config = { role: "open" } as const;
  const version = packageVersion();
  const card = {
    agent: {
      name: agent.name,
      display_name: agent.displayName,
      description: agent.description,
      version,
      vendor: "triaged",
      capabilities: [...agent.capabilities],
    },
    skills: skills.map((skill) => ({ ...listed(skill), ...schemasOf(skill) })),
    endpoints: ENDPOINTS,
    authentication: { required: access.required, methods: ["api_key"], header: "X-API-Key" },
  };
  app.get(
    "/.well-known/agent.json",
    {
      config,
      schema: {
        summary: "Who this agent is, and its skills",
        tags: ["agents"],
        response: { 200: Card },
      },
    },
    () => card,
  );

  statusRoutes(app, parts);
}

/** `GET /a2a/health` and `GET /`: that it lives, for whoever looks after it. */
function statusRoutes(
  app: Gateway,
  { access, application: { agent, skills } }: GatewayParts,
): void {
  const config = { role: "open" } as const;
  const version = packageVersion();
  app.get(
    "/a2a/health",
    {
      config,
      schema: {
        summary: "Whether the agent lives",
        tags: ["agents"],
        response: {
          200: z.strictObject({
            status: z.literal("healthy"),
            agent: z.string(),
            version: z.string(),
            skills_registered: z.int(),
          }),
        },
      },
    },
    () => ({
      status: "healthy" as const,
      agent: agent.name,
      version,
      skills_registered: skills.length,
    }),
  );

  app.get(
    "/",
    {
      config,
      schema: {
        summary: "What serves here",
        tags: ["agents"],
        response: {
          200: z.strictObject({
            service: z.string(),
            status: z.literal("healthy"),
            version: z.string(),
            authentication_required: z.boolean(),
            endpoints: z.record(z.string(), z.string()),
          }),
        },
      },
    },
    () => ({
      service: agent.displayName,
      status: "healthy" as const,
      version,
      authentication_required: access.required,
      endpoints: {
        agent_card: "/.well-known/agent.json",
        ...ENDPOINTS,
        tasks: "/api/tasks",
        ready: "/ready",
        description: "/openapi.json",
      },
    }),
  );
}

function skillListRoute(app: Gateway, { application: { skills } }: GatewayParts): void {
  app.get(
    "/a2a/skills",
    {
      config: { role: "read" },
      schema: {
        summary: "The skills, or those of a category",
        tags: ["agents"],
        querystring: z.strictObject({ category: z.enum(SKILL_CATEGORIES).optional() }),
        response: { 200: z.strictObject({ skills: z.array(ListedSkill) }), ...FAILURES },
      },
    },
    ({ query: { category } }) => ({
      skills: skills
        .filter((one) => category === undefined || one.category === category)
        .map(listed),
    }),
  );
}

const Executed = z.strictObject({
  success: z.boolean(),
  data: JsonObject.nullable(),
  error: z.string().nullable(),
  task_id: z.string().nullable(),
});

function executeRoute(app: Gateway, { application, queue, maxPayloadBytes }: GatewayParts): void {
  app.post(
    "/a2a/execute",
    {
      config: { role: "read" },
      handlerTimeout: ANSWER_MS_MAX,
      schema: {
        summary: "Ask for a skill; one that fails is answered with success: false",
        tags: ["agents"],
        body: z.strictObject({ skill_name: Name, input_data: JsonObject.default({}) }),
        response: { 200: Executed, ...FAILURES },
      },
    },
    async (request, reply) => {
      const { skill_name: name, input_data: input } = request.body;
      const skill = application.skills.find((one) => one.name === name);
      if (skill === undefined) {
        throw new Refusal(404, "unknown_skill", `There is no skill ${JSON.stringify(name)}.`, {
          hint: "GET /a2a/skills lists them",
        });
      }
      const caller = callerIn(request);
      refuseWithout(skill.role, caller);
      const context = { queue, maxPayloadBytes, caller, signal: signalOf(reply) };
      try {
        const data = await skill.run(readInput(skill, input), context);
        const taskId = data["task_id"];
        return {
          success: true,
          data,
          error: null,
          task_id: typeof taskId === "string" ? taskId : null,
        };
      } catch (err) {
        const refusal = err instanceof Error ? refusalOf(err) : null;
        if (refusal?.statusCode === 503) {
          throw err; // Not of the skill: it may be asked for again.
        }
        if (refusal === null) {
          request.log.error({ err, skill: name }, "skill failed");
        }
        const error = refusal?.message ?? "The skill failed; the log of the gateway has more.";
        return { success: false, data: null, error, task_id: null };
      }
    },
  );
}

/** Throws a Refusal that names the fields which do not fit. */
function readInput(skill: Skill, input: unknown): unknown {
  const parsed = skill.input.safeParse(input);
  if (parsed.success) {
    return input;
  }
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${["input_data", ...path].join(".")}: ${message}`,
  );
  throw new Refusal(422, "invalid_request", issues.join("; "), {
    hint: "GET /.well-known/agent.json has the schema of each input",
  });
}

function listed(skill: Skill) {
  return {
    name: skill.name,
    display_name: skill.displayName,
    description: skill.description,
    category: skill.category,
    requires_auth: skill.requiresAuth,
    is_async: skill.isAsync,
  };
}

function schemasOf({ input, output }: Skill) {
  return {
    input_schema: jsonSchemaOf(input, "input"),
    output_schema: jsonSchemaOf(output, "output"),
  };
}

function jsonSchemaOf(type: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  return { ...z.toJSONSchema(type, { io, unrepresentable: "any" }) };
}

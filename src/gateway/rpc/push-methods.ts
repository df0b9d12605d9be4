/** Where the transitions of a task are pushed, by JSON-RPC. Secrets go in, and never out. */
import { z } from "zod";
import type { PushReceiver } from "../../database/arguments.ts";
import { deletePushConfig, listPushConfigs, setPushConfig } from "../../database/outbox.ts";
import type { ListedPushConfig } from "../../database/rows.ts";
import { refusePrivateHost } from "../../system/private-address.ts";
import type { Dialect } from "./a2a-task.ts";
import { parseParams, type RpcContext, readRow, taskIdIn, wrongParams } from "./methods.ts";

type Params = Readonly<Record<string, unknown>>;

const Text = z
  .string()
  .max(10_000)
  .nullish()
  .transform((given) => (given == null || given === "" ? undefined : given));

const Receiver = z.looseObject({
  url: z.string().min(1).max(2_000),
  id: Text,
  token: Text,
  hmac_secret: Text,
  jwt_secret: Text,
  jwt_issuer: Text,
  jwt_audience: Text,
  jwt_kid: Text,
  authentication: z
    .null({ error: "expected none: send a token, an hmac_secret or a jwt_secret" })
    .optional(),
});

type Wanted = PushReceiver & { readonly id: string | undefined };

/** Throws an RpcError; an address in a private network is refused, as the delivery would. */
export async function receiverOf(
  given: unknown,
  { allowPrivate }: Pick<RpcContext, "allowPrivate">,
): Promise<Wanted> {
  const one = parseParams(Receiver, given);
  await refusePrivateUrl(one.url, { allowPrivate });
  return {
    id: one.id,
    url: one.url,
    token: one.token,
    hmacSecret: one.hmac_secret,
    jwtSecret: one.jwt_secret,
    jwtIssuer: one.jwt_issuer,
    jwtAudience: one.jwt_audience,
    jwtKid: one.jwt_kid,
  };
}

/** Throws an RpcError for an address to which nothing may be pushed. */
export async function refusePrivateUrl(
  url: string,
  { allowPrivate }: Pick<RpcContext, "allowPrivate">,
): Promise<void> {
  const parsed = URL.parse(url);
  if (allowPrivate || parsed === null) {
    return;
  }
  try {
    await refusePrivateHost(parsed);
  } catch (err) {
    throw wrongParams(`url: ${err instanceof Error ? err.message : String(err)}`);
  }
}

export async function setConfig(params: Params, context: RpcContext): Promise<unknown> {
  const { queue, caller, dialect } = context;
  const taskId = taskIdIn(params);
  const receiver = await receiverOf(params["pushNotificationConfig"] ?? params, context);
  const rows = await queue.write(caller, async (db) => {
    await readRow(db, taskId);
    const id = await setPushConfig(db, taskId, receiver);
    return (await listPushConfigs(db, taskId)).filter((one) => one.id === id);
  });
  return rows.map((row) => configOf(row, taskId, dialect))[0];
}

export async function getConfig(params: Params, context: RpcContext): Promise<unknown> {
  const taskId = taskIdIn(params);
  const id = configIdIn(params, context.dialect);
  const rows = await configsOf(taskId, context);
  const found = rows.find((one) => id === undefined || one.id === id);
  if (found === undefined) {
    throw wrongParams(`task ${taskId} has no push config${id === undefined ? "" : ` ${id}`}`);
  }
  return configOf(found, taskId, context.dialect);
}

export async function listConfigs(params: Params, context: RpcContext): Promise<unknown> {
  const taskId = taskIdIn(params);
  const rows = await configsOf(taskId, context);
  const configs = rows.map((row) => configOf(row, taskId, context.dialect));
  return context.dialect === "0.3" ? configs : { configs, nextPageToken: "" };
}

export async function deleteConfig(params: Params, context: RpcContext): Promise<unknown> {
  const { queue, caller, dialect } = context;
  const taskId = taskIdIn(params);
  const id = configIdIn(params, dialect);
  if (id === undefined) {
    throw wrongParams("params.pushNotificationConfigId: expected the id of a push config");
  }
  await queue.write(caller, (db) => deletePushConfig(db, taskId, id));
  return dialect === "0.3" ? null : {};
}

/** With the role of producers: readers of the database do not see where tasks are pushed. */
async function configsOf(
  taskId: string,
  { queue, caller }: RpcContext,
): Promise<ListedPushConfig[]> {
  return await queue.write(caller, async (db) => {
    await readRow(db, taskId);
    return await listPushConfigs(db, taskId);
  });
}

/** 0.3 calls the task `id`, 1.0 the config. */
function configIdIn(params: Params, dialect: Dialect): string | undefined {
  const given = dialect === "1.0" ? params["id"] : params["pushNotificationConfigId"];
  return parseParams(WithConfigId, { id: given }).id;
}

const WithConfigId = z.object({ id: Text });

function configOf(row: ListedPushConfig, taskId: string, dialect: Dialect) {
  const { id, url } = row;
  return dialect === "0.3" ? { taskId, pushNotificationConfig: { id, url } } : { taskId, id, url };
}

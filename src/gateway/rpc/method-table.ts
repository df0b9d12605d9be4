/** The methods of JSON-RPC, by each of their names, and what each asks of a key. */
import { refuseWithout } from "../access.ts";
import type { Caller, KeyRole } from "../keys.ts";
import type { Dialect } from "./a2a-task.ts";
import { RPC_CODES, RpcError } from "./json-rpc.ts";
import { receiveMessage, sendOne } from "./message-methods.ts";
import { cancelOne, getOne, listSome, type RpcContext, taskIdIn } from "./methods.ts";
import { deleteConfig, getConfig, listConfigs, setConfig } from "./push-methods.ts";

type Params = Readonly<Record<string, unknown>>;
type Answering = (params: Params, context: RpcContext) => Promise<unknown>;

/** What a name stands for: an answer, or the id of a task whose events are the answer. */
type Work =
  | { readonly answer: Answering }
  | { readonly follow: (params: Params, context: RpcContext) => Promise<string> };

type RpcMethod = Work & { readonly role: KeyRole; readonly dialect: Dialect };

type Named = Work & {
  /** Of 0.3, with `/` in it, or with dots: `tasks/get` is `tasks.get` too. */
  readonly older: readonly string[];
  /** Of A2A 1.0. */
  readonly newer: readonly string[];
  readonly role: KeyRole;
};

const METHODS: readonly Named[] = [
  { older: ["tasks/get"], newer: ["GetTask"], role: "read", answer: getOne },
  { older: ["tasks/list"], newer: ["ListTasks"], role: "read", answer: listSome },
  { older: ["tasks/cancel"], newer: ["CancelTask"], role: "operate", answer: cancelOne },
  { older: ["message/send"], newer: ["SendMessage"], role: "enqueue", answer: sendOne },
  {
    older: ["message/stream"],
    newer: ["SendStreamingMessage"],
    role: "enqueue",
    follow: async (params, context) => (await receiveMessage(params, context)).taskId,
  },
  {
    older: ["tasks/pushNotificationConfig/set"],
    newer: ["CreateTaskPushNotificationConfig"],
    role: "enqueue",
    answer: setConfig,
  },
  {
    older: ["tasks/pushNotificationConfig/get"],
    newer: ["GetTaskPushNotificationConfig"],
    role: "read",
    answer: getConfig,
  },
  {
    older: ["tasks/pushNotificationConfig/list"],
    newer: ["ListTaskPushNotificationConfigs"],
    role: "read",
    answer: listConfigs,
  },
  {
    older: ["tasks/pushNotificationConfig/delete"],
    newer: ["DeleteTaskPushNotificationConfig"],
    role: "enqueue",
    answer: deleteConfig,
  },
  {
    older: ["tasks/resubscribe", "tasks/subscribe"],
    newer: ["SubscribeToTask"],
    role: "read",
    follow: (params) => Promise.resolve(taskIdIn(params)),
  },
];

/** Every name that there is. */
const RPC_METHODS: ReadonlyMap<string, RpcMethod> = new Map(
  METHODS.flatMap(({ older, newer, ...method }): [string, RpcMethod][] => [
    ...older.flatMap((name): [string, RpcMethod][] => [
      [name, { ...method, dialect: "0.3" }],
      [name.replaceAll("/", "."), { ...method, dialect: "0.3" }],
    ]),
    ...newer.map((name): [string, RpcMethod] => [name, { ...method, dialect: "1.0" }]),
  ]),
);

/** The method of a name, for whoever may call it. Throws an RpcError, or a Refusal (403). */
export function rpcMethodOf(name: string, caller: Caller): RpcMethod {
  const method = RPC_METHODS.get(name);
  if (method === undefined) {
    throw new RpcError(
      RPC_CODES.unknownMethod,
      `There is no method ${JSON.stringify(name.slice(0, 100))}.`,
      {
        error: "unknown_method",
        hint: `there are ${METHODS.flatMap(({ older }) => older.slice(0, 1)).join(", ")}`,
      },
    );
  }
  refuseWithout(method.role, caller);
  return method;
}

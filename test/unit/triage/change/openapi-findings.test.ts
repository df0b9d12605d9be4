import { expect, test } from "vitest";
import { changeFindings } from "../../../../src/triage/change/change-findings.ts";
import { diffedFile, told, wholeFile } from "../../../support/changes.ts";

type Document = Readonly<Record<string, unknown>>;

const ITEM = { type: "object", required: ["id"], properties: { id: { type: "string" } } };

function api(get: object, more: object = {}): Document {
  return { openapi: "3.1.0", paths: { "/users/{id}": { get } }, ...more };
}

function answering(schema: object): object {
  return { responses: { 200: { content: { "application/json": { schema } } } } };
}

function asking(body: object): object {
  const content = { "application/json": { schema: body } };
  return { requestBody: { required: true, content }, responses: {} };
}

function having(name: string, schema: object): object {
  return { type: "object", properties: { [name]: schema } };
}

function components(Item: object): object {
  return { components: { schemas: { Item } } };
}

function toldOf(before: Document, after: Document): string[] {
  return told(wholeFile("openapi.json", JSON.stringify(before), JSON.stringify(after)));
}

test("an operation that goes breaks, in YAML as well", () => {
  const before = "openapi: 3.1.0\npaths:\n  /users:\n    get: {}\n    post: {}\n";
  const after = "openapi: 3.1.0\npaths:\n  /users:\n    get: {}\n";

  expect(told(wholeFile("docs/openapi.yaml", before, after))).toEqual([
    "http.route_removed POST /users yes",
  ]);
});

test("the path of the server belongs to the routes", () => {
  const servers = [{ url: "https://api.example.com/v1" }];

  expect(toldOf(api({}, { servers }), api({}, { servers, paths: {} }))).toEqual([
    "http.route_removed GET /v1/users/{id} yes",
  ]);
});

test.for([
  ["comes", undefined, "yes"],
  ["was optional", { name: "page", in: "query" }, "yes"],
] as const)("a required parameter that %s breaks", ([, old]) => {
  const parameter = { name: "page", in: "query", required: true };

  expect(
    toldOf(api({ parameters: old === undefined ? [] : [old] }), api({ parameters: [parameter] })),
  ).toEqual(["http.param_required GET /users/{id} page yes"]);
});

test("a parameter that may be left out breaks nothing", () => {
  const parameters = [{ name: "page", in: "query" }];

  expect(toldOf(api({}), api({ parameters }))).toEqual([]);
});

test("a property of the body that must be there breaks", () => {
  const name = { ...ITEM, required: ["id", "name"], properties: { name: { type: "string" } } };

  expect(toldOf(api(asking(ITEM)), api(asking(name)))).toEqual([
    "http.renamed GET /users/{id} id yes -> name",
  ]);
});

test.for([
  ["goes", { properties: {} }, "http.response_removed GET /users/{id} id yes"],
  [
    "has another type",
    { required: ["id"], properties: { id: { type: "integer" } } },
    "http.response_changed GET /users/{id} id yes",
  ],
  [
    "is not promised any more",
    { properties: { id: { type: "string" } } },
    "http.response_changed GET /users/{id} id maybe",
  ],
] as const)("a property of the response that %s is found", ([, schema, expected]) => {
  expect(toldOf(api(answering(ITEM)), api(answering(schema)))).toEqual([expected]);
});

test("a property behind a reference is followed, and one that is added breaks nothing", () => {
  const reference = answering({ type: "array", items: { $ref: "#/components/schemas/Item" } });
  const more = { ...ITEM, properties: { ...ITEM.properties, name: { type: "string" } } };

  expect(toldOf(api(reference, components(ITEM)), api(reference, components(more)))).toEqual([]);
  expect(toldOf(api(reference, components(more)), api(reference, components(ITEM)))).toEqual([
    "http.response_removed GET /users/{id} [].name yes",
  ]);
});

test("a schema that contains itself ends", () => {
  const node = { properties: { next: { $ref: "#/components/schemas/Node" } } };
  const document = api(answering({ $ref: "#/components/schemas/Node" }), {
    components: { schemas: { Node: node } },
  });

  expect(toldOf(document, document)).toEqual([]);
});

test("security on what anybody could call breaks, once for a header", () => {
  const securitySchemes = { key: { type: "apiKey", in: "header", name: "X-API-Key" } };
  const keys = { components: { securitySchemes } };

  expect(toldOf(api({}), api({}, { ...keys, security: [{ key: [] }] }))).toEqual([
    "http.auth_added X-API-Key yes",
  ]);
  expect(toldOf(api({}), api({}, { ...keys, security: [{}, { key: [] }] }))).toEqual([]);
});

test("the lines of a document that is not known whole name paths", () => {
  expect(told(diffedFile("openapi.yml", "-  /users/{id}:\n-    get:"))).toEqual([
    "http.route_removed /users/{id} maybe",
  ]);
});

test("a document that does not parse is read by its lines", () => {
  const before = "openapi: 3.1.0\npaths:\n  /users:\n    get: {}\n";

  expect(told(wholeFile("openapi.yaml", before, `${before}\t: [`))).toEqual([]);
  expect(told(wholeFile("openapi.yaml", before, "{ broken"))).toEqual([
    "http.route_removed /users maybe",
  ]);
});

test("a document whose aliases unfold without end is read by its lines alone", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const bomb = names.map((name, index) => {
    const before = index === 0 ? '"x"' : `*${names[index - 1]}`;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join(",")}]`;
  });
  const text = `openapi: 3.1.0\n${bomb.join("\n")}\npaths:\n`;
  const file = wholeFile("openapi.yaml", `${text}  /users:\n    get: {}\n`, `${text}  {}\n`);

  expect(told(file)).toEqual(["http.route_removed /users maybe"]);
});

test("many operations that go are found in one pass", () => {
  const paths = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, index) => [`/users/${index}`, { get: {} }]),
  );

  expect(toldOf({ openapi: "3.1.0", paths }, { openapi: "3.1.0", paths: {} })).toHaveLength(1_000);
});

test.for([
  ["its placeholders", "app.get('/v1/users/:id', show)", "/v1/users/{id}"],
  ["a prefix that another file gives it", "router.get('/users/:id', show)", "/v1/users/{id}"],
  ["any method", "app.all('/v1/users/:id', show)", "/v1/users/{id}"],
] as const)(
  "a route that code and document write differently, by %s, is told once",
  ([, call, path]) => {
    const document = JSON.stringify({ openapi: "3.1.0", paths: { [path]: { get: {} } } });
    const empty = JSON.stringify({ openapi: "3.1.0", paths: {} });

    const found = told(
      wholeFile("openapi.json", document, empty),
      wholeFile("src/app.js", `${call};\n`, ""),
    );

    expect(found).toEqual([`http.route_removed GET ${path} yes`]);
  },
);

test("routes that have nothing but their end in common are told one by one", () => {
  const code = "app.get('/v1/users', a);\napp.get('/v1/teams', b);\n";

  expect(told(wholeFile("src/app.js", code, ""))).toHaveLength(2);
});

test("a property that stands in another one's place is told with it", () => {
  const cents = { required: ["cents"], properties: { cents: { type: "integer" } } };
  const minor = { required: ["minor"], properties: { minor: { type: "integer" } } };

  expect(toldOf(api(asking(cents)), api(asking(minor)))).toEqual([
    "http.renamed GET /users/{id} cents yes -> minor",
  ]);
  expect(toldOf(api(answering(cents)), api(answering(minor)))).toEqual([
    "http.renamed GET /users/{id} cents yes -> minor",
  ]);
  const more = { ...minor, properties: { ...minor.properties, major: { type: "integer" } } };
  expect(toldOf(api(answering(cents)), api(answering(more)))).toEqual([
    "http.response_removed GET /users/{id} cents yes",
  ]);
});

const NULLABLE = [
  { type: ["string", "null"] },
  { type: ["null", "string"] },
  { type: "string", nullable: true },
  { anyOf: [{ type: "string" }, { type: "null" }] },
];

test.for(NULLABLE)("null is written as %j, in other ways elsewhere, and nothing breaks", (name) => {
  for (const other of NULLABLE) {
    expect(
      toldOf(api(answering(having("name", name))), api(answering(having("name", other)))),
    ).toEqual([]);
    expect(toldOf(api(asking(having("name", name))), api(asking(having("name", other))))).toEqual(
      [],
    );
  }
});

test.for<readonly [title: string, before: object, after: object, told: readonly string[]]>([
  ["has fewer alternatives", { type: ["string", "null"] }, { type: "string" }, []],
  ["is a whole number", { type: "number" }, { type: "integer" }, []],
  ["is any number", { type: "integer" }, { type: "number" }, ["changed GET /users/{id} n yes"]],
  [
    "may be null, and need not have been there",
    { type: "string" },
    { type: "string", nullable: true },
    ["changed GET /users/{id} n maybe"],
  ],
] as const)("of an answer what %s is told as it harms", ([, before, after, expected]) => {
  expect(toldOf(api(answering(having("n", before))), api(answering(having("n", after))))).toEqual(
    expected.map((one) => `http.response_${one}`),
  );
});

const ANY_TEXT = { type: "string" };

function inSchema(schema: object): Document {
  return api({ parameters: [{ name: "sort", in: "query", schema: { ...ANY_TEXT, ...schema } }] });
}

function inItself(schema: object): Document {
  const parameters = [{ name: "sort", in: "query", ...ANY_TEXT, ...schema }];
  return { swagger: "2.0", paths: { "/users/{id}": { get: { parameters } } } };
}

function inBody(schema: object): Document {
  return api(asking(having("sort", { ...ANY_TEXT, ...schema })));
}

test.for<readonly [title: string, before: object, after: object, told: readonly string[]]>([
  ["a value that is not taken any more", { enum: ["a", "b"] }, { enum: ["a"] }, ["yes"]],
  ["a value that is taken as well", { enum: ["a"] }, { enum: ["a", "b"] }, []],
  ["values where any was taken", {}, { enum: ["a"] }, ["maybe"]],
  ["another type", { type: "string" }, { type: "integer" }, ["yes"]],
  ["a wider type", { type: "integer" }, { type: "number" }, []],
  ["a format", { type: "string" }, { type: "string", format: "uuid" }, []],
] as const)("%s of a parameter is told as it harms", ([, before, after, breaking]) => {
  const expected = breaking.map((one) => `http.param_changed GET /users/{id} sort ${one}`);
  for (const written of [inSchema, inItself, inBody]) {
    expect(toldOf(written(before), written(after))).toEqual(expected);
  }
});

test.for([
  ["query", "q"],
  ["header", undefined],
] as const)(
  "a demanded parameter of a %s spares who writes it in the query: %s",
  ([place, name]) => {
    const document = (parameter: object): string =>
      JSON.stringify({
        openapi: "3.0.0",
        paths: { "/find": { get: { parameters: [{ name: "q", in: place, ...parameter }] } } },
      });
    const file = wholeFile("openapi.json", document({}), document({ required: true }));

    expect(changeFindings({ files: [file] }).flatMap(({ matches }) => matches)).toEqual([
      {
        by: "route",
        method: "GET",
        path: "/find",
        ...(name === undefined ? {} : { without: name }),
      },
    ]);
  },
);

/** An operation with a body that may be left out. */
function mayHave(required: readonly string[]): object {
  const schema = { ...having("id", { type: "string" }), required };
  return { requestBody: { content: { "application/json": { schema } } }, responses: {} };
}

test("a member that a body must have may break whoever sends one that may be left out", () => {
  expect(toldOf(api(mayHave([])), api(mayHave(["id"])))).toEqual([
    "http.param_required GET /users/{id} id maybe",
  ]);
});

test("a body that must be sent now has what it must have demanded", () => {
  const schema = { ...having("id", { type: "string" }), required: ["id"] };
  const before = { requestBody: { content: { "application/json": { schema } } }, responses: {} };

  expect(toldOf(api(before), api(asking(schema)))).toEqual([
    "http.param_required GET /users/{id} id yes",
  ]);
});

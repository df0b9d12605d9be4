import { expect, test } from "vitest";
import { requestMethod } from "../../../../src/triage/consumer/request-method.ts";

/** The method of the line that has the path `/v1/x`. */
function methodOf(text: string): string | null {
  const lines = text.split("\n");
  const index = lines.findIndex((line) => line.includes("/v1/x"));
  const literal = /["'`]([^"'`]*\/v1\/x[^"'`]*)["'`]/.exec(lines[index] ?? "")?.[1] ?? "/v1/x";
  return requestMethod(lines, index, literal);
}

test.for([
  ["await api.get<Order>(`${base}/v1/x`)", "GET"],
  ["requests.delete(base + '/v1/x')", "DELETE"],
  ["client.POST('/v1/x', { body })", "POST"],
  ["fetch('/v1/x')", "GET"],
  ["fetch(`/v1/x/${params.get('id')}`, { method: 'DELETE' })", "DELETE"],
  ["fetch(new URL('/v1/x', base), { headers })", "GET"],
  ["await fetch(\n  '/v1/x',\n  {\n    method: \"PUT\",\n  },\n)", "PUT"],
  ["axios({ url: '/v1/x', method: 'patch' })", "PATCH"],
  ['http.NewRequest("PUT", base + "/v1/x", nil)', "PUT"],
  ["Net::HTTP.get(URI('http://orders/v1/x'))", "GET"],
  ["app.get('/page', () => fetch('/v1/x', { method: 'POST' }))", "POST"],
  ['curl -fsS -X DELETE "$BASE/v1/x"', "DELETE"],
  ["curl --silent \\\n  http://orders/v1/x", "GET"],
] as const)("%j asks by %s", ([text, method]) => {
  expect(methodOf(text)).toBe(method);
});

test.for([
  "fetch('/v1/x', options)",
  "fetch('/v1/x', { ...options })",
  "fetch('/v1/x', { method })",
  "fetch('/v1/x', { method: isNew ? 'POST' : 'PUT' })",
  "const url = '/v1/x';",
  "app.get('/page', proxy('/v1/x'))",
  "send('/v1/x', { method: kind })",
  "curl -d @body.json http://orders/v1/x",
  "fetch(\n  '/v1/x',\n",
])("nobody sees by which method %j asks", (text) => {
  expect(methodOf(text)).toBeNull();
});

import { expect, test } from "vitest";
import { diffedFile, told } from "../../../support/changes.ts";

const KEY_IN_README = diffedFile("README.md", "+Send the header `X-API-Key`.");

test.for([
  ["FastAPI's header", "app.py", '+key = APIKeyHeader(name="X-API-Key")', "X-API-Key"],
  ["a bearer", "app.py", "+bearer = HTTPBearer()", "authentication"],
  ["passport", "src/server.js", "+app.use(passport.authenticate('jwt'))", "authentication"],
  [
    "a token that is verified",
    "src/middleware/check.js",
    "+jwt.verify(token, key)",
    "authentication",
  ],
  ["a refusal", "routes.js", "+return res.status(401).end()", "authentication"],
  ["a header that is read", "api/index.ts", '+const key = req.headers["x-api-key"];', "x-api-key"],
] as const)("%s in code that serves may break", ([, path, diff, subject]) => {
  expect(told(diffedFile(path, diff))).toEqual([`http.auth_added ${subject} maybe`]);
});

const check = (name: string): string =>
  `if (req.headers["${name}"] !== key) res.status(401).end();`;

test("a credential by another header may break, as many checks as there are", () => {
  const diff = `-${check("x-api-key")}\n+${check("x-orders-key")}`;

  expect(told(diffedFile("server.js", diff))).toEqual(["http.auth_added x-orders-key maybe"]);
  expect(told(diffedFile("server.js", `-${check("x-api-key")}\n+${check("X-API-Key")}`))).toEqual(
    [],
  );
});

test("it breaks for certain where a document or an environment file tells of the key", () => {
  const app = diffedFile("app.py", "+bearer = HTTPBearer()");

  expect(told(app, KEY_IN_README)).toEqual(["http.auth_added X-API-Key yes"]);
  expect(told(app, diffedFile("docs/use.md", "+Get an API key first."))).toEqual([
    "http.auth_added authentication yes",
  ]);
});

test.for([
  ["an author", "app.py", "+author = book.author"],
  ["a report", "app.py", "+report = Report(401)"],
  ["a log-in page", "routes.js", "+// redirects to the login page"],
  ["a catalog", "src/server.js", "+const catalog = loadCatalog(log);"],
  ["a credential that the code sends", "app.py", '+headers = {"Authorization": f"Bearer {key}"}'],
  ["a test", "tests/test_app.py", "+assert response.status_code == 401"],
  ["a comment", "app.py", "+# APIKeyHeader is not used"],
  ["prose alone", "README.md", "+Send the header `X-API-Key`."],
  ["a check that was there in another form", "app.py", "-abort(401)\n+raise HTTPException(401)"],
  ["a check that goes", "app.py", "-bearer = HTTPBearer()"],
] as const)("%s is no new credential", ([, path, diff]) => {
  expect(told(diffedFile(path, diff))).toEqual([]);
});

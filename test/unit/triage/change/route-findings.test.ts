import { expect, test } from "vitest";
import { diffedFile, told, wholeFile } from "../../../support/changes.ts";

test.for([
  [
    "express",
    'import express from "express";\nconst app = express();',
    'app.get("/users/:id", h);',
  ],
  [
    "a router of express that the file mounts",
    'const express = require("express");\nconst r = express.Router();\napp.use("/users", r);',
    'r.get("/:id", h);',
  ],
  ["a chain of express", 'import express from "express";', 'app.route("/users/:id").get(h);'],
  ["fastify", 'import fastify from "fastify";', 'app.get("/users/:id", { schema }, h);'],
  [
    "an object of fastify",
    'import fastify from "fastify";',
    'app.route({ method: ["GET"], url: "/users/:id", handler });',
  ],
  ["hono", 'import { Hono } from "hono";\nconst app = new Hono();', 'app.get("/users/:id", h);'],
  [
    "koa with a prefix",
    'import Router from "@koa/router";\nconst r = new Router({ prefix: "/users" });',
    'r.get("user", "/:id", h);',
  ],
  [
    "a plugin of fastify with a prefix",
    'import fastify from "fastify";',
    'app.register(async (f) => { f.get("/:id", h); }, { prefix: "/users" });',
  ],
  [
    "Nest",
    'import { Controller, Get } from "@nestjs/common";',
    '@Controller("users")\nclass Users { @Get(":id") one() {} }',
  ],
] as const)("a route of %s that goes breaks", ([, head, route]) => {
  const file = wholeFile("src/server.ts", `${head}\n${route}\n`, `${head}\n`);

  expect(told(file)).toEqual(["http.route_removed GET /users/:id yes"]);
});

test.for([
  ["FastAPI", "api.py", '@app.get("/users/{id}")', "GET /users/{id}"],
  ["Flask", "api.py", '@bp.route("/users/<int:id>", methods=["PUT"])', "PUT /users/<int:id>"],
  ["express", "api.js", "router.delete('/users/:id', remove)", "DELETE /users/:id"],
  ["Nest", "users.ts", '  @Post("users/:id")', "POST /users/:id"],
] as const)("a removed line with a route of %s may break", ([, path, line, subject]) => {
  expect(told(diffedFile(path, `-${line}`))).toEqual([`http.route_removed ${subject} maybe`]);
});

test("the prefix of a router of FastAPI belongs to its routes", () => {
  const head = 'router = APIRouter(prefix="/v1")\n';
  const file = wholeFile("api.py", `${head}@router.get("/users")\n`, head);

  expect(told(file)).toEqual(["http.route_removed GET /v1/users maybe"]);
});

test.for([
  ["app.js", "app.use('/v1', require('./users'));"],
  ["main.ts", 'app.register(import("./users.ts"), { prefix: "/v1" });'],
  ["main.py", 'app.include_router(users.router, prefix="/v1")'],
  ["app.py", "app.register_blueprint(users, url_prefix='/v1')"],
] as const)("a prefix in %s that becomes another one may break", ([path, line]) => {
  const moved = line.replace("/v1", "/v2");

  expect(told(diffedFile(path, `-${line}\n+${moved}`))).toEqual([
    "http.route_changed /v1/** maybe -> /v2/**",
  ]);
  expect(told(wholeFile(path, `${line}\n`, `${line}\n${moved}\n`))).toEqual([]);
});

test("a route that has another path is changed, and the new one is told", () => {
  const file = diffedFile("api.py", '-@app.get("/v1/users")\n+@app.get("/v2/users")');

  expect(told(file)).toEqual(["http.route_changed GET /v1/users maybe -> GET /v2/users"]);
});

test("a route that has another method is changed", () => {
  const file = diffedFile("api.py", '-@app.put("/users")\n+@app.patch("/users")');

  expect(told(file)).toEqual(["http.route_changed PUT /users maybe -> PATCH /users"]);
});

test.for([
  ["that moves to another file", "-app.get('/users', h)", "+app.get('/users', h)"],
  ["whose placeholder has another name", "-app.get('/u/:id', h)", "+app.get('/u/:userId', h)"],
  ["that every method serves", "-app.get('/users', h)", "+app.all('/users', h)"],
  ["that is added", "", "+app.get('/users', h)"],
] as const)("a route %s breaks nothing", ([, left, right]) => {
  expect(told(diffedFile("a.js", left), diffedFile("b.js", right))).toEqual([]);
});

test.for([
  ["a request of a client", "src/fetch.js", "-axios.get('/users', options)"],
  ["a request in Python", "client.py", '-requests.get("/users")'],
  ["a test", "test/users.test.js", "-app.get('/users', h)"],
  ["a look-up in a map", "src/cache.js", "-cache.get('/users', fallback)"],
  ["prose", "README.md", "-app.get('/users', h)"],
] as const)("%s is no route", ([, path, diff]) => {
  expect(told(diffedFile(path, diff))).toEqual([]);
});

test("a file that names no framework is read by patterns, and nothing is certain", () => {
  const file = wholeFile("routes.js", "module.exports = (app) => app.get('/users', h);\n", "\n");

  expect(told(file)).toEqual(["http.route_removed GET /users maybe"]);
});

const HANDLER = "export async function GET() {}\nexport const POST = () => {};\n";
const PAGE = "export default function handler() {}\n";

test.for([
  ["app/(shop)/orders/[id]/route.ts", HANDLER, ["GET /orders/:id", "POST /orders/:id"]],
  ["src/routes/orders/+server.js", HANDLER, ["GET /orders", "POST /orders"]],
  ["pages/api/orders/index.ts", PAGE, ["/api/orders"]],
  ["server/api/orders/[id].delete.ts", PAGE, ["DELETE /api/orders/:id"]],
] as const)("the routes of %s go with it", ([path, text, routes]) => {
  expect(told(wholeFile(path, text, null))).toEqual(
    routes.map((route) => `http.route_removed ${route} yes`),
  );
});

test("a file that serves routes and moves between groups of folders takes none away", () => {
  const file = wholeFile("app/(b)/orders/route.ts", HANDLER, HANDLER);

  expect(told({ ...file, oldPath: "app/(a)/orders/route.ts" })).toEqual([]);
});

test.for([
  ["main.go", 'r.GET("/v1/orders/:id", show)', "GET /v1/orders/:id"],
  ["main.go", 'mux.HandleFunc("POST /v1/orders", add)', "POST /v1/orders"],
  ["main.go", 'http.HandleFunc("/v1/orders", all)', "/v1/orders"],
  ["Program.cs", 'app.MapGet("/v1/orders/{id}", Show);', "GET /v1/orders/{id}"],
  [
    "A.java",
    '@RequestMapping("/v1")\nclass A {\n@GetMapping(value = "/orders/{id}")',
    "GET /v1/orders/{id}",
  ],
  ["routes.php", "Route::get('v1/orders', $f);", "GET /v1/orders"],
] as const)("a route in %s that goes may break: %s", ([path, text, route]) => {
  expect(told(wholeFile(path, text, "\n"))).toEqual([`http.route_removed ${route} maybe`]);
});

test.for([
  [
    "a group of Gin, one in the other",
    "main.go",
    'v1 := r.Group("/v1")\nusers := v1.Group("/users")\n',
    'users.GET("/all", list)\n',
    "GET /v1/users/all",
  ],
  [
    "a group of ASP.NET",
    "Program.cs",
    'var v1 = app.MapGroup("/v1");\n',
    'v1.MapGet("/users", List);\n',
    "GET /v1/users",
  ],
  [
    "Django",
    "shop/urls.py",
    'urlpatterns = [\n  path("pay/", views.pay),\n  path("x/", include("x.urls")),\n',
    '  path("users/<int:id>/", views.one),\n',
    "/users/<int:id>",
  ],
  [
    "a namespace of Rails, below a block that has ended",
    "config/routes.rb",
    "Rails.application.routes.draw do\n  scope :a do\n  end\n  namespace :v1 do\n",
    '    get "users", to: "users#index"\n',
    "GET /v1/users",
  ],
  [
    "Sinatra",
    "app.rb",
    'require "sinatra"\n',
    'delete "/users/:id" do\nend\n',
    "DELETE /users/:id",
  ],
] as const)("a route of %s that goes may break", ([, path, head, line, subject]) => {
  const file = wholeFile(path, `${head}${line}`, head);

  expect(told(file)).toEqual([`http.route_removed ${subject} maybe`]);
});

/** What browsers load beside pages: style, scripts, and uPlot as its package has it. */
import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import statics from "@fastify/static";
import type { Gateway } from "../gateway/gateway.ts";
import { packageFolder } from "../system/package-folder.ts";

/**
 * In a checkout and in the published package: scripts of pages are written as browsers run them.
 */
const OWN = path.join(packageFolder(), "src/dashboard/public");
const UPLOT = path.dirname(fileURLToPath(import.meta.resolve("uplot/dist/uPlot.min.css")));
const SERVED = /^\/(?:[\w-]+\.(?:css|js|svg)|uPlot\.iife\.min\.js|uPlot\.min\.css)$/;

/**
 * Where they are served. The name changes with what is in them, so that browsers may keep them.
 */
export function assetsPath(): string {
  const texts = readdirSync(OWN).map((name) => readFileSync(path.join(OWN, name)));
  return `/ui/assets/${hash("sha256", Buffer.concat(texts)).slice(0, 12)}`;
}

/**
 * Where a page of docs/ is served, as text: a reader may have no checkout, and no internet.
 * `heading`: what browsers that can scroll to.
 */
export function docsAddress(page: string, heading: string): string {
  return `/ui/docs/${page}#:~:text=${encodeURIComponent(`## ${heading}`)}`;
}

/**
 * Serve them, and the docs of this version, to anybody: they are the same for all, and the page to
 * sign in needs them.
 */
export async function serveAssets(app: Gateway, prefix: string): Promise<void> {
  await app.register(async (assets) => {
    assets.addHook("onRoute", (route) => {
      route.config = { ...route.config, role: "open" };
      route.schema = { ...route.schema, hide: true };
    });
    await assets.register(statics, {
      root: [OWN, UPLOT],
      prefix: `${prefix}/`,
      decorateReply: false,
      allowedPath: (name) => SERVED.test(name),
      immutable: true,
      maxAge: "365d",
    });
    await assets.register(statics, {
      root: path.join(packageFolder(), "docs"),
      prefix: "/ui/docs/",
      decorateReply: false,
      allowedPath: (name) => /^\/[\w-]+\.md$/.test(name),
      setHeaders: (reply) => void reply.header("content-type", "text/plain; charset=utf-8"),
    });
  });
}

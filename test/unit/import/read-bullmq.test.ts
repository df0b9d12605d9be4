import { expect, test, vi } from "vitest";
import { readBullmq } from "../../../src/import/read-bullmq.ts";

test("without the client of BullMQ, the error says what to install", async () => {
  vi.doMock("bullmq", () => {
    throw new Error("Cannot find package 'bullmq'");
  });

  const options = { prefix: "bull", queue: undefined, qualifyIds: false, mayMove: false };
  await expect(readBullmq("redis://localhost:1", options)).rejects.toMatchObject({
    name: "EnvironmentError",
    hint: "beside triaged: npm install bullmq ioredis",
    exitCode: 78,
  });
});

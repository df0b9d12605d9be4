// Exits 0 where a door answers in time: node deploy/health-check.js http://127.0.0.1:8080/ready
// For health checks in a container, which has no curl.
const ANSWER_MS_MAX = 8000;

const { ok } = await fetch(process.argv[2], { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).catch(
  () => ({ ok: false }),
);
process.exitCode = ok ? 0 : 1;

const pino = require("pino");

const log = pino({ base: null, timestamp: false, level: "info" });
log.info({ id: 3 }, "ready");
log.child({ part: "x" }).warn("slow");

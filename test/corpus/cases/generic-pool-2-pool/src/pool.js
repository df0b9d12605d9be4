const { Pool } = require("generic-pool");

const pool = new Pool({
  name: "db",
  max: 2,
  create: (done) => done(null, { id: 1 }),
  destroy: () => {},
});

pool.acquire((error, connection) => {
  if (error) throw error;
  console.log(connection.id);
  pool.release(connection);
  pool.drain(() => pool.destroyAllNow());
});

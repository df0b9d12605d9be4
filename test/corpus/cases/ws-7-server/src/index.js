const { Server } = require("ws");

const server = new Server({ noServer: true });
console.log(server.clients.size);
server.close();

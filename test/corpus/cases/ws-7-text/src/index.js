const http = require("node:http");
const WebSocket = require("ws");

const server = http.createServer().listen(0, "127.0.0.1", () => {
  const sockets = new WebSocket.Server({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (text) => socket.send(text === "ping" ? "pong" : "what?"));
  });
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  client.on("open", () => client.send("ping"));
  client.on("message", (answer) => {
    console.log(String(answer));
    process.exit();
  });
});

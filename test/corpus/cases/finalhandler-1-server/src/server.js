const http = require("node:http");
const finalhandler = require("finalhandler");

const server = http.createServer((request, response) => {
  const done = finalhandler(request, response, {
    onerror: (error) => console.error(error.message),
  });
  if (request.url === "/") response.end("home");
  else done();
});

server.listen(0, async () => {
  const { port } = server.address();
  const { status } = await fetch(`http://127.0.0.1:${port}/missing`);
  console.log(status);
  server.close();
});

// A proxy that adds a bearer token to every request, for clients that cannot send one.
//
//     node add_token.mjs PORT TOKEN
//
// PORT is the port of the server on this machine. The proxy prints its own port and runs until it is killed.

import http from "node:http";

const [port, token] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });

const server = http.createServer((request, response) => {
  const headers = { ...request.headers, authorization: `Bearer ${token}` };
  const options = { host: "127.0.0.1", port, method: request.method, path: request.url, headers, agent };
  const serverRequest = http.request(options, (serverResponse) => {
    response.writeHead(serverResponse.statusCode, serverResponse.headers);
    response.flushHeaders();
    serverResponse.pipe(response);
  });
  serverRequest.on("error", () => response.destroy());
  // If the client closes a stream, the server's side closes too.
  response.on("close", () => serverRequest.destroy());
  request.pipe(serverRequest);
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));

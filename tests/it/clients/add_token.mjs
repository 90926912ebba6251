// Passes every request on to a server of this machine, with a bearer token added: for clients that have no way to send one.
//
//     node add_token.mjs PORT TOKEN
//
// PORT is the server's. Prints the port that it listens on itself, and runs until it is killed.

import http from "node:http";

const [port, token] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });

const server = http.createServer((request, response) => {
  const headers = { ...request.headers, authorization: `Bearer ${token}` };
  const options = { host: "127.0.0.1", port, method: request.method, path: request.url, headers, agent };
  const onward = http.request(options, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  // Who closes a stream closes it on both sides.
  response.on("close", () => onward.destroy());
  request.pipe(onward);
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));

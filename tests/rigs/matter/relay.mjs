// Carries TCP across a network namespace by way of a Unix socket, which knows no namespaces:
//   node relay.mjs in  SOCKET PORT    inside: from the socket to a loopback port
//   node relay.mjs out SOCKET         outside: from a free loopback port, printed, to the socket
import { createConnection, createServer } from "node:net";

const HOST = "127.0.0.1";
const [direction, path, port] = process.argv.slice(2);

const target = direction === "in" ? { host: HOST, port: Number(port) } : { path };
const server = createServer((near) => {
  const far = createConnection(target);
  near.pipe(far).pipe(near);
  for (const socket of [near, far]) {
    socket.on("error", () => undefined);
    socket.on("close", () => [near, far].forEach((end) => end.destroy()));
  }
});
server.on("listening", () => {
  console.log(`ready ${JSON.stringify({ port: server.address().port ?? null })}`);
});
if (direction === "in") server.listen(path);
else server.listen(0, HOST);

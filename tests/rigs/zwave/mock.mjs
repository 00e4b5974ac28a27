// A mocked Z-Wave controller with locks on a TCP port, and a control port for tests (HTTP, JSON).
//
// Both ports are on loopback and free ones; the line "ready {...}" names them. The controller and
// its locks live as long as this process: the Z-Wave JS server may come and go. RIG_NETWORK names
// the network (locks.mjs), RIG_S2_KEY its key, in hex.
//
//   GET  /<node>/state     what the lock stores
//   POST /<node>/fault     switches faults (faults.mjs)
//   POST /<node>/<verb>    pin, program, erase, disable, notify, bolt, battery, reset (truth.mjs),
//                          sleep, wake (radio.mjs)
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { Faucet, ZWaveSerialFrameType } from "@zwave-js/serial";
import { createAndOpenMockedZWaveSerialPort } from "@zwave-js/serial/mock";
import { MockController, MockNode } from "@zwave-js/testing";
import {
  createDefaultMockControllerBehaviors,
  createDefaultMockNodeBehaviors,
} from "zwave-js/Testing";
import { installFaults, notify } from "./faults.mjs";
import { frameSplitter } from "./frames.mjs";
import { NETWORKS } from "./locks.mjs";
import { installSecurity, installSleep, sleep, wake } from "./radio.mjs";
import * as truth from "./truth.mjs";

const HOST = "127.0.0.1";
const HOME_ID = 0xc0ffee01;
/** The mocks want one for every class, used or not. */
const KEY = Buffer.from(process.env.RIG_S2_KEY, "hex");

const { port: mockPort, serial } = await createAndOpenMockedZWaveSerialPort();
const controller = await MockController.create({
  homeId: HOME_ID,
  ownNodeId: 1,
  mockPort,
  serial,
  securityKeys: { S2_AccessControl: KEY, S2_Authenticated: KEY, S2_Unauthenticated: KEY },
});
controller.defineBehavior(...createDefaultMockControllerBehaviors());

const locks = new Map();
for (const options of NETWORKS[process.env.RIG_NETWORK]) {
  const node = await MockNode.create({ ...options, controller });
  node.defineBehavior(...createDefaultMockNodeBehaviors(), truth.answerBattery);
  controller.addNode(node);
  installSecurity(node);
  installSleep(node);
  locks.set(String(node.id), { node, ...installFaults(controller, node) });
}

const VERBS = {
  fault: ({ switchFaults }, changes) => switchFaults(changes),
  pin: ({ node }, body) => truth.typePin(controller, node, body),
  program: ({ node }, body) => truth.programCode(controller, node, body),
  disable: ({ node }, body) => truth.disableCode(node, body),
  erase: ({ node }, body) => truth.eraseCode(controller, node, body),
  notify: ({ node }, { event, parameters }) => notify(controller, node, event, parameters),
  bolt: ({ node }, body) => truth.moveBolt(controller, node, body),
  battery: ({ node }, body) => truth.setBattery(controller, node, body),
  sleep: ({ node }) => sleep(node),
  wake: ({ node }) => wake(node),
  // Answers that come late belong to who asked for them, not to the next test.
  reset: ({ node, idle }) => idle().then(() => truth.reset(node)),
  state: ({ node, switchFaults }) => ({ ...truth.truthOf(node), faults: switchFaults({}) }),
};

const faucet = new Faucet(serial.readable);
const serialServer = createTcpServer((socket) => {
  faucet.connect(
    new WritableStream({
      write({ type, data }) {
        if (type !== ZWaveSerialFrameType.SerialAPI || socket.destroyed) return;
        socket.write(typeof data === "number" ? Uint8Array.of(data) : data);
      },
    }),
  );
  const split = frameSplitter((frame) => void serial.writeAsync(frame));
  socket.on("data", split);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => faucet.disconnect());
});
serialServer.maxConnections = 1;

const control = createHttpServer(async (request, response) => {
  const [, id, verb] = request.url.split("/");
  const lock = locks.get(id);
  const act = VERBS[verb];
  if (!lock || !act) {
    response.writeHead(404).end();
    return;
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const answer = await act(lock, body ? JSON.parse(body) : {});
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(answer ?? {}));
});

const listening = (server) =>
  new Promise((resolve) => server.listen(0, HOST, () => resolve(server.address().port)));

const ports = { serial: await listening(serialServer), control: await listening(control) };
console.log(`ready ${JSON.stringify(ports)}`);

// A virtual Matter device of matter.js, with a control port for tests (HTTP, JSON, Unix socket):
//   node lock.mjs lock   PORT SOCKET    a lock that keeps year-day schedules
//   node lock.mjs bridge PORT SOCKET    a bridge with two locks that keep none
//
//   POST /<endpoint>/<verb>    a verb of truth.mjs; endpoints are named front, garage and shed
import "./radio.mjs";
import { createServer } from "node:http";
import { Endpoint, ServerNode, VendorId } from "@matter/main";
import { BridgedDeviceBasicInformationServer } from "@matter/main/behaviors/bridged-device-basic-information";
import { PowerSourceServer } from "@matter/main/behaviors/power-source";
import { DoorLock } from "@matter/main/clusters/door-lock";
import { PowerSource } from "@matter/main/clusters/power-source";
import { DoorLockDevice } from "@matter/main/devices/door-lock";
import { AggregatorEndpoint } from "@matter/main/endpoints/aggregator";
import { LockServer } from "./door.mjs";
import * as truth from "./truth.mjs";

const PASSCODES = { lock: 20202021, bridge: 20202022 };

// Nothing of it outlives the tests, and matter.js would wait for the control port to close.
process.on("SIGTERM", () => process.exit(0));

const [kind, port, socket] = process.argv.slice(2);

const doorLock = (more = {}) => ({
  operatingMode: DoorLock.OperatingMode.Normal,
  lockState: DoorLock.LockState.Locked,
  lockType: DoorLock.LockType.DeadBolt,
  actuatorEnabled: true,
  numberOfTotalUsersSupported: 10,
  numberOfPinUsersSupported: 10,
  minPinCodeLength: 4,
  maxPinCodeLength: 8,
  numberOfCredentialsSupportedPerUser: 2,
  credentialRulesSupport: { single: true },
  wrongCodeEntryLimit: 200,
  userCodeTemporaryDisableTime: 1,
  autoRelockTime: 0,
  requirePinForRemoteOperation: false,
  ...more,
});

const BATTERY = {
  status: PowerSource.PowerSourceStatus.Active,
  order: 0,
  description: "Batteries",
  batChargeLevel: PowerSource.BatChargeLevel.Ok,
  batReplaceability: PowerSource.BatReplaceability.UserReplaceable,
  batReplacementNeeded: false,
  batReplacementDescription: "4 x AA",
  batQuantity: 4,
  batPercentRemaining: 200,
};
const Battery = PowerSourceServer.with("Battery", "Replaceable");

const plainLock = () =>
  new Endpoint(DoorLockDevice.with(LockServer("YearDayAccessSchedules"), Battery), {
    id: "front",
    doorLock: doorLock({ numberOfYearDaySchedulesSupportedPerUser: 2 }),
    powerSource: BATTERY,
  });

const bridgedLock = (id, label) =>
  new Endpoint(
    DoorLockDevice.with(LockServer(), Battery, BridgedDeviceBasicInformationServer),
    {
      id,
      doorLock: doorLock({ numberOfTotalUsersSupported: 5, numberOfPinUsersSupported: 5 }),
      powerSource: BATTERY,
      bridgedDeviceBasicInformation: {
        vendorName: "Latchwork",
        productName: "Bridged lock",
        nodeLabel: label,
        serialNumber: `serial-${id}`,
        reachable: true,
      },
    },
  );

const node = await ServerNode.create({
  id: kind,
  network: { port: Number(port) },
  commissioning: { passcode: PASSCODES[kind], discriminator: 3000 + Number(port) % 1000 },
  productDescription: {
    name: `Virtual ${kind}`,
    deviceType: kind === "lock" ? DoorLockDevice.deviceType : AggregatorEndpoint.deviceType,
  },
  basicInformation: {
    vendorName: "Latchwork",
    vendorId: VendorId(0xfff1),
    productName: `Virtual ${kind}`,
    productId: 0x8000,
    serialNumber: `serial-${kind}`,
    nodeLabel: kind === "lock" ? "Front door" : "",
  },
});

const locks = new Map();
if (kind === "lock") {
  locks.set("front", plainLock());
  await node.add(locks.get("front"));
} else {
  const aggregator = new Endpoint(AggregatorEndpoint, { id: "aggregator" });
  await node.add(aggregator);
  for (const [id, label] of [["garage", "Garage"], ["shed", "Shed"]]) {
    locks.set(id, bridgedLock(id, label));
    await aggregator.add(locks.get(id));
  }
}
await node.start();

// What the controller's command has open is closed within a turn or two.
const oncePossible = async (act) => {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!String(error).includes("synchronously")) throw error;
      await new Promise((done) => setTimeout(done, 2));
    }
  }
};

const control = createServer(async (request, response) => {
  const [, id, verb] = request.url.split("/");
  const lock = locks.get(id);
  const act = VERBS[verb];
  let body = "";
  for await (const chunk of request) body += chunk;
  try {
    const answer = await oncePossible(() => act(lock, body ? JSON.parse(body) : {}));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  } catch (error) {
    response.writeHead(500).end(String(error?.stack ?? error));
  }
});

const VERBS = {
  state: truth.truthOf,
  fault: truth.switchFaults,
  reset: truth.reset,
  pin: truth.typePin,
  program: truth.program,
  user: truth.addUser,
  changeUser: truth.changeUser,
  erase: truth.erase,
  alarm: truth.alarm,
  turn: truth.turn,
  battery: truth.setBattery,
  reachable: truth.setReachable,
};

const numbers = Object.fromEntries([...locks].map(([id, lock]) => [id, lock.number]));
control.listen(socket, () => console.log(`ready ${JSON.stringify(numbers)}`));

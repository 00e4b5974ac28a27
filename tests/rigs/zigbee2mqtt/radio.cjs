// Preloaded into Zigbee2MQTT: replaces the radio adapter, and nothing else, by locks in memory.
//
// What the locks store outlives a restart of Zigbee2MQTT in the file RIG_STATE. A control port for
// tests (HTTP, JSON, on loopback) is at RIG_CONTROL; see control.cjs.
const { Adapter } = require("zigbee-herdsman/dist/adapter/adapter");
const Zcl = require("zigbee-herdsman/dist/zspec/zcl");
const { locks, byAddress, save } = require("./locks.cjs");
const { serve } = require("./control.cjs");

const COORDINATOR = "0x00124b00c0ffee00";
const LINK_QUALITY = 120;
let radio;

/** A frame from a lock, as an adapter hands it to herdsman. */
function received(lock, frame) {
  const data = frame.toBuffer();
  return {
    clusterID: frame.cluster.ID,
    address: lock.networkAddress,
    header: Zcl.Header.fromBuffer(data),
    data,
    endpoint: 1,
    linkquality: LINK_QUALITY,
    groupID: 0,
    wasBroadcast: false,
    destinationEndpoint: 1,
  };
}

function frame(type, number, command, cluster, payload) {
  const direction = Zcl.Direction.SERVER_TO_CLIENT;
  return Zcl.Frame.create(type, direction, true, undefined, number, command, cluster, payload, {});
}

/** A lock speaks without being asked. */
function report(lock, command, cluster, payload, type = Zcl.FrameType.SPECIFIC) {
  if (lock.faults.offline) return;
  radio?.emit("zclPayload", received(lock, frame(type, 77, command, cluster, payload)));
}

/** What a lock answers to a command: [frame type, command, payload]. */
function answer(lock, request) {
  const { name } = request.command;
  if (name === "read") {
    const payload = request.payload.map(({ attrId }) => lock.readAttribute(request.cluster.ID, attrId));
    return [Zcl.FrameType.GLOBAL, "readRsp", payload];
  }
  const payload = lock.carryOut(name, request.payload);
  if (payload) return [Zcl.FrameType.SPECIFIC, `${name}Rsp`, payload];
  const status = { cmdId: request.command.ID, statusCode: Zcl.Status.UNSUP_COMMAND };
  return [Zcl.FrameType.GLOBAL, "defaultRsp", status];
}

class FakeRadio extends Adapter {
  constructor(...args) {
    super(...args);
    this.hasZdoMessageOverhead = false;
    this.manufacturerID = 0;
    radio = this;
  }
  async start() {
    return "resumed";
  }
  async stop() {}
  async getCoordinatorIEEE() {
    return COORDINATOR;
  }
  async getCoordinatorVersion() {
    return { type: "rig", meta: {} };
  }
  async reset() {}
  async supportsBackup() {
    return false;
  }
  async backup() {
    throw new Error("a radio of the rig has no backup");
  }
  async getNetworkParameters() {
    const { panID, extendedPanID, channelList } = this.networkOptions;
    const extended = `0x${Buffer.from(extendedPanID).toString("hex")}`;
    return { panID, extendedPanID: extended, channel: channelList[0], nwkUpdateID: 0 };
  }
  async addInstallCode() {}
  waitFor() {
    return { promise: new Promise(() => {}), cancel() {} };
  }
  async sendZdo() {
    return [0, { assignedEndpoints: [], profileId: 260 }];
  }
  async permitJoin() {}
  async sendZclFrameToEndpoint(_ieee, networkAddress, _endpoint, request) {
    const lock = byAddress(networkAddress);
    if (!lock || lock.faults.offline) throw new Error("Data request failed: no acknowledgement");
    lock.note(request.command.name);
    const [type, command, payload] = answer(lock, request);
    save();
    if (lock.isMute) {
      lock.isMute = false;
      throw new Error("Timeout: the lock did not answer");
    }
    const number = request.header.transactionSequenceNumber;
    const reply = received(lock, frame(type, number, command, request.cluster.ID, payload));
    setImmediate(() => this.emit("zclPayload", reply));
    return reply;
  }
  async sendZclFrameToGroup() {}
  async sendZclFrameToAll() {}
  async setChannelInterPAN() {}
  async restoreChannelInterPAN() {}
  async sendZclFrameInterPANToIeeeAddr() {}
  async sendZclFrameInterPANBroadcast() {}
}

Adapter.create = async (...args) => new FakeRadio(...args);
serve(Number(process.env.RIG_CONTROL), locks, report);

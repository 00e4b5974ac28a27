// The locks: what they store, and how a Zigbee door lock answers (Zigbee Cluster Library, 7.3).
const { existsSync, readFileSync, writeFileSync } = require("node:fs");

const STATE = process.env.RIG_STATE;
const DOOR_LOCK = 0x0101;
const POWER = 0x0001;
const [ENUM8, UINT8, UINT16] = [0x30, 0x20, 0x21];
const [OK, UNSUPPORTED_ATTRIBUTE, NOT_FOUND] = [0x00, 0x86, 0x8b];
const [DUPLICATE, MEMORY_FULL] = [3, 2];
const [AVAILABLE, ENABLED] = [0, 1];
const SCHEDULED = 1;
const SINCE_2000 = Date.UTC(2000, 0, 1);
const COUNTED = /PinCode|YearDay|UserStatus/;
const LATE_MS = 1000;
const use = (faults, name) => faults[name] > 0 && faults[name]-- > 0;

/** The lock's own clock, which follows the host's local time: seconds since 2000. */
function localTime() {
  const now = new Date();
  return Math.floor((now.getTime() - now.getTimezoneOffset() * 60_000 - SINCE_2000) / 1000);
}

class Lock {
  constructor(networkAddress, users, schedules) {
    Object.assign(this, { networkAddress, users, schedulesPerUser: schedules });
    this.codes = {};
    this.schedules = {};
    this.faults = {};
    this.commands = [];
    this.battery = 100;
    this.lockState = 1;
  }

  note(name) {
    if (COUNTED.test(name)) this.commands.push(name);
  }

  readAttribute(cluster, attrId) {
    const told = this.attributes(cluster)[attrId];
    if (!told) return { attrId, status: UNSUPPORTED_ATTRIBUTE };
    return { attrId, status: OK, dataType: told[0], attrData: told[1] };
  }

  attributes(cluster) {
    if (cluster === POWER) return { 0x21: [UINT8, this.battery * 2] };
    if (cluster !== DOOR_LOCK) return {};
    return {
      0x00: [ENUM8, this.lockState],
      0x12: [UINT16, this.users],
      0x15: [UINT8, this.schedulesPerUser],
      0x17: [UINT8, 8],
      0x18: [UINT8, 4],
    };
  }

  /** The payload of the answer; undefined for a command that the lock does not have. */
  carryOut(name, payload) {
    return this[`on_${name}`]?.(payload);
  }

  on_setPinCode({ userid, userstatus, usertype, pincodevalue }) {
    const pin = Buffer.from(pincodevalue).toString();
    if (use(this.faults, "ignoreNext")) return { status: OK };
    if (this.faults.rejectDuplicates && this.holder(pin, userid)) return { status: DUPLICATE };
    if (userid >= this.users) return { status: MEMORY_FULL };
    const store = () => (this.codes[userid] = { pin, status: userstatus, type: usertype });
    if (use(this.faults, "lateNext")) setTimeout(store, LATE_MS);
    else store();
    this.isMute = use(this.faults, "dropAnswer");
    return { status: OK };
  }

  on_getPinCode({ userid }) {
    const { pin = "", status = AVAILABLE, type = 0 } = this.codes[userid] ?? {};
    return { userid, userstatus: status, usertype: type, pincodevalue: Buffer.from(pin) };
  }

  on_getUserStatus({ userid }) {
    return { userid, userstatus: this.codes[userid]?.status ?? AVAILABLE };
  }

  on_clearPinCode({ userid }) {
    delete this.codes[userid];
    return { status: OK };
  }

  on_setYearDaySchedule({ userid, zigbeelocalstarttime, zigbeelocalendtime }) {
    if (!this.schedulesPerUser) return undefined;
    this.schedules[userid] = { start: zigbeelocalstarttime, end: zigbeelocalendtime };
    return { status: OK };
  }

  on_getYearDaySchedule({ scheduleid, userid }) {
    if (!this.schedulesPerUser) return undefined;
    const { start = 0, end = 0 } = this.schedules[userid] ?? {};
    const status = this.schedules[userid] ? OK : NOT_FOUND;
    return { scheduleid, userid, status, zigbeelocalstarttime: start, zigbeelocalendtime: end };
  }

  on_clearYearDaySchedule({ userid }) {
    if (!this.schedulesPerUser) return undefined;
    delete this.schedules[userid];
    return { status: OK };
  }

  on_lockDoor() {
    this.lockState = 1;
    return { status: OK };
  }

  on_unlockDoor() {
    this.lockState = 2;
    return { status: OK };
  }

  /** The user with this PIN, other than `but`. */
  holder(pin, but) {
    return Object.keys(this.codes).find((u) => Number(u) !== but && this.codes[u].pin === pin);
  }

  /** Whether the keypad opens for a user now. */
  opensFor(user) {
    const { status, type } = this.codes[user];
    if (status !== ENABLED) return false;
    if (type !== SCHEDULED) return true;
    const schedule = this.schedules[user];
    return Boolean(schedule) && schedule.start <= localTime() && localTime() < schedule.end;
  }

  reset() {
    Object.assign(this, { codes: {}, schedules: {}, faults: {}, commands: [], isMute: false });
  }
}

/** Lock 1 keeps year-day schedules, lock 2 does not. */
const locks = { 1: new Lock(0x1001, 10, 1), 2: new Lock(0x1002, 10, 0) };

if (existsSync(STATE)) {
  const stored = JSON.parse(readFileSync(STATE, "utf8"));
  for (const [id, state] of Object.entries(stored)) Object.assign(locks[id], state);
}

const save = () => writeFileSync(STATE, JSON.stringify(locks));
const byAddress = (address) => Object.values(locks).find((l) => l.networkAddress === address);

module.exports = { locks, byAddress, save };

// matter.js's own door lock, with faults that can be switched and a count of what it was asked.
import { DoorLockServer } from "@matter/main/behaviors/door-lock";
import { radio } from "./radio.mjs";

const PROGRAMMING = [
  "setUser",
  "getUser",
  "clearUser",
  "setCredential",
  "getCredentialStatus",
  "clearCredential",
  "setYearDaySchedule",
  "getYearDaySchedule",
  "clearYearDaySchedule",
];
const WRITES = ["setCredential"];

// By endpoint name: faults and the commands received since the last reset.
const notes = new Map();

export const notesOf = (endpoint) => {
  if (!notes.has(endpoint.id)) notes.set(endpoint.id, { commands: [], faults: {} });
  return notes.get(endpoint.id);
};

export const LockServer = (...features) => {
  class RigLock extends DoorLockServer.with(
    "PinCredential",
    "User",
    "CredentialOverTheAirAccess",
    ...features,
  ) {}
  for (const name of PROGRAMMING) {
    const original = RigLock.prototype[name];
    if (!original) continue;
    RigLock.prototype[name] = function (request) {
      const { commands, faults } = notesOf(this.endpoint);
      commands.push(name);
      if (WRITES.includes(name)) {
        if (faults.ignoreNext) {
          faults.ignoreNext = false;
          return { status: 0, userIndex: null, nextCredentialIndex: null };
        }
        if (faults.loseNext) {
          faults.loseNext = false;
          radio.speaks = false;
          setTimeout(() => (radio.speaks = true), faults.silence ?? 0);
        }
      }
      return original.call(this, request);
    };
  }
  return RigLock;
};

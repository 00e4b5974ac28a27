// Faults that can be switched on and off per lock, laid over upstream's behaviour.
//
//   offline           no acknowledgement, no handling: out of range or without battery
//   delayMs           handles each command this much later, one after the other
//   failNext          refuses the next n code writes
//   ignoreNext        acknowledges the next n code writes and stores nothing
//   lateNext          User Code locks: acknowledges the next n code writes, stores them 1 s later
//   dropAnswer        carries out the next n code writes and never answers them
//   rejectDuplicates  User Code locks: refuses a PIN that another position holds, and notifies it
//   maskReads         reads of occupied positions hide the PIN
import { UserCredentialType } from "@zwave-js/cc";
import {
  UserCodeCCExtendedUserCodeSet,
  UserCodeCCReport,
  UserCodeCCSet,
} from "@zwave-js/cc/UserCodeCC";
import { UserCredentialCCCredentialSet } from "@zwave-js/cc/UserCredentialCC";
import { NotificationCCReport } from "@zwave-js/cc/NotificationCC";
import { CommandClasses } from "@zwave-js/core";
import { MockZWaveFrameType } from "@zwave-js/testing";
import { POSITIONS } from "./locks.mjs";
import { tell } from "./radio.mjs";

const DUPLICATE_CODE = 0x0f;
const LATE_MS = 1000;
const WRITES = [UserCodeCCSet, UserCodeCCExtendedUserCodeSet, UserCredentialCCCredentialSet];

/** The User Code entry that `cc` writes; undefined for other commands. */
function writtenCode(cc) {
  if (cc instanceof UserCodeCCExtendedUserCodeSet) return cc.userCodes[0];
  return cc instanceof UserCodeCCSet ? cc : undefined;
}

function isDuplicate(node, written) {
  if (!written?.userCode) return false;
  for (let position = 1; position <= POSITIONS; position++) {
    const stored = node.state.get(`UserCode_userCode_${position}`);
    if (position !== written.userId && stored && String(stored) === String(written.userCode)) {
      return true;
    }
  }
  return false;
}

function storeLate(node, { userId, userCode, userIdStatus }) {
  node.state.set(`UserCode_userIdStatus_${userId}`, userIdStatus);
  node.state.set(`UserCode_userCode_${userId}`, userCode);
}

/** Sends an Access Control notification; `parameters` is a byte array. */
export async function notify(controller, node, event, parameters = []) {
  const report = new NotificationCCReport({
    nodeId: controller.ownNodeId,
    notificationType: 0x06,
    notificationEvent: event,
    eventParameters: parameters.length > 0 ? Uint8Array.from(parameters) : undefined,
  });
  await tell(node, report);
}

function masked(cc) {
  if (cc instanceof UserCodeCCReport && cc.userCode) {
    const { nodeId, userId, userIdStatus, userCode } = cc;
    return new UserCodeCCReport({ nodeId, userId, userIdStatus, userCode: "*".repeat(userCode.length) });
  }
  return cc;
}

/** Lays switchable faults over `node`; answers the function that switches them, and the one that
 * answers when no command is waiting to be handled any more. */
export function installFaults(controller, node) {
  const faults = {};
  let unanswered;
  let turn = Promise.resolve();
  const use = (name) => faults[name] > 0 && faults[name]-- > 0;

  const receive = node.onControllerFrame.bind(node);
  node.onControllerFrame = async (frame) => (faults.offline ? undefined : receive(frame));

  node.defineBehavior({
    async handleCC(_controller, _self, cc) {
      const delay = faults.delayMs;
      if (delay) turn = turn.then(() => new Promise((done) => setTimeout(done, delay)));
      await turn;
      if (!WRITES.some((type) => cc instanceof type)) return undefined;
      if (use("failNext")) return { action: "fail" };
      if (use("ignoreNext")) return { action: "ok" };
      if (use("dropAnswer")) unanswered = cc;
      const written = writtenCode(cc);
      if (written?.userCode && use("lateNext")) {
        setTimeout(() => storeLate(node, written), LATE_MS);
        return { action: "ok" };
      }
      if (faults.rejectDuplicates && isDuplicate(node, written)) {
        await notify(controller, node, DUPLICATE_CODE, [written.userId]);
        return { action: "fail" };
      }
      return undefined;
    },
    transformResponse(_controller, _self, cc, response) {
      if (unanswered === cc) {
        unanswered = undefined;
        return { action: "stop" };
      }
      if (faults.maskReads && response.action === "sendCC") {
        return { ...response, cc: masked(response.cc) };
      }
      return response;
    },
  });

  const send = node.sendToController.bind(node);
  node.sendToController = async (frame) => {
    if (unanswered && frame.type === MockZWaveFrameType.Request) return undefined;
    return send(frame);
  };

  const switchFaults = (changes) => {
    Object.assign(faults, changes);
    if ("maskReads" in changes) maskCredentials(node, changes.maskReads);
    return faults;
  };
  return { switchFaults, idle: () => turn };
}

/** A User Credential lock that hashes its credentials never reads them back. */
function maskCredentials(node, on) {
  const types = node.getCCCapabilities(CommandClasses["User Credential"])?.supportedCredentialTypes;
  const pin = types?.get(UserCredentialType.PINCode);
  if (pin) pin.maxCredentialHashLength = on ? 32 : 0;
}

// What a mocked lock really stores, in upstream's own state keys; and what a hand at its keypad does.
import {
  DoorLockMode,
  UserCredentialCredentialReportType,
  UserCredentialModifierType,
  UserCredentialNameEncoding,
  UserCredentialRule,
  UserCredentialType,
  UserCredentialUserType,
  UserIDStatus,
} from "@zwave-js/cc";
import { Security2CC } from "@zwave-js/cc";
import { BatteryCCGet, BatteryCCReport } from "@zwave-js/cc/BatteryCC";
import { DoorLockCCOperationReport } from "@zwave-js/cc/DoorLockCC";
import { UserCredentialCCCredentialReport } from "@zwave-js/cc/UserCredentialCC";
import { CommandClasses } from "@zwave-js/core";
import { Bytes } from "@zwave-js/shared";
import { notify } from "./faults.mjs";
import { POSITIONS } from "./locks.mjs";
import { tell } from "./radio.mjs";

const YEAR_DAY = 1;
const HANDLES = [true, true, true, true];
const EVENT = { keypadUnlock: 0x06, codeDeleted: 0x0d, codeAdded: 0x0e, invalidCode: 0x32 };
const userKey = (id) => `UserCredential_user_${id}`;
const credentialKey = (slot) => `UserCredential_cred_${UserCredentialType.PINCode}_${slot}`;
const holdsCredentials = (node) => node.implementedCCs.has(CommandClasses["User Credential"]);

/** Answers battery queries from the node's state, which upstream's mocks leave to us. */
export const answerBattery = {
  handleCC(controller, self, cc) {
    if (!(cc instanceof BatteryCCGet)) return undefined;
    return { action: "sendCC", cc: batteryReport(controller, self) };
  },
};

function batteryReport(controller, node) {
  return new BatteryCCReport({ nodeId: controller.ownNodeId, level: node.state.get("level") ?? 100 });
}

export async function setBattery(controller, node, { level }) {
  node.state.set("level", level);
  await tell(node, batteryReport(controller, node));
}

export async function moveBolt(controller, node, { locked }) {
  const currentMode = locked ? DoorLockMode.Secured : DoorLockMode.Unsecured;
  node.state.set("DoorLock_currentMode", currentMode);
  await tell(
    node,
    new DoorLockCCOperationReport({
      nodeId: controller.ownNodeId,
      currentMode,
      targetMode: currentMode,
      outsideHandlesCanOpenDoor: HANDLES,
      insideHandlesCanOpenDoor: HANDLES,
    }),
  );
}

/** The code at a position: {pin, enabled, userId}; undefined when it is empty. */
function codeAt(node, position) {
  if (holdsCredentials(node)) {
    const credential = node.state.get(credentialKey(position));
    if (!credential) return undefined;
    const enabled = node.state.get(userKey(credential.userId))?.active ?? false;
    const pin = Buffer.from(credential.credentialData).toString("utf8");
    return { pin, enabled, userId: credential.userId };
  }
  const status = node.state.get(`UserCode_userIdStatus_${position}`) ?? UserIDStatus.Available;
  if (status === UserIDStatus.Available) return undefined;
  const pin = String(node.state.get(`UserCode_userCode_${position}`) ?? "");
  return { pin, enabled: status === UserIDStatus.Enabled, userId: position };
}

const positions = Array.from({ length: POSITIONS }, (_, index) => index + 1);

function scheduleAt(node, position, slot) {
  return node.state.get(`ScheduleEntryLock_schedule_${position}_${slot}_${YEAR_DAY}`);
}

function collect(read) {
  return Object.fromEntries(positions.map((p) => [p, read(p)]).filter(([, value]) => value));
}

const received = (node) =>
  node.receivedControllerFrames.map(({ payload }) => payload).filter(Boolean);

const innermost = (cc) => (cc.encapsulated ? innermost(cc.encapsulated) : cc);

/** All that a test may want to know of a lock, as it is stored and not as it is reported. */
export function truthOf(node) {
  return {
    codes: collect((p) => codeAt(node, p)),
    users: collect((p) => node.state.get(userKey(p))),
    schedules: collect((p) => scheduleAt(node, p, 1)),
    standardOffset: node.state.get("ScheduleEntryLock_standardOffset") ?? null,
    dstOffset: node.state.get("ScheduleEntryLock_dstOffset") ?? null,
    autoRelockTime: node.state.get("DoorLock_autoRelockTime") ?? null,
    locked: node.state.get("DoorLock_currentMode") === DoorLockMode.Secured,
    commands: received(node).map((cc) => innermost(cc).constructor.name),
    inTheClear: received(node)
      .filter((cc) => !(cc instanceof Security2CC))
      .map((cc) => innermost(cc).constructor.name),
  };
}

function scheduleAllows(node, position) {
  const schedules = [1, 2].map((slot) => scheduleAt(node, position, slot)).filter(Boolean);
  if (schedules.length === 0) return true;
  const offset = node.state.get("ScheduleEntryLock_standardOffset") ?? 0;
  const now = Date.now() + offset * 60_000;
  const at = (s, end) =>
    Date.UTC(2000 + s[`${end}Year`], s[`${end}Month`] - 1, s[`${end}Day`], s[`${end}Hour`], s[`${end}Minute`]);
  return schedules.some((s) => at(s, "start") <= now && now < at(s, "stop"));
}

/** Someone types a PIN. Answers {opened, position}; schedules are kept, in standard time. */
export async function typePin(controller, node, { pin }) {
  const position = positions.find((p) => {
    const code = codeAt(node, p);
    return code?.enabled && code.pin === pin && scheduleAllows(node, p);
  });
  if (position === undefined) {
    await notify(controller, node, EVENT.invalidCode);
    return { opened: false, position: null };
  }
  await notify(controller, node, EVENT.keypadUnlock, [codeAt(node, position).userId]);
  await moveBolt(controller, node, { locked: false });
  return { opened: true, position };
}

/** Another hand stores a PIN at the lock itself; `told` false: the lock does not notify it. */
export async function programCode(controller, node, { position, pin, userId = position, told = true }) {
  if (!holdsCredentials(node)) {
    node.state.set(`UserCode_userIdStatus_${position}`, UserIDStatus.Enabled);
    node.state.set(`UserCode_userCode_${position}`, pin);
    if (told) await notify(controller, node, EVENT.codeAdded, [position]);
    return;
  }
  if (!node.state.has(userKey(userId))) node.state.set(userKey(userId), localUser(userId));
  const credentialData = Bytes.from(pin, "utf8");
  const modified = node.state.has(credentialKey(position));
  node.state.set(credentialKey(position), { userId, credentialData, ...LOCAL });
  const { CredentialAdded, CredentialModified } = UserCredentialCredentialReportType;
  const type = modified ? CredentialModified : CredentialAdded;
  if (told) await tellCredential(controller, node, type, userId, position, credentialData);
}

/** Another hand empties a position at the lock itself. */
export async function eraseCode(controller, node, { position, told = true }) {
  if (!holdsCredentials(node)) {
    node.state.set(`UserCode_userIdStatus_${position}`, UserIDStatus.Available);
    node.state.delete(`UserCode_userCode_${position}`);
    if (told) await notify(controller, node, EVENT.codeDeleted, [position]);
    return;
  }
  const userId = node.state.get(credentialKey(position))?.userId ?? position;
  node.state.delete(credentialKey(position));
  const type = UserCredentialCredentialReportType.CredentialDeleted;
  if (told) await tellCredential(controller, node, type, userId, position, new Bytes());
}

/** Another hand disables a User Code, which stays stored. */
export function disableCode(node, { position }) {
  node.state.set(`UserCode_userIdStatus_${position}`, UserIDStatus.Disabled);
}

const LOCAL = { modifierType: UserCredentialModifierType.Locally, modifierNodeId: 0 };

function localUser(userId) {
  return {
    userType: UserCredentialUserType.General,
    active: true,
    credentialRule: UserCredentialRule.Single,
    expiringTimeoutMinutes: 0,
    nameEncoding: UserCredentialNameEncoding.ASCII,
    userName: `User-${userId}`,
    ...LOCAL,
  };
}

function tellCredential(controller, node, reportType, userId, slot, credentialData) {
  return tell(
    node,
    new UserCredentialCCCredentialReport({
      nodeId: controller.ownNodeId,
      reportType,
      userId,
      credentialType: UserCredentialType.PINCode,
      credentialSlot: slot,
      credentialReadBack: true,
      credentialData,
      ...LOCAL,
    }),
  );
}

/** Forgets all codes, users and schedules, silently, and the record of received commands. */
export function reset(node) {
  for (const key of [...node.state.keys()]) {
    if (/^(UserCode_user|UserCredential_|ScheduleEntryLock_schedule)/.test(key)) {
      node.state.delete(key);
    }
  }
  node.clearReceivedControllerFrames();
}

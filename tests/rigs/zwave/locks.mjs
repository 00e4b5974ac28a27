// The mocked networks: which locks there are and what they support. How they answer is upstream's.
import {
  UserCredentialNameEncoding,
  UserCredentialRule,
  UserCredentialType,
  UserCredentialUserType,
  UserIDStatus,
} from "@zwave-js/cc";
import { CommandClasses, SecurityClass } from "@zwave-js/core";
import { ccCaps } from "@zwave-js/testing";

export const POSITIONS = 10;

/** Access Control notifications that the locks may send. */
const ACCESS_CONTROL = 0x06;
const ACCESS_CONTROL_EVENTS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x09, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x14, 0x32,
];

const COMMON = [
  CommandClasses["Manufacturer Specific"],
  ccCaps({ ccId: CommandClasses.Version, version: 3 }),
  ccCaps({ ccId: CommandClasses.Supervision, version: 1 }),
  ccCaps({ ccId: CommandClasses.Battery, version: 1, isSupported: true }),
  ccCaps({
    ccId: CommandClasses.Notification,
    version: 8,
    supportsV1Alarm: false,
    notificationTypesAndEvents: { [ACCESS_CONTROL]: ACCESS_CONTROL_EVENTS },
  }),
];

function doorLock(autoRelockSupported) {
  return ccCaps({
    ccId: CommandClasses["Door Lock"],
    version: 4,
    isSupported: true,
    autoRelockSupported,
  });
}

function lock(id, productId, commandClasses, capabilities = {}) {
  return {
    id,
    capabilities: {
      isListening: false,
      isFrequentListening: "1000ms",
      supportsBeaming: true,
      txDelay: 0,
      genericDeviceClass: 0x40,
      specificDeviceClass: 0x03,
      manufacturerId: 0xfff0,
      productType: 0x0001,
      productId,
      commandClasses: [...COMMON, ...commandClasses],
      ...capabilities,
    },
  };
}

function userCode(version) {
  return ccCaps({
    ccId: CommandClasses["User Code"],
    version,
    numUsers: POSITIONS,
    supportedASCIIChars: "0123456789",
    supportedUserIDStatuses: [
      UserIDStatus.Available,
      UserIDStatus.Enabled,
      UserIDStatus.Disabled,
    ],
  });
}

const scheduleEntryLock = ccCaps({
  ccId: CommandClasses["Schedule Entry Lock"],
  version: 3,
  isSupported: true,
  numWeekDaySlots: 1,
  numYearDaySlots: 2,
  numDailyRepeatingSlots: 1,
});

const userCredential = ccCaps({
  ccId: CommandClasses["User Credential"],
  version: 1,
  isSupported: true,
  numberOfSupportedUsers: POSITIONS,
  supportedCredentialRules: [UserCredentialRule.Single],
  maxUserNameLength: 32,
  supportedUserNameEncodings: [UserCredentialNameEncoding.ASCII],
  supportedUserTypes: [UserCredentialUserType.General, UserCredentialUserType.Disposable],
  supportedCredentialTypes: new Map([
    [
      UserCredentialType.PINCode,
      {
        numberOfCredentialSlots: POSITIONS,
        minCredentialLength: 4,
        maxCredentialLength: 8,
        maxCredentialHashLength: 0,
        supportsCredentialLearn: false,
      },
    ],
  ]),
});

const secured = (cc) => ({ ...(typeof cc === "number" ? { ccId: cc } : cc), secure: true });

/** A lock that takes and tells nothing of codes but encrypted, as locks have it since S2. */
function securedLock(id, productId, commandClasses) {
  return lock(id, productId, [], {
    commandClasses: [
      CommandClasses["Security 2"],
      CommandClasses.Version,
      CommandClasses["Manufacturer Specific"],
      CommandClasses.Supervision,
      ...[...COMMON, ...commandClasses].map(secured),
    ],
    securityClasses: new Set([SecurityClass.S2_AccessControl]),
  });
}

/** A lock that sleeps until it reports that it woke up. */
function sleepingLock(id, productId, commandClasses) {
  const wakeUp = ccCaps({ ccId: CommandClasses["Wake Up"], version: 1, isSupported: true });
  return lock(id, productId, [wakeUp, ...commandClasses], {
    isFrequentListening: false,
    supportsBeaming: false,
  });
}

/**
 * Node 2: User Code V1, no auto-relock. Node 3: User Code V2 with schedules. Node 4: User
 * Credential. In `secured` 3 and 4 speak S2. Node 5, of `sleeping`: User Code V1, asleep.
 */
export const NETWORKS = {
  plain: [
    lock(2, 0x0001, [doorLock(false), userCode(1)]),
    lock(3, 0x0002, [doorLock(true), userCode(2), scheduleEntryLock]),
    lock(4, 0x0003, [doorLock(true), userCredential]),
  ],
  secured: [
    securedLock(3, 0x0002, [doorLock(true), userCode(2), scheduleEntryLock]),
    securedLock(4, 0x0003, [doorLock(true), userCredential]),
  ],
  sleeping: [
    lock(2, 0x0001, [doorLock(false), userCode(1)]),
    sleepingLock(5, 0x0001, [doorLock(false), userCode(1)]),
  ],
};

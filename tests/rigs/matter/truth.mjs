// What a lock stores, and what other hands than the controller's do to it.
import { DoorLock } from "@matter/main/clusters/door-lock";
import { notesOf } from "./door.mjs";
import { radio } from "./radio.mjs";

const { CredentialType, DataOperationType, LockDataType, LockOperationType, LockState } = DoorLock;
const { OperationError, OperationSource, UserStatus, UserType } = DoorLock;
const PIN = CredentialType.Pin;
// matter.js stores no absence of a fabric; this one is not the tests' controller's.
const KEYPAD_FABRIC = 250;
const FROM_2000_TO_1970 = 946684800;

const bytes = (pin) => new TextEncoder().encode(pin);
const text = (data) => new TextDecoder().decode(data);

export const inLock = (endpoint, work) => endpoint.act((agent) => work(agent.get(lockOf(endpoint))));

const lockOf = (endpoint) => endpoint.behaviors.supported.doorLock;

export const truthOf = (endpoint) =>
  inLock(endpoint, (lock) => {
    const { state, auth } = lock;
    return {
      lockState: state.lockState,
      users: state.users.map((user) => ({ ...user })),
      codes: Object.fromEntries(
        state.credentials
          .filter(({ credentialType }) => credentialType === PIN)
          .map((c) => [
            c.credentialIndex,
            {
              pin: text(auth.decrypt(c.credentialData)),
              userIndex: auth.findUserIndexForCredential(PIN, c.credentialIndex),
            },
          ]),
      ),
      schedules: state.yearDaySchedules.map((schedule) => ({
        ...schedule,
        localStartTime: schedule.localStartTime - FROM_2000_TO_1970,
        localEndTime: schedule.localEndTime - FROM_2000_TO_1970,
      })),
      commands: notesOf(endpoint).commands,
      faults: notesOf(endpoint).faults,
    };
  });

export const reset = (endpoint) => {
  Object.assign(radio, { hears: true, speaks: true });
  Object.assign(notesOf(endpoint), { commands: [], faults: {} });
  return inLock(endpoint, ({ state }) => {
    Object.assign(state, { users: [], credentials: [], yearDaySchedules: [] });
    state.lockState = LockState.Locked;
  });
};

export const switchFaults = (endpoint, { offline, ...changes }) => {
  if (offline !== undefined) Object.assign(radio, { hears: !offline, speaks: !offline });
  Object.assign(notesOf(endpoint).faults, changes);
};

const changed = (lock, type, operation, userIndex, dataIndex) =>
  lock.events.lockUserChange.emit(
    {
      lockDataType: type,
      dataOperationType: operation,
      operationSource: OperationSource.Keypad,
      userIndex,
      fabricIndex: null,
      sourceNode: null,
      dataIndex,
    },
    lock.context,
  );

// Someone stores a PIN: over one that stands there, or with a user of its own.
export const program = (endpoint, { position, pin, userIndex = position, told = true }) =>
  inLock(endpoint, (lock) => {
    const { auth } = lock;
    const standing = auth.findCredential(PIN, position);
    if (standing) {
      auth.updateCredentialData(PIN, position, bytes(pin), KEYPAD_FABRIC);
    } else {
      auth.addCredential(PIN, position, bytes(pin), KEYPAD_FABRIC);
      const held = { credentialType: PIN, credentialIndex: position };
      const user = auth.findUser(userIndex);
      if (user) auth.replaceUser(userIndex, { ...user, credentials: [...user.credentials, held] });
      else auth.addUser(newUser(userIndex, [held]));
    }
    const operation = standing ? DataOperationType.Modify : DataOperationType.Add;
    if (told) changed(lock, LockDataType.Pin, operation, userIndex, position);
  });

// Someone makes a user without anything to open the door with.
export const addUser = (endpoint, { userIndex }) =>
  inLock(endpoint, ({ auth }) => auth.addUser(newUser(userIndex, [])));

const newUser = (userIndex, credentials) => ({
  userIndex,
  userName: "Other",
  userUniqueId: null,
  userStatus: UserStatus.OccupiedEnabled,
  userType: UserType.UnrestrictedUser,
  credentialRule: DoorLock.CredentialRule.Single,
  credentials,
  creatorFabricIndex: KEYPAD_FABRIC,
  lastModifiedFabricIndex: KEYPAD_FABRIC,
});

export const changeUser = (endpoint, { userIndex, ...changes }) =>
  inLock(endpoint, (lock) => {
    lock.auth.replaceUser(userIndex, { ...lock.auth.findUser(userIndex), ...changes });
    changed(lock, LockDataType.UserIndex, DataOperationType.Modify, userIndex, null);
  });

export const erase = (endpoint, { position, told = true }) =>
  inLock(endpoint, (lock) => {
    const { auth, state } = lock;
    const userIndex = auth.findUserIndexForCredential(PIN, position);
    auth.removeCredential(PIN, position);
    if (userIndex !== null) auth.removeUser(userIndex);
    state.yearDaySchedules = state.yearDaySchedules.filter((s) => s.userIndex !== userIndex);
    if (told) changed(lock, LockDataType.Pin, DataOperationType.Clear, userIndex, position);
  });

// Someone types a PIN; `now` is the lock's local time in seconds since 2000.
export const typePin = (endpoint, { pin, now }) =>
  inLock(endpoint, (lock) => {
    const { auth, state, events, context } = lock;
    const found = auth.credentials.find(
      (c) => c.credentialType === PIN && text(auth.decrypt(c.credentialData)) === pin,
    );
    const userIndex = found && auth.findUserIndexForCredential(PIN, found.credentialIndex);
    const user = found && auth.findUser(userIndex);
    const opened = !!user && lets(user, state.yearDaySchedules, now + FROM_2000_TO_1970);
    const told = {
      lockOperationType: LockOperationType.Unlock,
      operationSource: OperationSource.Keypad,
      userIndex: userIndex ?? null,
      fabricIndex: null,
      sourceNode: null,
      credentials: found
        ? [{ credentialType: PIN, credentialIndex: found.credentialIndex }]
        : null,
    };
    if (opened) {
      state.lockState = LockState.Unlocked;
      events.lockOperation.emit(told, context);
    } else {
      const operationError = found ? OperationError.Restricted : OperationError.InvalidCredential;
      events.lockOperationError.emit({ ...told, operationError }, context);
    }
    return { opened };
  });

const lets = (user, schedules, now) => {
  if (user.userStatus !== UserStatus.OccupiedEnabled) return false;
  if (user.userType === UserType.UnrestrictedUser) return true;
  return (
    user.userType === UserType.YearDayScheduleUser &&
    schedules.some(
      (s) => s.userIndex === user.userIndex && s.localStartTime <= now && now < s.localEndTime,
    )
  );
};

export const alarm = (endpoint, { code }) =>
  inLock(endpoint, ({ events, context }) =>
    events.doorLockAlarm.emit({ alarmCode: code }, context),
  );

// Someone turns the knob.
export const turn = (endpoint, { locked }) =>
  inLock(endpoint, ({ state, events, context }) => {
    state.lockState = locked ? LockState.Locked : LockState.Unlocked;
    const told = {
      lockOperationType: locked ? LockOperationType.Lock : LockOperationType.Unlock,
      operationSource: OperationSource.Manual,
      userIndex: null,
      fabricIndex: null,
      sourceNode: null,
      credentials: null,
    };
    events.lockOperation.emit(told, context);
  });

export const setBattery = (endpoint, { level }) =>
  endpoint.setStateOf("powerSource", { batPercentRemaining: Math.round(level * 200) });

export const setReachable = (endpoint, { reachable }) =>
  endpoint.setStateOf("bridgedDeviceBasicInformation", { reachable });

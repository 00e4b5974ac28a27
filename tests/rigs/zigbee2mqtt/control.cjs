// The control port: what a hand does at a lock, and what the lock really stores.
//
//   POST /<lock>/state     what it stores, and the commands for codes that it received
//   POST /<lock>/fault     offline, ignoreNext, lateNext, dropAnswer, rejectDuplicates
//   POST /<lock>/pin       someone types {pin}
//   POST /<lock>/program   {position, pin, told}     POST /<lock>/erase  {position, told}
//   POST /<lock>/battery   {level} in percent        POST /<lock>/reset
const { createServer } = require("node:http");
const { save } = require("./locks.cjs");

const DOOR_LOCK = 0x0101;
const POWER = 0x0001;
const KEYPAD = 0;
const [UNLOCK, UNLOCK_REFUSED] = [2, 5];
const [ADDED, DELETED, CHANGED] = [2, 3, 4];
const GLOBAL = 0;
const UNLOCKED = 2;
const [ENUM8, UINT8] = [0x30, 0x20];

const VERBS = {
  state: ({ codes, schedules, commands, faults, lockState }) => ({
    codes,
    schedules,
    commands,
    faults,
    locked: lockState === 1,
  }),
  fault: (lock, changes) => Object.assign(lock.faults, changes),
  pin(lock, { pin }, report) {
    const user = lock.holder(pin);
    const opened = user !== undefined && lock.opensFor(user);
    operated(lock, report, opened ? UNLOCK : UNLOCK_REFUSED, Number(user ?? 0xffff));
    if (opened) {
      lock.lockState = UNLOCKED;
      attribute(lock, report, DOOR_LOCK, 0x00, ENUM8, UNLOCKED);
    }
    return { opened };
  },
  program(lock, { position, pin, told }, report) {
    const event = lock.codes[position] ? CHANGED : ADDED;
    lock.codes[position] = { pin, status: 1, type: 0 };
    if (told) programmed(lock, report, event, position);
  },
  erase(lock, { position, told }, report) {
    delete lock.codes[position];
    if (told) programmed(lock, report, DELETED, position);
  },
  battery(lock, { level }, report) {
    lock.battery = level;
    attribute(lock, report, POWER, 0x21, UINT8, level * 2);
  },
  reset: (lock) => lock.reset(),
};

function operated(lock, report, code, userid) {
  const empty = { pin: Buffer.alloc(0), zigbeelocaltime: 0, data: "" };
  const payload = { opereventsrc: KEYPAD, opereventcode: code, userid, ...empty };
  report(lock, "operationEventNotification", DOOR_LOCK, payload);
}

function programmed(lock, report, code, userid) {
  const rest = { pin: Buffer.alloc(0), usertype: 0, userstatus: 1, zigbeelocaltime: 0, data: "" };
  const payload = { programeventsrc: KEYPAD, programeventcode: code, userid, ...rest };
  report(lock, "programmingEventNotification", DOOR_LOCK, payload);
}

function attribute(lock, report, cluster, attrId, dataType, attrData) {
  report(lock, "report", cluster, [{ attrId, dataType, attrData }], GLOBAL);
}

/** Listens on the loopback port. `report` lets a lock speak by itself. */
function serve(port, locks, report) {
  createServer(async (request, response) => {
    const [, id, verb] = request.url.split("/");
    const act = VERBS[verb];
    if (!locks[id] || !act) {
      response.writeHead(404).end();
      return;
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    const answer = act(locks[id], body ? JSON.parse(body) : {}, report);
    save();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  }).listen(port, "127.0.0.1");
}

module.exports = { serve };

// What a lock sends encrypted, and when it hears anything at all.
import { Security2CC } from "@zwave-js/cc";
import { Security2CCNonceGet, Security2CCNonceReport } from "@zwave-js/cc/Security2CC";
import { WakeUpCCWakeUpNotification } from "@zwave-js/cc/WakeUpCC";
import { CommandClasses, SPANState } from "@zwave-js/core";
import { createMockZWaveRequestFrame } from "@zwave-js/testing";

const NONCE_TIMEOUT = 5000;

/** Sends `cc` by the lock's own will. */
export const tell = (node, cc) =>
  node.sendToController(createMockZWaveRequestFrame(cc, { ackRequested: false }));

/** Encrypts what upstream's mocks send in the clear though their lock is secured. */
export function installSecurity(node) {
  if (!node.securityManagers.securityManager2) return;
  const send = node.sendToController.bind(node);
  node.sendToController = async (frame) => {
    const { ccId } = frame.payload ?? {};
    if (!node.implementedCCs.get(ccId)?.secure) return send(frame);
    return send({ ...frame, payload: await encrypted(node, frame.payload) });
  };
}

/** As upstream's mocks answer, but that it asks for a nonce where none was ever exchanged. */
async function encrypted(node, cc) {
  const { securityManager2 } = node.securityManagers;
  const { type } = securityManager2.getSPANState(node.controller.ownNodeId);
  if (type !== SPANState.SPAN && type !== SPANState.RemoteEI) await exchangeNonces(node);
  return Security2CC.encapsulate(cc, node.id, node.securityManagers);
}

async function exchangeNonces(node) {
  const nonce = node.expectControllerFrame(
    ({ payload }) => payload instanceof Security2CCNonceReport && payload.SOS,
    { timeout: NONCE_TIMEOUT },
  );
  await tell(node, new Security2CCNonceGet({ nodeId: node.controller.ownNodeId }));
  await nonce;
}

const sleeps = (node) => node.implementedCCs.has(CommandClasses["Wake Up"]);

/** Has a node that sleeps hear nothing until `wake`, and again from `sleep` on. */
export function installSleep(node) {
  if (!sleeps(node)) return;
  const receive = node.onControllerFrame.bind(node);
  let asleep = true;
  node.onControllerFrame = async (frame) => (asleep ? undefined : receive(frame));
  node.fallAsleep = (on) => void (asleep = on);
}

export const sleep = (node) => node.fallAsleep?.(true);

export async function wake(node) {
  node.fallAsleep?.(false);
  await tell(node, new WakeUpCCWakeUpNotification({ nodeId: node.controller.ownNodeId }));
}

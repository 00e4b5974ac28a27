// The device's radio, as far as UDP goes: what is switched off neither hears nor is heard.
import { Socket } from "node:dgram";

export const radio = { hears: true, speaks: true };

const { send, emit } = Socket.prototype;

Socket.prototype.send = function (...parameters) {
  if (radio.speaks) return send.apply(this, parameters);
  const done = parameters.at(-1);
  if (typeof done === "function") setImmediate(done, null, 0);
  return undefined;
};

Socket.prototype.emit = function (event, ...parameters) {
  if (event === "message" && !radio.hears) return true;
  return emit.call(this, event, ...parameters);
};

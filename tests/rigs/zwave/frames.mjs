// Cuts the TCP byte stream of a Z-Wave serial controller into whole frames.
//
// TCP may join an ACK with the frame that follows it, or tear a frame apart; the mocked serial port
// takes each chunk for exactly one frame and gives up on anything else.
const SOF = 0x01;

/** Calls `emit` once for each single-byte control character and each complete data frame. */
export function frameSplitter(emit) {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length > 0) {
      const size = frameSize(pending);
      if (size === undefined || pending.length < size) return;
      emit(new Uint8Array(pending.subarray(0, size)));
      pending = pending.subarray(size);
    }
  };
}

/** The size of the frame at the start of `bytes`; undefined while its length byte is missing. */
function frameSize(bytes) {
  if (bytes[0] !== SOF) return 1;
  return bytes.length < 2 ? undefined : bytes[1] + 2;
}

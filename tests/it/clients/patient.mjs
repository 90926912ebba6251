// For programs that wait a second or so for what takes milliseconds, and then call it missing: a busy machine may be away
// for longer. They wait ten times as long.

const usual = globalThis.setTimeout;
globalThis.setTimeout = (callback, delay, ...rest) =>
  usual(callback, delay >= 400 && delay <= 3_000 ? delay * 10 : delay, ...rest);

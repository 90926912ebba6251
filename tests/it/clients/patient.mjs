// Makes timeouts of about a second ten times as long. Some programs give up after a second on work that takes
// milliseconds, but a busy machine can pause for longer than that.

const originalSetTimeout = globalThis.setTimeout;
globalThis.setTimeout = (callback, delay, ...args) =>
  originalSetTimeout(callback, delay >= 400 && delay <= 3_000 ? delay * 10 : delay, ...args);

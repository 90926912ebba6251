// Replaces parts of the page that have changed, which come as events, so that nobody has to reload it. The page also works
// without this script.
(() => {
  "use strict";
  const address = document.querySelector("main[data-events]")?.dataset.events;
  if (!address) return;
  const live = document.getElementById("live");
  const AGAIN = 5000;
  let source = null;
  let timer = 0;

  // Changes only what differs, so that an element with the focus, or one about to be clicked, stays where it is.
  const morph = (from, to) => {
    if (from.isEqualNode(to)) return;
    const isOther = from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.id !== to.id;
    if (isOther) return from.replaceWith(to);
    if (from.nodeType !== Node.ELEMENT_NODE) {
      from.data = to.data;
      return;
    }
    for (const { name } of [...from.attributes]) {
      // An element that somebody unfolded stays unfolded.
      if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    const wanted = [...to.childNodes];
    const present = [...from.childNodes];
    wanted.forEach((child, place) => {
      if (present[place]) morph(present[place], child);
      else from.append(child);
    });
    present.slice(wanted.length).forEach((child) => child.remove());
  };

  const show = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const part = template.content.firstElementChild;
    const present = part && document.getElementById(part.id);
    if (!present) return;
    const focused = document.activeElement?.id;
    morph(present, part);
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  };

  const stop = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
    live.hidden = true;
  };

  const start = () => {
    stop();
    source = new EventSource(address);
    source.addEventListener("open", () => { live.hidden = false; });
    source.addEventListener("part", (event) => show(event.data));
    source.addEventListener("reload", () => { stop(); location.reload(); });
    source.addEventListener("error", () => {
      live.hidden = true;
      // The stream was refused, and a browser does not retry that by itself.
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(start, AGAIN);
    });
  };

  // Browsers allow few connections to one server, and hidden pages need none.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("pagehide", stop);
  if (!document.hidden) start();
})();

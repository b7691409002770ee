// Small helpers for building the page; text always goes in as text nodes, never as markup.

const ICONS = {
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  reply: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  pin: "M12 21s7-6.500 7-12a7 7 0 1 0-14 0c0 5.500 7 12 7 12zM12 11.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  voice: "M8 9.500a4 4 0 0 1 0 5M11.500 7a8 8 0 0 1 0 10M15 4.500a12 12 0 0 1 0 15",
  down: "M12 5v14M6 13l6 6 6-6",
};

/** `el("button.primary", { type: "button", onclick }, "发送")` */
export function el(what, props = {}, ...kids) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...kids.flat(Infinity).filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return node;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const byId = (id) => document.getElementById(id);
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

let toastTimer;
/** One sentence at the foot of the page, for a few seconds. */
export function toast(sentence) {
  const box = byId("toast");
  box.textContent = sentence;
  box.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("shown"), 5000);
}

/** Asks before something that cannot be taken back. */
export function ask(sentence, yes) {
  const box = byId("box");
  return new Promise((done) => {
    const close = (answer) => () => { box.onclose = null; box.close(); done(answer); };
    box.onclose = () => done(false);
    box.className = "box";
    box.replaceChildren(
      el("p", {}, sentence),
      el(".row", {}, el("button.primary", { type: "button", onclick: close(true) }, yes), el("button", { type: "button", onclick: close(false) }, "不了")),
    );
    box.showModal();
  });
}

/** A picture in full size. */
export function lightbox(src, alt) {
  const box = byId("box");
  box.onclose = null;
  box.className = "box picture";
  box.replaceChildren(
    el("img", { src, alt }),
    el("button.round", { type: "button", "aria-label": "关上", onclick: () => box.close() }, icon("close")),
  );
  box.showModal();
}

/** What this browser remembers between visits; works without it where storage is forbidden. */
export const memory = {
  get(key) {
    try { return JSON.parse(localStorage.getItem(`minhu-sim-${key}`)); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`minhu-sim-${key}`, JSON.stringify(value)); } catch { /* remembered for this visit only */ }
  },
};

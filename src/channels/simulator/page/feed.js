// Everything that was said: loaded from the server, kept up to date by its event stream, sent with repeats.

/** County, bot, hook, people and places as the server gave them. */
export const world = { people: [], places: [], bot: "民呼", hook: "", county: "" };

/** How far the demonstration's clock is ahead of this computer's. */
export const clock = { ahead: 0, now: () => Date.now() + clock.ahead };

const chats = new Map();
const ears = new Set();
let epoch = null;
let last = 0;

/** Calls `ear(line)` for every new line in any chat; gives the function that ends it. */
export function listen(ear) {
  ears.add(ear);
  return () => ears.delete(ear);
}

export const persona = (account) => world.people.find((person) => person.account === account);

/** The chat of an account or of a group; everybody in a group shares one. */
export function chatOf(account, group) {
  const key = group ? `g ${group}` : `p ${account}`;
  if (!chats.has(key)) chats.set(key, new Chat(account, group));
  return chats.get(key);
}

class Chat extends EventTarget {
  constructor(account, group) {
    super();
    Object.assign(this, { account, group, lines: [], pending: [], loading: null });
  }

  /** Loads the history once; later lines come by themselves. */
  load() {
    this.loading ??= this.#fetch().catch(() => { this.loading = null; });
    return this.loading;
  }

  async #fetch() {
    const query = new URLSearchParams({ account: this.account, group: this.group ?? "" });
    const got = await (await fetch(`/sim/log?${query}`)).json();
    const known = new Set(got.lines.map((line) => line.n));
    this.lines = [...got.lines, ...this.lines.filter((line) => !known.has(line.n) && line.n > got.last)];
    for (const line of got.lines) this.#settle(line);
    this.dispatchEvent(new Event("reload"));
  }

  add(line) {
    if (this.lines.some((other) => other.n === line.n)) return;
    this.lines.push(line);
    this.#settle(line);
    this.dispatchEvent(new CustomEvent("line", { detail: line }));
  }

  #settle(line) {
    if (line.by === "person") this.pending = this.pending.filter((post) => post.body.id !== line.id);
  }

  forget() {
    this.lines = [];
    this.pending = [];
    this.loading = null;
    this.dispatchEvent(new Event("reload"));
  }

  /** Says something as `account`. What could not be handed over stays in sight and is tried again. */
  say(account, words) {
    const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    const body = { id, account, group: this.group, nick: persona(account)?.name, ...words };
    const post = { body, state: "sending", at: clock.now() };
    this.pending.push(post);
    this.dispatchEvent(new Event("pending"));
    return this.deliver(post);
  }

  async deliver(post) {
    post.state = "sending";
    try {
      const got = await fetch(world.hook, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(post.body),
      });
      // 503 and other trouble of the server may pass; a refusal of the message will not.
      if (!got.ok) post.state = got.status >= 500 ? "waiting" : "refused";
    } catch {
      post.state = "waiting";
    }
    if (post.state === "waiting") setTimeout(() => this.retry(), 3000);
    this.dispatchEvent(new Event("pending"));
  }

  retry() {
    for (const post of this.pending) if (post.state === "waiting") this.deliver(post);
  }
}

function hello({ epoch: now, last: newest }) {
  const changed = epoch !== null && epoch !== now;
  epoch = now;
  if (changed) {
    last = newest;
    for (const chat of chats.values()) {
      const shown = chat.loading !== null;
      chat.forget();
      if (shown) chat.load();
    }
  }
  for (const chat of chats.values()) chat.retry();
}

/** Opens the event stream and keeps it open; `onLink(true | false)` tells how it stands. */
export function connect(onLink) {
  const source = new EventSource(`/sim/events?after=${last}`);
  source.addEventListener("hello", (event) => {
    onLink(true);
    hello(JSON.parse(event.data));
  });
  source.onmessage = (event) => {
    const line = JSON.parse(event.data);
    last = Math.max(last, line.n);
    chatOf(line.account, line.group ?? null).add(line);
    for (const ear of ears) ear(line);
  };
  source.onerror = () => {
    onLink(false);
    // The browser comes back by itself after a lost connection, but gives up when a proxy answers in our place.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(onLink), 2000);
  };
}

/** Loads who and where, and from which line on to listen. */
export async function begin() {
  Object.assign(world, await (await fetch("/sim/people")).json());
  const position = await (await fetch("/sim/log?account=-")).json();
  epoch = position.epoch;
  last = position.last;
  await readClock();
}

export async function readClock() {
  const { now } = await (await fetch("/sim/clock")).json();
  clock.ahead = now - Date.now();
}

/** POST with JSON; an answer that is not fine becomes an error with the server's sentence. */
export async function post(url, body) {
  const got = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  if (!got.ok) throw new Error((await got.text()) || "没办成，请再试一次。");
  return got;
}

/** Uploads a picture and gives its id. */
export async function upload(blob) {
  const got = await fetch("/sim/photo", { method: "POST", body: await small(blob) });
  if (!got.ok) throw new Error(got.status === 413 ? "照片太大了，请选 5 MB 以内的。" : await got.text());
  return (await got.json()).id;
}

/** Photos above the limit are made smaller here, as chat programs do. */
async function small(blob) {
  if (blob.size <= 5 << 20) return blob;
  const picture = await createImageBitmap(blob).catch(() => { throw new Error("照片太大了，请选 5 MB 以内的。"); });
  const scale = Math.min(1, 2000 / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
}

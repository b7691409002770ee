// The list of messages of one phone: keeps up with its chat, and changes cards where they stand.

import { calm, el, icon, toast } from "./dom.js";
import { chatOf, clock, persona, world } from "./feed.js";
import { answered, card, plain, spoken } from "./bubble.js";

const GAP = 5 * 60_000;
const WAIT = 8_000;
/** The list that somebody in office looks at first. */
const LISTS = [["派单员", "待派"], ["受理员", "待受理"], ["联络员", "待签"], ["部门负责人", "待审"], ["承办人", "待办"]];

const shanghai = (options) => new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", ...options });
const timeOf = shanghai({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayOf = shanghai({ month: "long", day: "numeric" });
const weekdayOf = shanghai({ weekday: "short" });
const dateOf = shanghai({ year: "numeric", month: "numeric", day: "numeric" });

/** `10:21`, with the day when it is not the demonstration's today. */
function when(at) {
  const today = dateOf.format(at) === dateOf.format(clock.now());
  return today ? timeOf.format(at) : `${dayOf.format(at)}（${weekdayOf.format(at)}）${timeOf.format(at)}`;
}

/** After the clock was moved, yesterday's times get their day. */
export function renewTimes() {
  for (const node of document.querySelectorAll(".at")) {
    const text = when(Number(node.dataset.at));
    if (node.textContent !== text) node.textContent = text;
  }
}

export class Talk {
  /** `host` is asked to quote a line and to start with a suggestion. */
  constructor(account, group, look, host) {
    Object.assign(this, { account, group, look, host, chat: chatOf(account, group) });
    this.end = el("span.end");
    this.list = el(".talk", { role: "log", "aria-live": "polite", "aria-label": "对话", tabindex: "0" });
    this.newer = el("button.newer", { type: "button", hidden: true, onclick: () => this.toEnd() }, icon("down"), "新消息");
    this.root = el(".talkbox", {}, this.list, this.newer);
    this.list.addEventListener("scroll", () => {
      this.sticky = this.atEnd();
      if (this.sticky) this.newer.hidden = true;
    });
    // The list shrinks when a panel opens above the keyboard; what was in sight at its end stays in sight.
    this.resize = new ResizeObserver(() => { if (this.sticky) this.toEnd(); });
    this.resize.observe(this.list);
    this.ears = { reload: () => this.redraw(), line: (event) => this.add(event.detail), pending: () => this.drawPending() };
    for (const [name, ear] of Object.entries(this.ears)) this.chat.addEventListener(name, ear);
    this.redraw();
    this.chat.load();
  }

  close() {
    for (const [name, ear] of Object.entries(this.ears)) this.chat.removeEventListener(name, ear);
    this.resize.disconnect();
    clearTimeout(this.waitTimer);
  }

  redraw() {
    this.cards = new Map();
    this.latest = 0;
    this.list.setAttribute("aria-busy", "true");
    this.list.replaceChildren(this.end);
    for (const line of this.chat.lines) this.draw(line);
    this.drawPending();
    this.hint();
    this.list.setAttribute("aria-busy", "false");
    this.toEnd();
  }

  /** A new line while the phone is looked at. */
  add(line) {
    const near = this.atEnd();
    const node = this.draw(line, true);
    this.drawPending();
    this.hint();
    node.classList.add("fresh");
    if (line.by === "bot") this.stopWaiting();
    if (near || line.account === this.account && line.by === "person") this.toEnd();
    else this.newer.hidden = false;
  }

  draw(line, live = false) {
    if (line.at - this.latest > GAP) this.end.before(el("span.at", { "data-at": String(line.at) }, when(line.at)));
    this.latest = line.at;
    const node = line.by === "bot" ? this.drawBot(line, live) : spoken(line, { me: this.account, group: this.group });
    if (line.by === "person") this.dim();
    if (this.look === "ding" && node.matches(".msg")) {
      node.append(el("button.round.reply", { type: "button", "aria-label": "回复这一条", title: "回复", onclick: () => this.host.quote(line) }, icon("reply")));
    }
    this.end.before(node);
    return node;
  }

  drawBot(line, live) {
    const { reply } = line;
    const ticket = reply.card?.ticket;
    const before = reply.card && this.cards.get(ticket);
    const press = (choice) => this.host.press(choice);
    const node = answered(line, {
      me: this.account, group: this.group, press, update: before,
      jump: () => this.toCard(ticket),
    });
    if (before) {
      const now = card(reply.card);
      before.shown.replaceWith(now);
      before.chips?.classList.add("old");
      if (live) now.classList.add("changed");
      before.shown = now;
      before.chips = node.querySelector(".chips");
    } else if (reply.card) {
      this.cards.set(ticket, { shown: node.querySelector(".card"), chips: node.querySelector(".chips") });
    }
    if (reply.card) node.querySelector(".chips")?.classList.add("oncard");
    return node;
  }

  /** Once somebody has answered, the chips of the question step back; those of a card stay as long as the card. */
  dim() {
    for (const row of this.list.querySelectorAll(".chips:not(.oncard)")) row.classList.add("old");
  }

  toCard(ticket) {
    const { shown } = this.cards.get(ticket);
    shown.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    shown.classList.remove("changed");
    requestAnimationFrame(() => shown.classList.add("changed"));
  }

  /** Messages on their way, below everything that has arrived. */
  drawPending() {
    for (const node of this.list.querySelectorAll(".pending")) node.remove();
    for (const post of this.chat.pending) {
      const { body } = post;
      const line = { ...body, quote: body.quote?.text, text: body.voice ?? body.text, voice: body.voice === undefined ? null : 1, event: body.event && (body.event.arrived ? "arrived" : "left") };
      const node = spoken(line, { me: this.account, group: this.group });
      node.classList.add("pending", post.state);
      if (post.state === "waiting") node.append(el("p.problem", {}, "还没发出去，正在再试。"));
      if (post.state === "refused") node.append(el("p.problem", {}, "这一条发不了，请换个说法。"));
      this.end.before(node);
    }
    if (this.chat.pending.some((post) => post.state !== "sending")) this.stopWaiting();
    if (this.chat.pending.length) {
      this.dim();
      this.hint();
      this.toEnd();
    }
  }

  /** An empty chat says what one could do. */
  hint() {
    this.list.querySelector(".hint")?.remove();
    if (this.chat.lines.length || this.chat.pending.length) return;
    const { name = "", role = "" } = persona(this.account) ?? {};
    const list = LISTS.find(([of]) => role.split("、").includes(of))?.[1];
    const tries = this.look === "wechat" ? ["你好", "我要反映"] : [list, "帮助"].filter(Boolean);
    this.end.before(el(".hint", {},
      el("p", {}, this.group ? `这是一个工作群，您是${name}。说的话会带上 @${world.bot}。` : `您现在是${name}。打字、发照片都行，也可以先试试：`),
      el(".chips", {}, tries.map((text) => el("button.chip", { type: "button", onclick: () => this.host.suggest(text) }, text)))));
  }

  /** Three dots until the answer comes, at most for a few seconds. */
  wait() {
    this.stopWaiting();
    this.dots = el(".msg.typing", { "aria-hidden": "true" }, el("span.face.bot", {}, world.bot[0]), el(".bubble", {}, el("i"), el("i"), el("i")));
    this.end.after(this.dots);
    this.toEnd();
    this.waitTimer = setTimeout(() => this.stopWaiting(), WAIT);
  }

  stopWaiting() {
    clearTimeout(this.waitTimer);
    this.dots?.remove();
  }

  /** Taps the newest chip with these words; false when there is none. */
  tap(text) {
    const rows = [...this.list.querySelectorAll(".chips:not(.old) .chip")].reverse();
    const chip = rows.find((one) => one.dataset.text === text) ?? rows.find((one) => one.dataset.text?.includes(text));
    chip?.click();
    return chip !== undefined;
  }

  quoteOf(line) {
    return { text: plain(line), photos: line.photos ?? [] };
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 80;
  }

  toEnd() {
    this.sticky = true;
    this.newer.hidden = true;
    this.list.scrollTop = this.list.scrollHeight;
  }
}

export const complain = (error) => toast(error.message || "没办成，请再试一次。");

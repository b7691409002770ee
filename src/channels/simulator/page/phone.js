// One phone: whose it is, which chat is open, and the line to write in.

import { calm, el, icon, sleep } from "./dom.js";
import { listen, persona, world } from "./feed.js";
import { panel, samplePictures, uploadSample } from "./attach.js";
import { Talk, complain } from "./talk.js";
import { plain } from "./bubble.js";

export class Phone {
  /** `onChange()` when another chat or person is chosen, `onClose(phone)` when it is put away, `onUnread(phone)`. */
  constructor({ account, group }, { onChange, onClose, onUnread }) {
    Object.assign(this, { onChange, onUnread, unread: 0, sent: [] });
    this.title = el("strong.who");
    this.subtitle = el("span.where");
    this.choose = el("select", { "aria-label": "扮演谁", onchange: () => this.chosen() }, menu());
    this.shut = el("button.round.shut", { type: "button", "aria-label": "收起这部手机", title: "收起这部手机", onclick: () => onClose(this) }, icon("close"));
    this.bar = el(".bar", {}, el("span.dot", { "aria-hidden": "true" }), el(".names", {}, this.title, this.subtitle), this.choose, this.shut);
    this.body = el(".inner");
    this.root = el("section.phone", {}, this.bar, this.body);
    this.stop = listen((line) => this.heard(line));
    this.show(account, group);
  }

  /** Opens a chat of a person. */
  show(account, group = null) {
    const person = persona(account) ?? world.people[0];
    const chat = person.chats.find((one) => one.group === group) ?? person.chats[0];
    if (this.person === person && this.group === chat.group) return;
    this.talk?.close();
    Object.assign(this, { person, account: person.account, group: chat.group, quoted: null });
    this.choose.value = `${person.account} ${chat.group ?? ""}`;
    this.title.textContent = chat.title;
    this.subtitle.textContent = chat.subtitle;
    this.root.className = `phone ${person.look}${this.group ? " group" : ""}${this.root.classList.contains("front") ? " front" : ""}`;
    this.root.setAttribute("aria-label", `${person.role}${person.name}的手机：${chat.title}`);
    this.talk = new Talk(person.account, chat.group, person.look, {
      press: (choice) => this.say({ text: choice.text, press: choice.payload }),
      quote: (line) => this.quote(line),
      suggest: (text) => this.say({ text: this.addressed(text) }),
    });
    this.composer();
    this.body.replaceChildren(this.talk.root, this.quoteBar, this.panelPlace, this.form);
    this.talk.toEnd();
    this.seen();
    this.onChange();
  }

  chosen() {
    const [account, group] = this.choose.value.split(" ");
    this.show(account, group || null);
  }

  close() {
    this.stop();
    this.talk.close();
    this.root.remove();
  }

  heard(line) {
    const here = this.group ? line.group === this.group : !line.group && line.account === this.account;
    if (here && line.by === "bot" && !this.inFront()) {
      this.unread += 1;
      this.onUnread(this);
    }
  }

  /** Is it in sight? On a narrow window one phone is, the others are behind their tabs. */
  inFront() {
    return this.root.offsetParent !== null;
  }

  seen() {
    this.unread = 0;
    this.onUnread(this);
  }

  composer() {
    const wechat = this.person.look === "wechat";
    const placeholder = this.group ? `发到群里` : wechat ? "打字，或试试“你好”" : "试试“帮助”";
    this.input = el("textarea", { rows: "1", "aria-label": `${this.person.name}说`, placeholder, enterkeyhint: "send" });
    this.input.addEventListener("input", () => this.grow());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.plus = el("button.plus", { type: "button", "aria-label": "发照片、语音或位置", "aria-expanded": "false", onclick: () => this.togglePanel() }, icon("plus"));
    this.at = this.group && el("button.at-bot", {
      type: "button", "aria-pressed": "true", title: `群里只有 @${world.bot} 的话它才听得到`,
      onclick: () => this.at.setAttribute("aria-pressed", String(this.at.getAttribute("aria-pressed") !== "true")),
    }, `@${world.bot}`);
    this.form = el("form.say", { onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      this.plus, this.at, this.input, el("button.send", {}, "发送"));
    this.quoteBar = el(".quoting", { hidden: true });
    this.panelPlace = el(".panelplace", { hidden: true });
  }

  grow() {
    this.input.rows = Math.min(5, this.input.value.split("\n").length);
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && this.input.value === "" && this.sent.length) {
      event.preventDefault();
      this.input.value = this.sent.at(-1);
      this.grow();
    } else if (event.key === "Escape" && this.quoted) {
      this.quote(null);
    }
  }

  async togglePanel(open = this.panelPlace.hidden) {
    const pictures = open ? await samplePictures().catch(() => []) : [];
    this.panelPlace.hidden = !open;
    this.plus.setAttribute("aria-expanded", String(open));
    if (open) {
      const close = () => { this.togglePanel(false); this.plus.focus(); };
      this.panelPlace.replaceChildren(panel(this.person, pictures, (words) => this.say(words), close));
      this.panelPlace.querySelector("button, textarea")?.focus();
    }
  }

  quote(line) {
    this.quoted = line;
    this.quoteBar.hidden = !line;
    if (!line) return;
    const who = line.by === "bot" ? world.bot : line.nick ?? persona(line.account)?.name ?? "";
    this.quoteBar.replaceChildren(
      el("span.quote", {}, `回复 ${who}：${plain(line).split("\n")[0]}`),
      el("button.round", { type: "button", "aria-label": "不回复这一条了", onclick: () => this.quote(null) }, icon("close")));
    this.input.focus();
  }

  /** In a group words are for the bot unless the writer has switched that off. */
  addressed(text) {
    const wanted = this.at && this.at.getAttribute("aria-pressed") === "true";
    return wanted && !text.includes(`@${world.bot}`) ? `@${world.bot} ${text}` : text;
  }

  submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.sent.push(text);
    this.input.value = "";
    this.grow();
    this.say({ text: this.addressed(text) });
  }

  say(words) {
    const quote = this.quoted && this.talk.quoteOf(this.quoted);
    this.quote(null);
    this.talk.chat.say(this.account, quote ? { ...words, quote } : words).catch(complain);
    const heard = !this.group || words.press || words.text?.includes(`@${world.bot}`);
    if (heard && !words.event) this.talk.wait();
  }

  // What the story does with it.

  async type(text) {
    this.input.value = "";
    for (const c of text) {
      this.input.value += c;
      if (!calm()) await sleep(55);
    }
    this.grow();
  }

  async sendSample(file) {
    this.say({ photos: [await uploadSample(file)] });
  }

  spotlight(on) {
    this.root.classList.toggle("acting", on);
    if (on) this.root.scrollIntoView({ block: "nearest", inline: "nearest", behavior: calm() ? "auto" : "smooth" });
  }
}

function menu() {
  return world.people.flatMap((person) => person.chats.map((chat) => {
    const groups = person.chats.filter((one) => one.group !== null).length;
    const where = person.chats.length > 1 ? ` · ${chat.group === null ? "单聊" : groups > 1 ? chat.title : "群"}` : "";
    return el("option", { value: `${person.account} ${chat.group ?? ""}` }, `${person.name}（${person.role}）${where}`);
  }));
}

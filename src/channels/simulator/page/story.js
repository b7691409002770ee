// Plays story.json: every step is a real message, and the next comes only after the answer that it expects.

import { byId, calm, el, sleep } from "./dom.js";
import { listen } from "./feed.js";
import { plain, short } from "./bubble.js";

const PATIENCE = 10_000;
const NUMBER = /([A-Z]{2}\d{10,})|编号\s*(\d{4,})/;

export class Story {
  /** `phoneFor({ account, group, slot })` puts that chat in sight and gives its phone. */
  constructor(script, phoneFor, onEnd) {
    Object.assign(this, { script, phoneFor, onEnd, at: 0, paused: false, ended: false, number: null, heard: [] });
    this.caption = el("p.caption", { "aria-live": "polite" });
    this.count = el("span.count");
    this.pauseButton = el("button", { type: "button", onclick: () => this.pause(!this.paused) }, "暂停");
    this.nextButton = el("button", { type: "button", onclick: () => this.next() }, "下一步");
    this.bar = el("progress", { max: script.steps.length, value: 0, "aria-label": "演示进度" });
    this.root = byId("story");
    this.root.replaceChildren(el(".words", {}, this.count, this.caption), el(".row", {}, this.pauseButton, this.nextButton,
      el("button", { type: "button", onclick: () => this.end() }, "结束演示")), this.bar);
    this.root.className = "story";
    this.root.hidden = false;
    this.stopListening = listen((line) => this.hear(line));
  }

  hear(line) {
    if (line.by !== "bot") return;
    const text = plain(line);
    const found = text.match(NUMBER);
    if (found) this.number = short(found[1] ?? found[2]);
    else if (line.reply.card && !this.number) this.number = short(line.reply.card.number);
    this.heard.push({ chat: chatKey(line), text });
    this.wake?.();
  }

  /** {n} is the short number, which ends the long one too, so that an answer may use either. */
  fill(text = "") {
    return text.replaceAll("{n}", this.number ?? "");
  }

  async play() {
    for (; this.at < this.script.steps.length && !this.ended; this.at += 1) {
      await this.step(this.script.steps[this.at]);
    }
    if (!this.ended) this.finish();
  }

  async step(step) {
    this.count.textContent = `${this.at + 1} / ${this.script.steps.length}`;
    this.caption.textContent = this.fill(step.caption);
    this.bar.value = this.at;
    const role = this.script.cast[step.phone];
    const phone = this.phoneFor(role);
    if (!phone) return this.fail(`演示里没有“${role.account}”这个人，演示停在这里。`);
    this.acting?.spotlight(false);
    this.acting = phone;
    phone.spotlight(true);
    // A push that this step waits for may have come before its turn; an answer cannot have.
    const from = step.act === "wait" ? this.mark ?? 0 : this.heard.length;
    if (step.act !== "wait") this.mark = this.heard.length;
    await this.rest(900);
    if (this.ended) return;
    await this.act(step, phone);
    const seen = this.script.cast[step.in ?? step.phone];
    await this.expect(step, seen, from);
    if (!this.ended) await this.rest(1600);
  }

  async act(step, phone) {
    const text = this.fill(step.text);
    switch (step.act) {
      case "photo":
        await phone.sendSample(text);
        break;
      case "chip":
        if (phone.talk.tap(text)) break;
        // Falls to typing the words: they mean the same.
      case "say":
        await phone.type(text);
        await sleep(calm() ? 0 : 250);
        if (!this.ended) phone.submit();
        break;
      default:
        break;
    }
  }

  /** Waits for the expected words; when they do not come the story stops and says so. */
  async expect(step, seen, from) {
    const wanted = this.fill(step.expect);
    const arrived = () => this.heard.slice(from).some((line) => line.chat === chatKey(seen) && line.text.includes(wanted));
    let until = performance.now() + PATIENCE;
    while (wanted && !this.ended && !arrived() && !this.skip) {
      const left = until - performance.now();
      if (left <= 0) {
        const again = await this.fail(`等了 10 秒，没有等到“${wanted}”。请看${this.acting.person.name}的手机上说了什么。`);
        if (!again) return;
        this.caption.textContent = this.fill(step.caption);
        until = performance.now() + PATIENCE;
        continue;
      }
      await Promise.race([new Promise((done) => { this.wake = done; }), sleep(left)]);
    }
    this.skip = false;
  }

  /** Time to read; 下一步 cuts it short, 暂停 makes it last. */
  async rest(ms) {
    const until = performance.now() + ms;
    while (!this.ended && !this.skip && (this.paused || performance.now() < until)) {
      await Promise.race([new Promise((done) => { this.wake = done; }), sleep(this.paused ? 3_600_000 : until - performance.now())]);
    }
    this.skip = false;
  }

  pause(on) {
    this.paused = on;
    this.pauseButton.textContent = on ? "继续" : "暂停";
    this.wake?.();
  }

  next() {
    this.skip = true;
    this.wake?.();
  }

  /** Stops with a sentence; gives true when the person wants to wait again, false for the next step. */
  async fail(sentence) {
    this.root.classList.add("failed");
    this.caption.textContent = sentence;
    this.pause(true);
    this.pauseButton.textContent = "再等等";
    while (this.paused && !this.skip && !this.ended) await new Promise((done) => { this.wake = done; });
    const again = !this.skip && !this.ended;
    this.skip = false;
    this.root.classList.remove("failed");
    this.pause(false);
    return again;
  }

  finish() {
    this.bar.value = this.script.steps.length;
    this.root.classList.add("done");
    this.count.textContent = "演完了";
    this.caption.textContent = "一件事从反映到评价就是这样。现在您可以在任何一部手机上接着试。";
    this.pauseButton.hidden = this.nextButton.hidden = true;
    this.acting?.spotlight(false);
    this.stopListening();
    this.ended = true;
    this.onEnd();
  }

  end() {
    this.acting?.spotlight(false);
    this.root.hidden = true;
    if (this.ended) return;
    this.ended = true;
    this.stopListening();
    this.wake?.();
    this.onEnd();
  }
}

const chatKey = ({ account, group }) => (group ? `g ${group}` : `p ${account}`);

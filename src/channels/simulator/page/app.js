// Puts the page together: the heading, the phones, the tabs for narrow windows.

import { ask, byId, el, memory, sleep, toast } from "./dom.js";
import { begin, chatOf, clock, connect, persona, post, readClock, world } from "./feed.js";
import { Phone } from "./phone.js";
import { renewTimes } from "./talk.js";
import { Story } from "./story.js";

const phones = [];
let story = null;

const clockText = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "long", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

function showClock() {
  const part = Object.fromEntries(clockText.formatToParts(clock.now()).map(({ type, value }) => [type, value]));
  const month = part.month.replace("月", "");
  const now = `${month}月${part.day}日（${part.weekday}）${part.hour}:${part.minute}`;
  if (byId("clock").lastChild?.textContent !== now) byId("clock").replaceChildren(el("span.year", {}, `${part.year}年`), now);
  renewTimes();
}

async function moveClock(body) {
  try {
    await post("/sim/clock", body);
    await readClock();
    showClock();
  } catch (error) {
    toast(error.message);
  }
}

function addPhone(what, front = false) {
  const phone = new Phone(what, { onChange: () => remember(), onClose: removePhone, onUnread: () => drawTabs() });
  phones.push(phone);
  byId("phones").append(phone.root);
  phone.talk.toEnd();
  if (front || phones.length === 1) bringToFront(phone);
  remember();
  return phone;
}

function removePhone(phone) {
  if (phones.length === 1) return toast("留一部手机吧，要不就没得玩了。");
  const at = phones.indexOf(phone);
  phones.splice(at, 1);
  phone.close();
  bringToFront(phones[Math.max(0, at - 1)]);
  remember();
  byId("add").focus();
}

function remember() {
  memory.set("phones", phones.map(({ account, group }) => ({ account, group })));
  byId("phones").dataset.count = phones.length;
  drawTabs();
}

function bringToFront(phone) {
  for (const other of phones) other.root.classList.toggle("front", other === phone);
  phone.seen();
  phone.talk.toEnd();
  drawTabs();
}

function drawTabs() {
  const focused = document.activeElement?.dataset?.tab;
  byId("tabs").replaceChildren(...phones.map((phone, at) => {
    const front = phone.root.classList.contains("front");
    const label = phone.group ? phone.title.textContent : phone.person.name;
    return el("button.tab", { type: "button", "data-tab": String(at), "aria-current": front ? "true" : null, onclick: () => bringToFront(phone) },
      label, phone.unread > 0 && el("b.unread", { "aria-label": `${phone.unread} 条新消息` }, String(phone.unread)));
  }));
  if (focused !== undefined) byId("tabs").children[focused]?.focus();
}

/** The first chats shown: a villager, the first in office in private, and somebody else's group: who reports, who sends, who works. */
function usual() {
  const chats = world.people.flatMap((person) => person.chats.map(({ group }) => ({ account: person.account, group, look: person.look })));
  const office = chats.find((chat) => chat.look === "ding" && !chat.group);
  const groups = chats.filter((chat) => chat.look === "ding" && chat.group);
  const firsts = [
    chats.find((chat) => chat.look === "wechat"),
    office,
    groups.find((chat) => chat.account !== office?.account) ?? groups[0],
  ].filter(Boolean);
  return firsts.length ? firsts : chats.slice(0, 1);
}

/** The chat that is not in sight yet, so that a new phone shows something new. */
function another() {
  const shown = new Set(phones.map((phone) => `${phone.account} ${phone.group}`));
  const all = world.people.flatMap((person) => person.chats.map(({ group }) => ({ account: person.account, group })));
  return all.find(({ account, group }) => !shown.has(`${account} ${group}`)) ?? all[0];
}

function phoneFor({ account, group, slot }) {
  if (!persona(account)) return null;
  let phone = phones.find((one) => one.account === account && one.group === group);
  if (!phone) {
    while (phones.length <= slot) addPhone(another());
    phone = phones[slot];
    phone.show(account, group);
  }
  bringToFront(phone);
  return phone;
}

async function restart() {
  try {
    await post("/sim/restart");
    await readClock();
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

const hour = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", hourCycle: "h23" });

/** From 21:00 to 7:30 nobody is disturbed, and the story would wait until morning; it begins by day instead. */
async function byDay() {
  const now = Number(hour.format(clock.now()));
  if (now < 8 || now >= 20) await moveClock({ next_workday: true });
}

async function play() {
  const script = await (await fetch("/sim/story.json")).json();
  const chats = Object.values(script.cast).map(({ account, group }) => chatOf(account, group));
  await Promise.all(chats.map((chat) => chat.load()));
  if (chats.some((chat) => chat.lines.length)) {
    if (!(await ask("自动演示要从头开始，现在的对话和工单会清空。", "清空并开始"))) return;
    if (!(await restart())) return;
    await sleep(500);
  }
  await byDay();
  story?.end();
  byId("play").disabled = true;
  story = new Story(script, phoneFor, () => { byId("play").disabled = false; });
  story.play();
}

function large(on) {
  document.documentElement.classList.toggle("large", on);
  byId("large").setAttribute("aria-pressed", String(on));
  memory.set("large", on);
}

function wire() {
  byId("hour").onclick = () => moveClock({ advance_ms: 3_600_000 });
  byId("workday").onclick = () => moveClock({ next_workday: true });
  byId("large").onclick = () => large(!document.documentElement.classList.contains("large"));
  byId("add").onclick = () => addPhone(another(), true).choose.focus();
  byId("play").onclick = () => play().catch(() => toast("演示没能开始，请再试一次。"));
  byId("restart").onclick = async () => {
    if (await ask("所有对话和工单都会清空，从头开始。", "重新开始") && await restart()) {
      story?.end();
      toast("已经从头开始了。");
    }
  };
  const toggle = byId("tools-toggle");
  toggle.onclick = () => {
    const open = !byId("tools").classList.contains("open");
    byId("tools").classList.toggle("open", open);
    toggle.setAttribute("aria-expanded", String(open));
  };
}

async function start() {
  for (;;) {
    try {
      await begin();
      break;
    } catch {
      byId("offline").hidden = false;
      await sleep(2000);
    }
  }
  byId("county").textContent = world.county ? ` · ${world.county}` : "";
  const known = (memory.get("phones") ?? []).filter(({ account }) => persona(account));
  for (const what of known.length ? known : usual()) addPhone(what);
  connect((up) => { byId("offline").hidden = up; if (up) readClock().catch(() => {}); });
  showClock();
  setInterval(showClock, 1000);
  setInterval(() => readClock().catch(() => {}), 30_000);
}

wire();
large(memory.get("large") === true);
start();

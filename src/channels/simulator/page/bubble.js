// How one line of a chat looks. Everything here makes elements from data and keeps no state.

import { el, icon, lightbox } from "./dom.js";
import { persona, world } from "./feed.js";

const STEPS = 5;
const LINK = /https?:\/\/[^\s，。；！？）」』】<>"“”]+/;

/** The one character on somebody's picture: 老周 → 周, 李派单 → 李. */
export function letter(name) {
  return /^[老小阿]./u.test(name) ? [...name][1] : [...name][0];
}

export function face(name, isBot) {
  let hue = 0;
  for (const c of name) hue = (hue * 7 + c.codePointAt(0)) % 6;
  return el(`span.face.${isBot ? "bot" : `hue${hue}`}`, { "aria-hidden": "true" }, letter(name));
}

/** Text with links, and with mentions set off. `names` are the names that may be mentioned here. */
function words(text, names) {
  const marks = [LINK.source, ...names.map((name) => `@${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`)];
  return text.split(new RegExp(`(${marks.join("|")})`)).filter(Boolean).map((part) => {
    if (LINK.test(part)) return el("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part);
    if (part.startsWith("@") && names.includes(part.slice(1))) return el("span.mention", {}, part);
    return part;
  });
}

const bare = (text) => text.replace(/[\s\p{P}\p{S}]/gu, "");

/** The text without what is shown in another form beside it: numbered lines that are chips, lines that the card repeats. */
export function remaining(reply) {
  const numbered = new Set((reply.choices ?? []).filter((c) => c.number !== null).map((c) => bare(`${c.number}${c.text}`)));
  const onCard = reply.card
    ? [reply.card.title, reply.card.number, reply.card.state, ...reply.card.rows.flat()].map(bare).filter(Boolean)
    : [];
  onCard.sort((a, b) => b.length - a.length);
  const kept = reply.text.split("\n").filter((line) => {
    let rest = bare(line);
    if (rest && numbered.has(rest)) return false;
    if (!rest || !onCard.length) return true;
    for (const known of onCard) rest = rest.replaceAll(known, "");
    return rest !== "";
  });
  return kept.join("\n").replace(/\n{3,}/g, "\n\n").trim();
}

/** All that a reply says, for quoting it, for the story and for screen readers. */
export function plain(line) {
  if (line.by === "person") return line.text || (line.photos?.length ? "［照片］" : line.location ? "［位置］" : "");
  const { text, choices = [], card } = line.reply;
  const parts = [text, ...choices.map((c) => (c.number === null ? c.text : `${c.number}. ${c.text}`))];
  if (card) parts.push(card.title, card.number, card.state, ...card.rows.map((row) => row.join("　")));
  return parts.join("\n");
}

/** WY2611220007 → 0007: short enough to read aloud. */
export const short = (number) => number.replace(/^[A-Z]{2}\d{6}(?=\d{4})/, "");

export function card({ title, number, state, rows, step, ticket }) {
  const done = step >= STEPS;
  const bars = Array.from({ length: STEPS }, (_, at) => el(`span.${at + 1 < step || done ? "done" : at + 1 === step ? "now" : "todo"}`));
  return el(
    "article.card", { "data-ticket": String(ticket), "aria-label": `${title} ${number}，${state}` },
    el("header", {}, el("strong", {}, title), el("span.no", {}, number), el(`span.state.${done ? "done" : "open"}`, {}, state)),
    el("dl", {}, rows.map(([label, value]) => [el("dt", {}, label), el("dd", {}, value)])),
    el(".steps", { role: "img", "aria-label": `进度：第 ${step} 步，共 ${STEPS} 步` }, bars),
  );
}

export function chips(choices, press) {
  if (!choices?.length) return null;
  return el(
    ".chips", { role: "group", "aria-label": "可以点的回答" },
    choices.map((choice) =>
      el("button.chip", { type: "button", "data-text": choice.text, onclick: () => press(choice) },
        choice.number !== null && el("i", {}, String(choice.number)), choice.text)),
  );
}

function photo(id) {
  const src = `/sim/photo/${id}`;
  const image = el("img", { src, alt: "照片", loading: "lazy", width: 160, height: 120 });
  return el("button.photo", { type: "button", "aria-label": "照片，点开看大图", onclick: () => lightbox(src, "照片") }, image);
}

function place({ lat, lng, label }) {
  return el(".place", {},
    el(".where", {}, el("strong", {}, label || "位置"), el("small", {}, `${lat.toFixed(4)}，${lng.toFixed(4)}`)),
    el(".map", { "aria-hidden": "true" }, icon("pin")));
}

function voice(seconds, transcript) {
  const bar = el(`.bubble.voice.v${Math.min(6, Math.ceil(seconds / 3))}`, { role: "img", "aria-label": `语音 ${seconds} 秒` }, icon("voice"), `${seconds}″`);
  return transcript ? [bar, el(".transcript", {}, transcript)] : [bar];
}

/** What a person said. `post` is a line of the log or a message on its way (then `state` says how it stands). */
export function spoken(line, { me, group }) {
  if (line.event) {
    const name = line.nick ?? "这个人";
    return el("p.note", {}, line.event === "left" ? `${name}取消了关注` : `${name}关注了“${world.county}${world.bot}”`);
  }
  const name = line.nick ?? persona(line.account)?.name ?? line.account;
  const mine = line.account === me;
  const names = [world.bot, ...world.people.map((person) => person.name)];
  const body = el(".body", {}, group && !mine && el("span.name", {}, name));
  if (line.voice) body.append(...voice(line.voice, line.text));
  for (const id of line.photos ?? []) body.append(photo(id));
  if (line.location) body.append(place(line.location));
  if (line.text && !line.voice) body.append(el(".bubble", {}, words(line.text, names)));
  if (line.quote) body.append(el(".quote", {}, line.quote));
  if (line.heard === false) {
    body.append(el("span.unheard", {}, line.photos?.length ? `${world.bot}没收到。点“回复”，再说给它听。` : `没有 @${world.bot}，它听不到。`));
  }
  return el(`.msg${mine ? ".me" : ""}`, {}, face(name, false), body);
}

/** What the bot said, without its card. `update` is a card shown before that this one has changed. */
export function answered(line, { me, group, press, jump, update }) {
  const { reply } = line;
  const names = [world.bot, ...world.people.map((person) => person.name)];
  const body = el(".body", {}, group && el("span.name", {}, world.bot));
  const text = remaining(reply);
  const called = (reply.mention ?? []).map((account) => persona(account)?.name ?? account).filter((name) => !text.includes(`@${name}`));
  if (text || called.length) {
    const bubble = el(".bubble", {});
    for (const name of called) bubble.append(el("span.mention", {}, `@${name}`), " ");
    bubble.append(...words(text, names));
    if ((reply.mention ?? []).includes(me)) bubble.classList.add("tome");
    body.append(bubble);
  }
  if (reply.card && update) {
    body.append(el("button.jump", { type: "button", title: "看卡片", "aria-label": `${reply.card.number} 变成了${reply.card.state}，看卡片`, onclick: jump }, el("b", {}, short(reply.card.number)), `　${reply.card.state}`));
  } else if (reply.card) {
    body.append(card(reply.card));
  }
  const row = chips(reply.choices, press);
  if (row) body.append(row);
  return el(".msg.frombot", {}, face(world.bot, true), body);
}

// The panel behind ＋: pictures, voice, locations, following.

import { el, icon } from "./dom.js";
import { upload, world } from "./feed.js";
import { complain } from "./talk.js";

let samples;
/** The ready-made pictures: `{ file, name }`. */
export function samplePictures() {
  samples ??= fetch("/sim/samples/samples.json").then((got) => got.json()).catch((error) => { samples = null; throw error; });
  return samples;
}

/** Uploads a ready-made picture and gives its id. */
export async function uploadSample(file) {
  return upload(await (await fetch(`/sim/samples/${file}`)).blob());
}

/** Makes the panel with these ready-made pictures; `say(words)` sends, `close()` puts it away. */
export function panel(person, ready, say, close) {
  const send = (words) => { close(); say(words); };
  const sendPicture = async (picture) => {
    close();
    try { say({ photos: [await picture] }); } catch (error) { complain(error); }
  };

  const pictures = el(".thumbs", {}, ready.map(({ file, name }) =>
    el("button.thumb", { type: "button", title: name, onclick: () => sendPicture(uploadSample(file)) },
      el("img", { src: `/sim/samples/${file}`, alt: "", width: 80, height: 60 }), el("span", {}, name))));
  const chooser = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", multiple: true, hidden: true });
  chooser.addEventListener("change", async () => {
    const files = [...chooser.files];
    for (const file of files.slice(0, 9)) await sendPicture(upload(file));
  });
  pictures.append(el("button.thumb.own", { type: "button", onclick: () => chooser.click() }, icon("plus"), el("span", {}, "选自己的照片")), chooser);

  const said = el("textarea", { rows: "2", "aria-label": "说了什么", placeholder: "把要说的话打在这里，当作语音发出去" });
  const sayIt = () => send({ voice: said.value.trim() });

  const places = world.places.map((place) =>
    el("button.chip", { type: "button", onclick: () => send({ location: place }) }, place.label.replace(/^.*?县/, "")));
  const own = el("form.own-place", {
    onsubmit: (event) => {
      event.preventDefault();
      const [label, lat, lng] = [...own.querySelectorAll("input")].map((input) => input.value);
      send({ location: { label: label.trim(), lat: Number(lat), lng: Number(lng) } });
    },
  },
    el("label", {}, "地名", el("input", { placeholder: "可以不填", maxlength: "60" })),
    el("label", {}, "纬度", el("input", { type: "number", step: "any", min: "-90", max: "90", required: true, placeholder: "37.80" })),
    el("label", {}, "经度", el("input", { type: "number", step: "any", min: "-180", max: "180", required: true, placeholder: "115.89" })),
    el("button", {}, "发送"));

  const follow = person.look === "wechat" && el(".part", {}, el("h3", {}, "关注"),
    el(".row", {},
      el("button.chip", { type: "button", onclick: () => send({ event: { arrived: { scene: null } } }) }, "关注"),
      el("button.chip", { type: "button", onclick: () => send({ event: "left" }) }, "取消关注")));

  return el(".attach", { role: "group", "aria-label": "发照片、语音或位置", onkeydown: (event) => { if (event.key === "Escape") close(); } },
    el(".part", {}, el("h3", {}, "照片"), pictures),
    el(".part", {}, el("h3", {}, "语音"), el(".row.grow", {}, said, el("button", { type: "button", onclick: sayIt }, "发语音")),
      el("p.small", {}, "演示不录音。不填字就像平台没有转成文字。")),
    el(".part", {}, el("h3", {}, "位置"), el(".row", {}, places), el("details", {}, el("summary", {}, "自己填坐标"), own)),
    follow);
}

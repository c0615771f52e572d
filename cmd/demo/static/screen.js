// The screen: shows what the demo sends, and tells it what was typed and pressed. It decides nothing.
const front = document.body.dataset.front;
const phone = document.getElementById("phone");
const byId = (id) => document.getElementById(id);

const post = (deed, fields = {}) => fetch(`/do/${deed}`, { method: "POST", body: new URLSearchParams(fields) });

// The phone's browser.
let at = `${front}/`;
function browse(url, follow = true) {
  at = url;
  phone.src = url;
  byId("address").textContent = url.replace(/^https?:\/\//, "").replace(/\?.*/, "");
  if (follow && matchMedia("(max-width: 56rem)").matches) byId("phone").closest("section").scrollIntoView({ behavior: "smooth" });
}
byId("home").addEventListener("click", () => browse(`${front}/`));
byId("reload").addEventListener("click", () => browse(at));
browse(at, false); // a newcomer reads the instructions first

// Rooms and their lines. A line that has not changed is left alone, so that what is selected stays selected.
const rooms = {};
function show(room) {
  for (const tab of document.querySelectorAll("[data-tab]")) tab.setAttribute("aria-selected", String(tab.dataset.tab === room));
  for (const log of document.querySelectorAll(".log")) log.hidden = log.dataset.room !== room;
  document.querySelector(`[data-tab="${room}"] .dot`)?.setAttribute("hidden", "");
  const log = byId(`log-${room}`);
  settle(log);
}
const shown = () => document.querySelector('[data-tab][aria-selected="true"]').dataset.tab;

// Times are shown in the reader's own zone: our own to the second, those in messages as Slack words them.
const clock = (moment, seconds) => moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined, hour12: false });
function dayOf(moment) {
  const days = Math.round((new Date(moment).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? moment.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
}
function localClocks(root) {
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.textContent = "clock" in time.dataset ? clock(moment, true) : `${dayOf(moment)} at ${clock(moment, false)}`;
    time.title = moment.toISOString();
  }
}

// Each room follows what came of the last thing done in it: that stays on top, and what it led to grows below, so that a
// new card shows its head. Who scrolls is left alone until they do something again.
const follow = {};
function acted(room) {
  follow[room] = { from: rooms[room]?.size ?? 0, on: true };
}
function settle(log) {
  const { from, on } = follow[log.dataset.room] ??= { from: 0, on: true };
  if (!on) return;
  const bottom = log.scrollHeight - log.clientHeight;
  const first = log.querySelectorAll(".line")[from];
  follow[log.dataset.room].at = log.scrollTop = first ? Math.min(bottom, first.offsetTop - 8) : bottom;
}
for (const log of document.querySelectorAll(".log")) {
  for (const touch of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    log.addEventListener(touch, (event) => { if (!event.target.closest?.("button, a")) (follow[log.dataset.room] ??= { from: 0 }).on = false; }, { passive: true });
  }
}

function drawRoom(room, entries) {
  const log = byId(`log-${room}`);
  const known = rooms[room] ??= new Map();
  let fresh = false;
  for (const [id, html] of entries) {
    if (known.get(id) === html) continue;
    let line = byId(id);
    if (!line) {
      line = Object.assign(document.createElement("article"), { className: "line", id });
      log.append(line);
      fresh = true;
    }
    line.innerHTML = html;
    localClocks(line);
    known.set(id, html);
  }
  const order = entries.map(([id]) => id).join();
  if ([...log.querySelectorAll(".line")].map((line) => line.id).join() !== order) log.append(...entries.map(([id]) => byId(id))); // of arrival
  log.querySelector(".empty").hidden = entries.length > 0;
  if (fresh && shown() !== room) document.querySelector(`[data-tab="${room}"] .dot`)?.removeAttribute("hidden");
  settle(log);
}

const live = new EventSource("/live");
for (const room of ["war-room", "community"]) live.addEventListener(room, (event) => drawRoom(room, JSON.parse(event.data)));
for (const panel of ["guide", "service", "hands", "chain", "attacks"]) {
  live.addEventListener(panel, (event) => {
    const place = byId(panel);
    const held = place.contains(document.activeElement) ? key(document.activeElement) : "";
    place.innerHTML = JSON.parse(event.data);
    if (held) [...place.querySelectorAll("button")].find((b) => key(b) === held)?.focus();
  });
}
live.addEventListener("sheet", (event) => {
  const html = JSON.parse(event.data);
  byId("sheet").classList.toggle("open", html.trim() !== "");
  if (html.trim() !== "") byId("sheet").innerHTML = html;
});
live.addEventListener("error", () => { byId("service").innerHTML = '<i class="lamp off"></i>the demo itself has ended'; });
const key = (b) => JSON.stringify({ ...b.dataset });

// What people do.
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  if (text === "") return;
  acted(shown());
  post("say", { channel: shown(), who: byId("who").value, text });
  byId("text").value = "";
});
byId("chips").addEventListener("click", (event) => {
  const chip = event.target.closest("button");
  if (!chip) return;
  byId("text").value = chip.textContent;
  byId("text").focus();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (link && link.href.startsWith(`${front}/`) && link.target !== "_blank" && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    browse(link.href);
    return;
  }
  const b = event.target.closest("button");
  if (!b) return;
  const { tab, press, id, value, hand, decide, do: deed, how } = b.dataset;
  if (tab) show(tab);
  if (press) {
    b.disabled = true;
    acted(shown());
    post("press", { message: press, action: id, value, who: byId("who").value }).finally(() => { b.disabled = false; });
  }
  if (hand) post("hand", { to: hand });
  if (decide) {
    const number = b.closest("[data-number]").dataset.number;
    byId("sheet").classList.remove("open");
    post("decide", { number, answer: decide });
  }
  if (deed) post(deed, { how: how ?? "" }).then(() => { if (deed === "tamper") browse(at); });
});
localClocks(document);
show("war-room");

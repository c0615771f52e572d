// The screen: shows what the demo sends, and tells it what was typed and pressed. It decides nothing.
const front = document.body.dataset.front;
const phone = document.getElementById("phone");
const byId = (id) => document.getElementById(id);

const post = (deed, fields = {}) => fetch(`/do/${deed}`, { method: "POST", body: new URLSearchParams(fields) });

// The phone's browser.
let at = `${front}/`;
function browse(url) {
  at = url;
  phone.src = url;
  byId("address").textContent = url.replace(/^https?:\/\//, "").replace(/\?.*/, "");
  if (matchMedia("(max-width: 56rem)").matches) byId("phone").closest("section").scrollIntoView({ behavior: "smooth" });
}
byId("home").addEventListener("click", () => browse(`${front}/`));
byId("reload").addEventListener("click", () => browse(at));
browse(at);

// Rooms and their lines. A line that has not changed is left alone, so that what is selected stays selected.
const rooms = {};
function show(room) {
  for (const tab of document.querySelectorAll("[data-tab]")) tab.setAttribute("aria-selected", String(tab.dataset.tab === room));
  for (const log of document.querySelectorAll(".log")) log.hidden = log.dataset.room !== room;
  document.querySelector(`[data-tab="${room}"] .dot`)?.setAttribute("hidden", "");
  const log = byId(`log-${room}`);
  log.scrollTop = log.scrollHeight;
}
const shown = () => document.querySelector('[data-tab][aria-selected="true"]').dataset.tab;

function localClocks(root) {
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.textContent = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
    time.title = moment.toISOString();
  }
}

function drawRoom(room, entries) {
  const log = byId(`log-${room}`);
  const known = rooms[room] ??= new Map();
  const near = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  let fresh;
  for (const [id, html] of entries) {
    if (known.get(id) === html) continue;
    let line = byId(id);
    if (!line) {
      line = Object.assign(document.createElement("article"), { className: "line", id });
      fresh = known.size > 0 || entries.length < 3 ? line : fresh;
      log.append(line);
    }
    line.innerHTML = html;
    localClocks(line);
    known.set(id, html);
  }
  for (const [id] of entries) log.append(byId(id)); // the order of arrival
  log.querySelector(".empty").hidden = entries.length > 0;
  if (fresh && shown() !== room) document.querySelector(`[data-tab="${room}"] .dot`)?.removeAttribute("hidden");
  if (near || fresh?.textContent.includes("only")) settle(log);
}

// A new card is taller than the room: its head matters more than its foot.
function settle(log) {
  const cards = log.querySelectorAll(".line:has(> .said > .card), .line:has(> .said > .answer > h3)");
  const card = cards[cards.length - 1];
  const bottom = log.scrollHeight - log.clientHeight;
  log.scrollTop = card && card === log.lastElementChild ? Math.min(bottom, card.offsetTop - 12) : bottom;
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
  const { tab, press, action, value, hand, decide, do: deed, how } = b.dataset;
  if (tab) show(tab);
  if (press) {
    b.disabled = true;
    post("press", { message: press, action, value, who: byId("who").value }).finally(() => { b.disabled = false; });
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

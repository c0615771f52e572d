// Keeps the board and a proposal's page fresh: on a notice the page is asked for again and its content put in place.
import { showLive, watch } from "./api";
import { distance } from "./words";

/** Times in words, beside the exact ones. */
function relate(): void {
  for (const time of document.querySelectorAll("time")) {
    time.title = distance(time.dateTime);
  }
}

/** Loads this address again. XMLHttpRequest parses it: no text of ours becomes markup by our own hand, and no script in it runs. */
function refresh(): void {
  const request = new XMLHttpRequest();
  request.responseType = "document";
  request.open("GET", location.href);
  request.setRequestHeader("Accept", "text/html");
  request.addEventListener("load", () => {
    const fresh = request.responseXML?.getElementById("content");
    const old = document.getElementById("content");
    if (request.status !== 200 || !fresh || !old) return;
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const next = document.importNode(fresh, true);
    next.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
    old.replaceWith(next);
    relate();
  });
  request.send();
}

// Several changes in one breath are one load.
let due: ReturnType<typeof setTimeout> | undefined;
watch((proposal) => {
  const content = document.getElementById("content");
  const mine = [content?.dataset.proposal, content?.dataset.public].filter(Boolean);
  if (proposal && mine.length > 0 && !mine.includes(proposal)) return;
  clearTimeout(due);
  due = setTimeout(refresh, 150);
}, showLive);
relate();
setInterval(relate, 30_000);

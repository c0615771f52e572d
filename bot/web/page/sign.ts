// The signing page: loads the proposal, shows it, and leads through the steps.
import { get, Problem, proposalPath, showLive, watch } from "./api";
import { bar, changedNote, checks, quorumNote } from "./act";
import { alert, byId, el, fragmentOf, p as para, redraw, section } from "./dom";
import * as facts from "./facts";
import type { Proposal } from "./proposal";
import { sentence, Session } from "./session";
import { compareBox, waysSection } from "./ways";
import { discover } from "./wallet";
import type { Wallet } from "./wallet";

const ref = byId("content").dataset.ref ?? "";
let wallets: Wallet[] = [];

/** The parts of the page. Those that hold what people type are made once; the others are drawn anew. */
function start(proposal: Proposal): void {
  const place = (id: string): HTMLElement => el("div", { id });
  const [changed, shown, checked, elsewhere] = [place("changed"), place("facts"), place("checks"), place("elsewhere")];
  let drawn = "";
  const session = new Session(ref, proposal, () => { draw(); });
  const compareSection = el("section", {}, compareBox(() => session));
  const ways = waysSection(() => session, elsewhere);

  function draw(): void {
    const v = session.proposal;
    const text = JSON.stringify(v);
    if (text !== drawn) {
      drawn = text;
      redraw(shown, el("section", {}, facts.heading(v), facts.dangers(v)), facts.outcome(v), facts.calls(v), facts.effect(v), facts.identity(v), facts.people(v), facts.hashes(v));
      redraw(elsewhere, facts.elsewhere(v));
    }
    changed.replaceChildren(fragmentOf(changedNote(session)));
    checked.replaceChildren(section("Checked on this device", fragmentOf(quorumNote(session)), checks(session)));
    const strip = byId("bar");
    strip.hidden = false;
    const held = strip.contains(document.activeElement);
    strip.firstElementChild?.replaceChildren(bar(session, wallets));
    if (held) strip.querySelector("button")?.focus();
  }

  byId("content").replaceChildren(changed, shown, compareSection, checked, ways);
  draw();
  discover((found) => {
    wallets = found;
    draw();
  });
  const mine = (id: string): boolean => id === "" || id === session.proposal.id || id === session.proposal.public_id;
  watch((id) => { if (mine(id)) void session.reload(); }, (on) => {
    showLive(on);
    if (on) void session.reload(); // what happened while nobody listened
  });
}

async function load(): Promise<void> {
  try {
    start((await get(proposalPath(ref))) as Proposal);
  } catch (thrown) {
    const again = el("button", { type: "button", click: () => { void load(); } }, "Try again");
    const gone = thrown instanceof Problem && thrown.status === 404;
    byId("content").replaceChildren(alert("This cannot be shown", para(sentence(thrown))), gone ? "" : again);
  }
}

void load();

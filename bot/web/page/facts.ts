// What a signer is shown, in the order in which it matters: what is dangerous, what it does, what changes, what is signed.
import { alert, copyButton, el, facts, fragmentOf, hex, note, p as para, section, sentenceOf } from "./dom";
import { checkWords, sameHex } from "./hash";
import { active, nameOf, signable, signatures, signedBy } from "./proposal";
import type { Call, Proposal, SafeTx } from "./proposal";
import { openBatch, recompute, verify } from "./verify";
import { clean, distance, ether, gasFields, hashCommand, line, operationWords, purposeWords, standing, tone, verifiedWords, when } from "./words";

export function heading(v: Proposal): DocumentFragment {
  const deadline = v.expires_at && v.state === "proposed" && `Asking until ${when(v.expires_at)} (${distance(v.expires_at)})`;
  return fragmentOf(
    el("h1", {}, v.subject ? `${v.title}: ${v.subject}` : v.title),
    el("p", { class: "meta" }, el("span", { class: `badge ${tone(v)}` }, standing(v)), el("span", {}, clean(v.kind)), el("span", {}, v.id || v.public_id),
      el("a", { href: location.pathname.replace(/\/sign$/, "") + location.search }, "The whole story"),
      !v.is_public && el("span", {}, "Not public: keep this link to yourself")),
    v.status ? para(line(v.status), "lead strong") : null,
    deadline ? para(deadline, "muted") : null,
    v.reason ? note(v.proposer ? `${v.proposer}: ${v.reason}` : v.reason) : null,
  );
}

/** Dangers first, in words; what the page itself finds comes before what Belay says. */
export function dangers(v: Proposal): DocumentFragment {
  const t = active(v);
  const all = signable(v);
  const own = (all.length > 0 ? all : t ? [t] : []).flatMap((x) => verify(v, x)).filter((x) => !x.ok);
  const gas = t ? gasFields(t) : [];
  return fragmentOf(
    own.length > 0 && alert("Do not sign", el("ul", {}, ...own.map((x) => el("li", {}, x.text)))),
    v.dangers.length > 0 && alert("Danger", el("ul", {}, ...v.dangers.map((d) => el("li", {}, d.text)))),
    !v.safe.verified && alert("Not verified", para("Only the contract itself says that it is a Safe of this version. Compare its address with what you know.")),
    gas.length > 0 && alert("Gas fields are set", para("The Safe may pay whoever sends this. A Safe of today needs none of these."), facts(...gas.map(([k, x]) => [k, el("code", {}, x)] as [string, HTMLElement]))),
    ...v.notes.map((text) => note(line(text), "note warn")),
  );
}

export function callBox(c: Call, step: string): HTMLElement {
  return el("div", { class: "box call" },
    step ? para(step, "step") : null,
    sentenceOf(c.text || `Unknown call to ${c.to}`, "says"),
    facts([c.label ? `Target (${clean(c.label)})` : "Target", hex(c.to)],
      ["Function", c.function ? el("code", {}, c.function) : "not known"],
      c.args.length > 0 && ["Arguments", el("ul", { class: "args" }, ...c.args.map((a) => el("li", {}, el("span", { class: "of" }, `${a.name} ${a.type}`), a.type === "address" ? hex(a.value) : el("code", {}, a.value))))],
      ["Sends", ether(c.value)]),
    el("details", {}, el("summary", {}, `Raw calldata, ${(c.data.length - 2) / 2} bytes`), el("pre", {}, c.data)),
    ...(c.inner ?? []).map((inner, i) => callBox(inner, `Inside, call ${i + 1}`)));
}

export function calls(v: Proposal): HTMLElement {
  const many = v.calls.length > 1;
  return section("What it does", ...v.calls.map((c, i) => callBox(c, many ? `Call ${i + 1} of ${v.calls.length}` : "")), operation(v));
}

/** The operation in words, and why a batch is expected to be a DELEGATECALL. */
function operation(v: Proposal): HTMLElement | null {
  const t = active(v);
  if (!t) return null;
  const words = operationWords(t.safe_tx.operation);
  if (t.safe_tx.operation === 0) return para(`Operation 0, ${words}.`, "small");
  return openBatch(t.safe_tx.data)
    ? note(`Operation 1, ${words}. For a batch that is expected: your device will show operation 1 to MultiSendCallOnly, a published library that can only make the plain calls above, one after the other.`)
    : alert("DELEGATECALL", para(`Operation 1, ${words}. This is not a batch: whatever stands at the target can take over the Safe.`));
}

export function effect(v: Proposal): HTMLElement | null {
  const s = v.simulation;
  if (!s) return section("What changes", note("Not simulated yet.", "note warn"));
  const source = para(`Simulated at block ${s.block} by ${s.provider}`, "small");
  const gas = s.ok && s.burnable === null && para("Not tried with less gas: whether anyone can use up the nonce without the effect is not known.", "small");
  if (!s.ok) return section("What changes", alert("The simulation reverts", para(s.error || "No reason was given.")), source);
  const rows = s.changes.map((c) => el("li", {}, el("div", { class: "what" }, c.what), el("span", {}, c.before), el("span", { class: "arrow", "aria-label": "becomes" }, "→"), el("span", { class: "after" }, c.after)));
  const effects = s.effects.map((e) => el("li", {}, clean(e)));
  return section("What changes", rows.length > 0 ? el("ul", { class: "changes" }, ...rows) : para("The simulation runs through. It names no value that changes."),
    effects.length > 0 && el("ul", { class: "effects" }, ...effects), source, !s.traced && para("No provider told what else changes in storage, balances and code.", "small"), gas);
}

export function identity(v: Proposal): HTMLElement {
  const t = active(v);
  return section("What you sign for",
    facts(["Chain", `${v.safe.chain}, chain id ${v.safe.chain_id}`], [`Safe ${clean(v.safe.name)}`, hex(v.safe.address)],
      ["Version", `${v.safe.version}, ${verifiedWords(v.safe.verified_by)}`],
      t && ["Nonce", `${t.nonce}, the ${purposeWords(v, t)}`],
      v.timelock ? [`Timelock ${clean(v.timelock.name)}`, hex(v.timelock.address)] : undefined,
      t && ["To", hex(t.safe_tx.to)], t && ["Value", ether(t.safe_tx.value) || "0"],
      v.manifest ? ["Configuration", el("div", {}, hex(v.manifest.hash), para(vouchedWords(v.manifest), "small"))] : undefined));
}

/** Who signed the playbooks, names and members that this proposal comes from; with the wallet where it was not known before. */
const vouchedWords = (m: NonNullable<Proposal["manifest"]>): string => {
  if (m.signed_by.length === 0) return "signed by nobody";
  const who = m.signed_by.map((s) => `${clean(s.member)}${s.wallet ? ` with ${s.wallet.slice(0, 6)}…${s.wallet.slice(-4)}` : ""} on ${s.at.slice(0, 10)}`);
  return `signed by ${who.join(", ")}${m.first_use && m.require > 0 ? "; accepted on first use" : ""}`;
};

const threeHashes = (domain: string, message: string, safeTx: string): HTMLElement =>
  facts(["Domain hash", hex(domain)], ["Message hash", hex(message)], ["safeTxHash", hex(safeTx)], ["Check words", checkWords(safeTx)]);

/** The hashes that this page computed, for each transaction that can be signed. */
export function hashes(v: Proposal): HTMLElement {
  const all = signable(v);
  const first = active(v);
  const shown = all.length > 0 ? all : first ? [first] : [];
  return section("Compare with your device",
    para("A Ledger that signs blindly shows domain hash and message hash; newer devices list the fields. Compare every digit. These are computed on this device from the fields above. The check words say the safeTxHash aloud: whoever signs with you must read the same eight."),
    ...shown.map((t, i) => {
      const own = recompute(v, t);
      const block = own ? threeHashes(own.domain, own.message, own.safeTx) : note("The fields cannot be read.", "note warn");
      return i === 0 ? block : el("details", {}, el("summary", {}, `At nonce ${t.nonce}, the ${purposeWords(v, t)}`), block);
    }));
}

/** How to check on another machine: this page is served by the program that it checks. */
export function elsewhere(v: Proposal): HTMLElement | null {
  const t = active(v);
  const own = t && recompute(v, t);
  if (!own) return null;
  const command = hashCommand(v, t);
  const upper = (hash: string): string => "0x" + hash.slice(2).toUpperCase();
  const plain = `Domain hash: ${upper(own.domain)}\nMessage hash: ${upper(own.message)}\nSafe transaction hash: ${own.safeTx}\nCheck words: ${checkWords(own.safeTx)}`;
  return el("details", {}, el("summary", {}, "Check on another machine"),
    para("This page comes from Belay. If Belay is compromised, so is this page, and all that it says of itself. Independent of it are your device’s screen, your wallet’s own RPC, and this command on a machine that Belay does not reach:"),
    el("pre", {}, command), el("div", { class: "row" }, copyButton("command", () => command)),
    para("Other public tools that compute a Safe’s hashes do as well, safe_hashes.sh among them; they and the command end with these lines, in these letters. Send them to a second person, or read the check words over the phone:"),
    el("pre", {}, plain), el("div", { class: "row" }, copyButton("hashes", () => plain)));
}

export function people(v: Proposal): HTMLElement {
  const t = active(v);
  const count = t ? signatures(v, t) : 0;
  const pips = el("div", { class: "progress", "aria-hidden": "true" }, ...Array.from({ length: Math.max(v.threshold, 1) }, (_, i) => el("i", { class: i < count ? "full" : "" })));
  return section("Who has signed", pips, para(progress(v, t), "strong"),
    el("ul", { class: "people" }, ...v.owners.map((owner) => person(v, t, owner))), said(v));
}

const saidWords: Record<string, string> = { object: "objects", lift: "takes the objection back", approve: "approves it", withdraw: "asks to withdraw it" };

/** What people said about it; with a wallet it counts, in chat it is a note. */
function said(v: Proposal): HTMLElement | null {
  const all = [...v.approvals, ...v.objections];
  if (all.length === 0) return null;
  return el("ul", { class: "list" }, ...all.map((o) => el("li", {},
    para(`${clean(o.member) || "A wallet"} ${saidWords[o.what] ?? clean(o.what)}${o.text ? `: ${o.text}` : ""} (${o.wallet ? "with a wallet" : "a note in chat"}, ${when(o.at)})`),
    o.wallet ? hex(o.wallet) : null)));
}

export function progress(v: Proposal, t: SafeTx | undefined): string {
  const count = t ? signatures(v, t) : 0;
  const missing = v.threshold - count;
  return `${count} of ${v.threshold} signatures${missing > 0 ? `, ${missing} more needed` : ": quorum"}`;
}

function person(v: Proposal, t: SafeTx | undefined, owner: string): HTMLElement {
  const said = t?.confirmations.find((c) => sameHex(c.owner, owner));
  const spares = v.safe_txs.filter((x) => x !== t && x.purpose === "spare" && signedBy(x, owner)).length;
  const words = said ? `signed ${when(said.at)}, ${clean(said.kind.replaceAll("_", " "))} by ${clean(said.via)}${spares > 0 ? `, and ${spares} spare` : ""}` : "not signed yet";
  const name = nameOf(v, owner);
  return el("li", said ? { class: "yes" } : {}, el("span", { class: "mark", "aria-hidden": "true" }, said ? "✓" : "–"),
    el("span", { class: "who" }, name && el("span", { class: "strong" }, name), el("span", { class: "said" }, words)), hex(owner));
}

export function outcome(v: Proposal): DocumentFragment {
  return fragmentOf(
    v.postconditions.length > 0 && section("Did it work?", el("ul", { class: "checks" }, ...v.postconditions.map((c) =>
      el("li", { class: c.ok ? "good" : "bad" }, el("span", {}, `${c.ok ? "True" : "FALSE"}: ${c.text}${c.value ? `, read as ${c.value}` : ""} (block ${c.block})`))))),
    v.transactions.length > 0 && section("Transactions", el("ul", { class: "list" }, ...v.transactions.map((x) =>
      el("li", {}, el("div", { class: "line" }, el("span", { class: "strong" }, `${x.role}: ${x.status}`), el("span", { class: "small" }, x.block > 0 ? `block ${x.block}` : "")), hex(x.tx_hash))))),
  );
}

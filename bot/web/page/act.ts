// The step at hand, drawn: what was checked, and the one thing to do next.
import { key } from "./api";
import { alert, el, fragmentOf, note, p as para } from "./dom";
import { progress } from "./facts";
import { checkWords } from "./hash";
import { active, ended, nameOf, signatures } from "./proposal";
import type { Proposal, SafeTx } from "./proposal";
import type { Session } from "./session";
import { recompute, verify } from "./verify";
import type { Wallet } from "./wallet";
import { clean, purposeWords, standing } from "./words";

/** Why nothing is asked: what was asked is done, or the proposal has ended. */
const overWords = (p: Proposal): string => (p.execution && !ended(p) ? "it is done, and becomes final soon" : standing(p).toLowerCase());


type Mark = "good" | "bad" | "warn" | "wait";

const check = (mark: Mark, text: string): HTMLElement => {
  const spoken = { good: "Yes: ", bad: "No: ", warn: "Note: ", wait: "" }[mark];
  return el("li", { class: mark }, el("span", {}, spoken && el("span", { class: "sr" }, spoken), text));
};

/** Everything that this page has checked about the transaction at hand. */
export function checks(s: Session): HTMLElement {
  const t = s.target;
  const list = el("ul", { class: "checks" });
  if (!t) return list;
  for (const verdict of verify(s.proposal, t)) list.append(check(verdict.ok ? "good" : "bad", verdict.text));
  if (!s.wallet) {
    list.append(check("wait", "Account, chain and the wallet’s own RPC are checked once a wallet is connected"));
    return list;
  }
  const name = nameOf(s.proposal, s.account);
  list.append(check(s.isOwner ? "good" : "bad", `${s.account}${name ? ` (${name})` : ""} is ${s.isOwner ? "" : "not "}an owner of this Safe`));
  const rightChain = s.chainId === s.proposal.safe.chain_id;
  list.append(check(rightChain ? "good" : "bad", rightChain ? `The wallet is on ${s.proposal.safe.chain} (chain id ${s.chainId})`
    : `The wallet is on chain id ${s.chainId}, this is for ${s.proposal.safe.chain} (chain id ${s.proposal.safe.chain_id})`));
  if (s.isOwner && rightChain) appendAsked(list, s, t);
  return list;
}

function appendAsked(list: HTMLElement, s: Session, t: SafeTx): void {
  const { document, reading } = s.asked(t);
  if (!document || !reading) {
    list.append(check("wait", "Asking your wallet’s own RPC…"));
    return;
  }
  list.append(check(document.ok ? "good" : "bad", document.text));
  list.append(check(reading.verdict === "agrees" ? "good" : reading.verdict === "disagrees" ? "bad" : "warn", reading.text));
  if (reading.warning) list.append(check("warn", reading.warning));
}

const wide = (text: string, act: () => unknown, first: boolean): HTMLElement => el("button", { type: "button", class: first ? "primary wide" : "wide", click: () => { act(); } }, text);
const primary = (text: string, act: () => unknown): HTMLElement => wide(text, act, true);

/** The bar at the bottom: one sentence and one button. */
export function bar(s: Session, wallets: Wallet[]): DocumentFragment {
  if (s.busy) return fragmentOf(para(s.busy), el("button", { type: "button", class: "wide", disabled: true }, "Waiting…"));
  const said = s.message ? el("p", { class: s.message.good ? "good" : "bad" }, s.message.text) : null;
  // Where the relayer cannot go on, sending comes first: nothing happens before somebody does it.
  return sendsFirst(s) ? fragmentOf(said, stuckWords(s), sending(s), atHand(s, wallets)) : fragmentOf(said, atHand(s, wallets), sending(s));
}

const stuckWords = (s: Session): HTMLElement =>
  para(s.wallet ? "Belay cannot send it. Any wallet can: it costs gas, and nothing else." : "Belay cannot send it. Any wallet can: connect one, then send it from there.", "bad strong");

function atHand(s: Session, wallets: Wallet[]): DocumentFragment {
  const t = s.target;
  const { safe } = s.proposal;
  switch (s.step) {
    case "over":
      return fragmentOf(para(`There is nothing to sign: ${overWords(s.proposal)}. ${progress(s.proposal, t)}.`));
    case "unapproved":
      return s.wallet || wallets.length === 0
        ? fragmentOf(para(`Owners are asked once it is approved by ${s.proposal.unapproved.map(clean).join(" and ")}. Whoever has the role approves below, under “Say something with your wallet”.`))
        : fragmentOf(para(`Owners are asked once it is approved by ${s.proposal.unapproved.map(clean).join(" and ")}.`), connecting(s, wallets));
    case "blocked":
      return fragmentOf(para("Signing is off: this page could not prove what you would sign. Read the red box on top.", "bad strong"));
    case "connect":
      return connecting(s, wallets);
    case "owner":
      return fragmentOf(para(`${s.account} is not an owner of this Safe. Choose an owner’s account in ${clean(s.wallet?.name ?? "the wallet")}, then look again.`, "bad"),
        primary("Look again", () => s.reread()));
    case "chain":
      return fragmentOf(para(`Your wallet is on another chain (${s.chainId}).`), primary(`Switch the wallet to ${clean(safe.chain)}`, () => s.switchChain()));
    case "checking":
      return fragmentOf(para("Asking your wallet’s own RPC whether the Safe computes the same hash…"), el("button", { type: "button", class: "wide", disabled: true }, "Checking…"));
    case "disagrees":
      return fragmentOf(para("Signing is off: not everything agrees. Read the marks above.", "bad strong"), el("button", { type: "button", class: "wide", click: () => { s.recheck(); } }, "Check again"));
    case "sign":
      return t ? signing(s, t) : fragmentOf();
    case "done":
      return fragmentOf(para(`You have signed all there is to sign. ${progress(s.proposal, active(s.proposal))}.`, "good"));
  }
}

function connecting(s: Session, wallets: Wallet[]): DocumentFragment {
  if (wallets.length === 0) {
    return fragmentOf(para("No wallet was found in this browser. Open this page in your wallet’s own browser, or use one of the other ways to sign."));
  }
  return fragmentOf(...wallets.map((w, i) => el("button", { type: "button", class: i === 0 ? "primary wide" : "wide", click: () => { void s.connect(w); } },
    w.icon ? el("img", { src: w.icon, alt: "" }) : null, `Connect ${clean(w.name)}`)));
}

function signing(s: Session, t: SafeTx): DocumentFragment {
  const first = active(s.proposal);
  if (first && t !== first) {
    const why = t.nonce < first.nonce ? `the Safe may still be at nonce ${t.nonce} when this is sent. Signed here too, it waits for nobody.`
      : `should another transaction use up nonce ${first.nonce}, this one still works at nonce ${t.nonce}.`;
    return fragmentOf(para(`One more, in the same sitting: ${why}`),
      aloud(s, t), wide(`Also sign the spare at nonce ${t.nonce}`, () => s.sign(), !sendsFirst(s)));
  }
  const name = clean(s.wallet?.name ?? "your wallet");
  return fragmentOf(para(`${progress(s.proposal, t)}. Compare the hashes on your device before you confirm.`), aloud(s, t),
    wide(`Sign the ${purposeWords(s.proposal, t)} at nonce ${t.nonce} with ${name}`, () => s.sign(), !sendsFirst(s)));
}

/** The check words of what the button signs, beside the button: whoever is on the phone with the others reads them aloud. */
function aloud(s: Session, t: SafeTx): HTMLElement | null {
  const own = recompute(s.proposal, t);
  return own ? el("p", { class: "aloud" }, "Aloud: ", el("code", {}, checkWords(own.safeTx))) : null;
}

/** After quorum anyone may send; Belay does, and this is for when it does not. */
function sending(s: Session): HTMLElement | null {
  if (!s.sendable || key() === "" || !s.wallet) return null;
  return wide("Send it from my wallet", () => s.send(), sendsFirst(s));
}

const sendsFirst = (s: Session): boolean => s.proposal.stuck && s.sendable;

/** What changed under the reader's eyes. */
export function changedNote(s: Session): HTMLElement | null {
  if (!s.changed) return null;
  const t = active(s.proposal);
  return alert("This changed while the page was open", para(`What is asked for now is nonce ${t?.nonce ?? "?"}, with another hash. Read it again from the top before you sign.`));
}

/** Why nothing needs to be done any more, for those who come late. */
export function quorumNote(s: Session): HTMLElement | null {
  const t = active(s.proposal);
  if (!t || s.proposal.state !== "approved" || signatures(s.proposal, t) < s.proposal.threshold) return null;
  return note("Quorum stands; more signatures do no harm.");
}

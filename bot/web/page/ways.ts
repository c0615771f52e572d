// The boxes that people type into: compare what a device shows, and hand in a signature made elsewhere.
import { el, p as para, section } from "./dom";
import { signable, active } from "./proposal";
import type { Proposal, SafeTx } from "./proposal";
import type { Session } from "./session";
import { sayBox } from "./say";
import { recompute } from "./verify";
import { purposeWords } from "./words";

export interface Answer {
  tone: "good" | "bad" | "";
  text: string;
}

const wholeHash = 64; // hex digits

/** Says whether typed digits are one of the hashes. Spaces, case and 0x make no difference. */
export function compare(p: Proposal, typed: string): Answer {
  const digits = typed.toLowerCase().replace(/[\s:.…-]/g, "").replace(/^0x/, "");
  if (digits === "") return { tone: "", text: "" };
  if (!/^[0-9a-f]+$/.test(digits)) return { tone: "bad", text: "There is something in it that is no hex digit." };
  const known = knownHashes(p);
  const fits = known.filter(([, hash]) => hash.startsWith(digits));
  if (fits.length === 0) return { tone: "bad", text: "NO MATCH with any hash here. Do not sign; tell your team by another way." };
  const names = fits.map(([name]) => name).join(", or ");
  if (digits.length < wholeHash) return { tone: "", text: `So far like the ${names}. ${wholeHash - digits.length} digits are missing: compare all of them.` };
  return { tone: "good", text: `Match: this is the ${names}.` };
}

function knownHashes(p: Proposal): [string, string][] {
  const first = active(p);
  const open = signable(p);
  const all = open.length > 0 ? open : first ? [first] : [];
  return all.flatMap((t, i) => {
    const own = recompute(p, t);
    if (!own) return [];
    const at = `at nonce ${t.nonce}`;
    const domain: [string, string][] = i === 0 ? [["domain hash", own.domain.slice(2)]] : [];
    return [...domain, [`message hash ${at}`, own.message.slice(2)], [`safeTxHash ${at}`, own.safeTx.slice(2)]] as [string, string][];
  });
}

/** The box that compares. It is made once and lives on, so that nobody loses what they typed. */
export function compareBox(session: () => Session): HTMLElement {
  const verdict = el("p", { class: "verdict", role: "status" });
  const input = el("input", { id: "compare", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: "0x…", input: () => { say(); } }) as HTMLInputElement;
  function say(): void {
    const answer = compare(session().proposal, input.value);
    verdict.textContent = answer.text;
    verdict.className = `verdict ${answer.tone}`;
  }
  return el("div", {}, el("label", { for: "compare" }, "What does your device show?"), input, verdict);
}

/** The form that takes a signature from a wallet that this browser does not reach. */
export function pasteBox(session: () => Session): HTMLElement {
  const signature = el("textarea", { id: "signature", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: "0x…" }) as HTMLTextAreaElement;
  const which = el("select", { id: "which" }) as HTMLSelectElement;
  const verdict = el("p", { class: "verdict", role: "status" });
  const hand = async (): Promise<void> => {
    const s = session();
    const t = signable(s.proposal).find((x) => x.safe_tx_hash === which.value) ?? active(s.proposal);
    const text = signature.value.trim();
    if (!/^0x([0-9a-fA-F]{2})+$/.test(text) || !t) {
      verdict.className = "verdict bad";
      verdict.textContent = "A signature is 0x and hex digits, 130 of them as a rule.";
      return;
    }
    await s.paste(text, t);
    verdict.className = `verdict ${s.message?.good ? "good" : "bad"}`;
    verdict.textContent = s.message?.text ?? "";
    if (s.message?.good) signature.value = "";
  };
  const offer = (): void => {
    const s = session();
    const chosen = which.value;
    which.replaceChildren(...signable(s.proposal).map((t: SafeTx) => el("option", { value: t.safe_tx_hash }, `nonce ${t.nonce}, ${purposeWords(s.proposal, t)}`)));
    if (chosen) which.value = chosen;
  };
  offer();
  return el("details", { toggle: offer }, el("summary", {}, "Paste a signature made elsewhere"),
    para("From a wallet that this browser does not reach: sign the typed data there, and hand in what it returns."),
    el("label", { for: "which" }, "For"), which, el("label", { for: "signature" }, "Signature"), signature,
    el("div", { class: "row" }, el("button", { type: "button", click: () => { void hand(); } }, "Hand it in")), verdict);
}

/** The ways that need no page at all. */
export function otherWays(): HTMLElement {
  return el("details", {}, el("summary", {}, "Sign without this page"),
    para("On your own machine, with a keystore, or with Ledger and Trezor through clef; it shows the same facts and computes the hashes itself:"),
    el("pre", {}, `belay sign '${location.href.split("#")[0] ?? ""}' \\\n  --keystore FILE`),
    para("Or on chain, from an owner’s account: call approveHash on the Safe with the safeTxHash. Belay sees it by itself."));
}

export const waysSection = (session: () => Session, ...more: (HTMLElement | null)[]): HTMLElement =>
  section("Other ways", pasteBox(session), otherWays(), sayBox(session), ...more);

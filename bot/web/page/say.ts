// What a member says with a wallet instead of a chat account: object, take that back, approve in a role, withdraw. The document is put
// together here; of what the server offers only its own words, the subject, the site and the time are taken.
import { el, p as para } from "./dom";
import { ended } from "./proposal";
import type { Proposal } from "./proposal";
import type { Session } from "./session";

export interface StatementDocument {
  types: Record<string, { name: string; type: string }[]>;
  primaryType: string;
  domain: Record<string, string>;
  message: Record<string, string>;
}

const fields = ["statement", "action", "topic", "subject", "text", "site", "at"];

/** The statement that a wallet is asked for: it can bind no contract, and says exactly what was chosen. undefined where the server offers another. */
export function statementOf(offered: unknown, action: string, text: string, topic: string): StatementDocument | undefined {
  const message = (offered as { message?: Record<string, unknown> } | null)?.message ?? {};
  const told = (name: string): string => (typeof message[name] === "string" ? message[name] : "");
  if (told("action") !== action || told("text") !== text || (topic.startsWith("P-") && told("topic") !== topic)) return undefined;
  if (!/^0x[0-9a-f]{64}$/.test(told("subject")) || !/^[0-9]{1,12}$/.test(told("at")) || told("site") !== location.origin) return undefined;
  const typeOf = (name: string): string => (name === "subject" ? "bytes32" : name === "at" ? "uint256" : "string");
  return {
    types: { EIP712Domain: [{ name: "name", type: "string" }, { name: "version", type: "string" }], Statement: fields.map((name) => ({ name, type: typeOf(name) })) },
    primaryType: "Statement",
    domain: { name: "Belay", version: "1" },
    message: Object.fromEntries(fields.map((name) => [name, told(name)])),
  };
}

const offers = (p: Proposal): [string, string][] => [
  ...(p.unapproved.length > 0 ? [["approve", `Approve it, as ${p.unapproved.join(" or ")}`] as [string, string]] : []),
  ["object", "Object: it is wrong, or not now"],
  ["lift", "Take my objection back"],
  ["withdraw", "Withdraw it"],
];

/** The form that signs one of these sentences with the connected wallet. It is made once and lives on. */
export function sayBox(session: () => Session): HTMLElement {
  const which = el("select", { id: "say" }) as HTMLSelectElement;
  const text = el("input", { id: "say-text", autocomplete: "off", maxlength: "300", placeholder: "Why, in a few words" }) as HTMLInputElement;
  const verdict = el("p", { class: "verdict", role: "status" });
  const offer = (): void => {
    const chosen = which.value;
    which.replaceChildren(...offers(session().proposal).map(([value, words]) => el("option", { value }, words)));
    if (chosen) which.value = chosen;
  };
  const tell = async (): Promise<void> => {
    const s = session();
    if (!s.wallet) {
      verdict.className = "verdict bad";
      verdict.textContent = "Connect your wallet first, with the button below.";
      return;
    }
    if (ended(s.proposal)) {
      verdict.className = "verdict bad";
      verdict.textContent = "It has ended: there is nothing to answer any more.";
      return;
    }
    await s.say(which.value, text.value.trim());
    verdict.className = `verdict ${s.message?.good ? "good" : "bad"}`;
    verdict.textContent = s.message?.text ?? "";
    if (s.message?.good) text.value = "";
    offer();
  };
  offer();
  return el("details", { toggle: offer }, el("summary", {}, "Say something with your wallet"),
    para("In chat these are notes. Signed with a wallet, an objection holds back what is no emergency, and enough owners’ objections end any proposal. Nothing moves on chain."),
    el("label", { for: "say" }, "What"), which, el("label", { for: "say-text" }, "Words for the others"), text,
    el("div", { class: "row" }, el("button", { type: "button", click: () => { void tell(); } }, "Sign and say it")), verdict);
}

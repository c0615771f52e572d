// The link page: proves that a wallet belongs to the person behind a chat account. The token stands in the fragment, which no
// browser sends anywhere; it is spent by the signature, never by opening the page.
import { post } from "./api";
import { alert, byId, el, facts, fragmentOf, hex, note, p as para } from "./dom";
import { sentence } from "./session";
import { chainOf, connect, discover, signTypedData, switchTo } from "./wallet";
import type { Wallet } from "./wallet";
import { clean, when } from "./words";

interface LinkDocument {
  primaryType: string;
  types: Record<string, { name: string; type: string }[]>;
  domain: Record<string, unknown>;
  message: Record<string, unknown>;
}

const token = location.hash.slice(1);
const content = byId("content");
const title = el("h1", {}, "Link a wallet");
const intro = para("This tells Belay which wallet is yours. It gives nobody any power: every signature still proves itself, and this page asks for nothing but one readable text.", "lead");

function show(...parts: (Node | null)[]): void {
  content.replaceChildren(title, intro, fragmentOf(...parts));
}

function failed(thrown: unknown, again: () => void): void {
  show(alert("That did not work", para(sentence(thrown))), el("button", { type: "button", click: again }, "Try again"));
}

function choose(wallets: Wallet[]): void {
  if (wallets.length === 0) {
    show(note("No wallet was found in this browser. Open this address in your wallet’s own browser.", "note warn"));
    return;
  }
  show(para("Connect the wallet that owns, or will own, a place in the Safe."),
    ...wallets.map((w) => el("p", {}, el("button", { type: "button", class: "primary wide", click: () => { void prepare(w); } }, w.icon ? el("img", { src: w.icon, alt: "" }) : null, `Connect ${clean(w.name)}`))));
}

let started = false;

/** Whether a document can bind no contract: permits, orders and Safe transactions all name theirs in the domain. */
const harmless = (document: LinkDocument): boolean => document.types.EIP712Domain?.every((f) => f.name !== "verifyingContract") ?? false;

/** The document with the fields that its types declare, and no others: what is shown is what is signed. */
function pruned(document: LinkDocument): LinkDocument {
  const only = (type: string, values: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries((document.types[type] ?? []).map((f) => [f.name, values[f.name]]));
  const { primaryType, types } = document;
  const declared = { EIP712Domain: types.EIP712Domain ?? [], [primaryType]: types[primaryType] ?? [] };
  return { primaryType, types: declared, domain: only("EIP712Domain", document.domain), message: only(primaryType, document.message) };
}

async function prepare(wallet: Wallet): Promise<void> {
  started = true;
  const again = (): void => { void prepare(wallet); };
  try {
    const [account = ""] = await connect(wallet);
    const document = (await post("/api/v1/link/typed-data", { token, wallet: account })) as LinkDocument;
    if (!harmless(document)) {
      show(alert("Do not sign", para("What this link asks a wallet to sign is not a link, but a text that a contract could act on. Tell your team by another way.")));
      return;
    }
    review(wallet, account, pruned(document));
  } catch (thrown) {
    failed(thrown, again);
  }
}

const words: Record<string, string> = { statement: "What you say", platform: "Chat", space: "Team or server", account: "Chat account", wallet: "Wallet", site: "To the site", expires: "Good until", nonce: "Number of this link" };

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function row(name: string, value: unknown): [string, HTMLElement | string] {
  const text = shown(value);
  const label = words[name] ?? name;
  if (/^0x([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/.test(text)) return [label, hex(text)];
  if (name === "expires" && /^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) return [label, when(new Date(Number(text) * 1000).toISOString())];
  return [label, text];
}

/** Shows every field that will be signed; the phrase stands on top, for it is what the person compares with chat. */
function review(wallet: Wallet, account: string, document: LinkDocument): void {
  const { message } = document;
  const phrase = /Phrase: ([a-z ]+)/.exec(shown(message.statement))?.[1] ?? "";
  const rows = (document.types[document.primaryType] ?? []).map((f) => row(f.name, message[f.name]));
  show(
    phrase ? el("div", { class: "box" }, para("Does chat show you the same phrase, in your own private message?", "muted"), para(phrase, "phrase"), para("If not, stop here: somebody else made this link.", "small")) : null,
    facts(...rows),
    el("p", {}, el("button", { type: "button", class: "primary wide", click: () => { void sign(wallet, account, document); } }, `Sign with ${clean(wallet.name)}`)),
    para("Your wallet will show these same fields. It must not ask for a transaction, an approval or a recovery phrase.", "small"));
}

async function sign(wallet: Wallet, account: string, document: LinkDocument): Promise<void> {
  try {
    const wanted = Number(document.domain.chainId ?? 0);
    if (wanted > 0 && (await chainOf(wallet)) !== wanted) await switchTo(wallet, wanted);
    const signature = await signTypedData(wallet, account, document);
    const linked = (await post("/api/v1/link", { token, wallet: account, signature })) as { member: string; wallet: string };
    show(el("div", { class: "box" }, para("Linked", "phrase"), para(`This wallet is ${clean(linked.member)}’s from now on. You can close this page.`), hex(linked.wallet)));
  } catch (thrown) {
    failed(thrown, () => { review(wallet, account, document); });
  }
}

if (token === "") {
  show(alert("This address is not complete", para("Type /belay link in chat, and open the address that it gives you there, whole.")));
} else {
  discover((wallets) => { if (!started) choose(wallets); });
}

// One sitting of one signer: the proposal as last loaded, the wallet, and what was checked. It decides which step is at hand;
// it draws nothing.
import { get, post, Problem, proposalPath } from "./api";
import { readChain, knownBatch } from "./chain";
import type { Reading } from "./chain";
import { typedDataOf } from "./hash";
import { active, ended, signable, signatures, signedBy } from "./proposal";
import type { Proposal, SafeTx } from "./proposal";
import { statementOf } from "./say";
import { checkExecution, checkTypedData, domainOf, recompute, verify } from "./verify";
import type { Verdict } from "./verify";
import { accountsOf, chainOf, connect, follow, send, signTypedData, switchTo, WalletError } from "./wallet";
import type { Wallet } from "./wallet";

/** How long after a question that the server could not answer it is asked again, in milliseconds. */
const askAgainAfter = 4000;

export type Step = "blocked" | "over" | "unapproved" | "connect" | "chain" | "owner" | "checking" | "disagrees" | "sign" | "done";

export interface Message {
  good: boolean;
  text: string;
}

/** What was asked about one transaction for one account; undefined while the answer is not there. */
interface Asked {
  document?: Verdict;
  reading?: Reading;
}

export class Session {
  wallet: Wallet | undefined;
  account = "";
  chainId = 0;
  busy = "";
  message: Message | undefined;
  changed = false; // the active transaction became another one while the page was open
  sent = "";
  #asked = new Map<string, Asked>();

  constructor(
    readonly ref: string,
    public proposal: Proposal,
    private readonly update: () => void,
  ) {}

  /** The transaction that the step at hand is about: the next one that this account has not signed. */
  get target(): SafeTx | undefined {
    const open = signable(this.proposal);
    return open.find((t) => this.account === "" || !signedBy(t, this.account)) ?? open[0] ?? active(this.proposal);
  }

  get isOwner(): boolean {
    return this.proposal.owners.some((o) => o.toLowerCase() === this.account.toLowerCase());
  }

  asked(t: SafeTx): Asked {
    return this.#asked.get(this.#key(t)) ?? {};
  }

  #key(t: SafeTx): string {
    return [t.safe_tx_hash, this.account, this.chainId, this.wallet?.id].join(" ");
  }

  get step(): Step {
    const t = this.target;
    const open = signable(this.proposal);
    if (!t || ended(this.proposal) || open.length === 0) return "over";
    if (this.proposal.unapproved.length > 0) return "unapproved";
    // One that cannot be proven makes all of them suspect: they come from the same server.
    if (open.some((x) => verify(this.proposal, x).some((v) => !v.ok))) return "blocked";
    if (!this.wallet || this.account === "") return "connect";
    if (!this.isOwner) return "owner";
    if (signedBy(t, this.account)) return "done";
    if (this.chainId !== this.proposal.safe.chain_id) return "chain";
    const { document, reading } = this.asked(t);
    if (!document || !reading) return "checking";
    if (!document.ok || reading.verdict === "disagrees") return "disagrees";
    if (reading.verdict === "unknown" && !knownBatch(t)) return "disagrees";
    return "sign";
  }

  /** Runs one thing at a time and tells how it went. */
  async #run(what: string, work: () => Promise<Message | undefined>): Promise<void> {
    if (this.busy) return;
    this.busy = what;
    this.message = undefined;
    this.update();
    try {
      this.message = await work();
    } catch (thrown) {
      this.message = { good: false, text: sentence(thrown) };
    }
    this.busy = "";
    this.update();
    this.check();
  }

  connect(wallet: Wallet): Promise<void> {
    return this.#run("Waiting for your wallet…", async () => {
      const accounts = await connect(wallet);
      this.#choose(wallet, accounts);
      this.chainId = await chainOf(wallet);
      follow(wallet, () => { void this.reread(); });
      return undefined;
    });
  }

  #choose(wallet: Wallet, accounts: string[]): void {
    const owners = this.proposal.owners.map((o) => o.toLowerCase());
    this.wallet = wallet;
    this.account = accounts.find((a) => owners.includes(a.toLowerCase())) ?? accounts[0] ?? "";
  }

  /** Asks the wallet again which account and chain it is on. */
  async reread(): Promise<void> {
    if (!this.wallet) return;
    try {
      this.#choose(this.wallet, await accountsOf(this.wallet));
      this.chainId = await chainOf(this.wallet);
    } catch (thrown) {
      this.message = { good: false, text: sentence(thrown) };
    }
    this.update();
    this.check();
  }

  switchChain(): Promise<void> {
    return this.#run("Waiting for your wallet…", async () => {
      const wallet = this.wallet;
      if (!wallet) return undefined;
      await switchTo(wallet, this.proposal.safe.chain_id);
      this.chainId = await chainOf(wallet);
      return undefined;
    });
  }

  /** Asks server and chain about every transaction that this account may sign, once each. */
  check(): void {
    if (!this.wallet || !this.isOwner || this.chainId !== this.proposal.safe.chain_id) return;
    for (const t of signable(this.proposal)) {
      const key = this.#key(t);
      if (this.#asked.has(key)) continue;
      const asked: Asked = {};
      this.#asked.set(key, asked);
      void this.#ask(this.wallet, t, asked);
    }
  }

  async #ask(wallet: Wallet, t: SafeTx, asked: Asked): Promise<void> {
    const p = this.proposal;
    const [answer, reading] = await Promise.all([
      get(proposalPath(this.ref, "/typed-data", { safe_tx_hash: t.safe_tx_hash, owner: this.account })).then(
        (told) => ({ document: checkTypedData(p, t, told), silent: false }),
        (thrown: unknown) => ({ document: { ok: false, text: sentence(thrown) }, silent: true }),
      ),
      readChain(wallet, p, t, this.account),
    ]);
    asked.document = answer.document;
    asked.reading = reading;
    this.update();
    // Nobody should have to press a button for a server that was away. What it answered wrongly stays for people to read.
    if (answer.silent) {
      const key = this.#key(t);
      setTimeout(() => {
        if (this.#asked.get(key) === asked) void this.#ask(wallet, t, asked);
      }, askAgainAfter);
    }
  }

  /** Forgets what chain and server said, and asks again. */
  recheck(): void {
    this.#asked.clear();
    this.update();
    this.check();
  }

  sign(): Promise<void> {
    return this.#run("Look at your wallet: compare, then sign there…", async () => {
      const { wallet, target: t, account } = this;
      if (!wallet || !t || this.step !== "sign") return undefined;
      if ((await chainOf(wallet)) !== this.proposal.safe.chain_id || !(await accountsOf(wallet)).includes(account)) {
        void this.reread();
        return { good: false, text: "Account or chain changed in the wallet. Look again, then sign." };
      }
      const signature = await signTypedData(wallet, account, typedDataOf(domainOf(this.proposal), t.safe_tx));
      return this.#hand({ signature, safe_tx_hash: recompute(this.proposal, t)?.safeTx ?? "", owner: account }, t);
    });
  }

  /** Hands in a signature that was made elsewhere. */
  paste(signature: string, t: SafeTx): Promise<void> {
    return this.#run("Handing the signature in…", () => this.#hand({ signature, safe_tx_hash: t.safe_tx_hash }, t));
  }

  /** Signs a statement about the proposal: no owner's signature, and nothing that moves anything. */
  say(action: string, text: string): Promise<void> {
    return this.#run("Look at your wallet: it shows one readable text…", async () => {
      const { wallet, account } = this;
      if (!wallet || account === "") return undefined;
      const document = statementOf(await post(proposalPath(this.ref, "/statements/typed-data"), { action, text }), action, text, this.proposal.id);
      if (!document) return { good: false, text: "Belay offered something else to sign than what was chosen. Sign nothing, and tell your team by another way." };
      const signature = await signTypedData(wallet, account, document);
      this.take((await post(proposalPath(this.ref, "/statements"), { action, text, at: document.message.at, signature })) as Proposal);
      return { good: true, text: `Said with ${account}.` };
    });
  }

  async #hand(body: Record<string, string>, t: SafeTx): Promise<Message> {
    try {
      this.take((await post(proposalPath(this.ref, "/signatures"), body)) as Proposal);
    } catch (thrown) {
      return this.#tooLate(thrown, t);
    }
    const now = this.proposal.safe_txs.find((x) => x.safe_tx_hash === t.safe_tx_hash) ?? t;
    return { good: true, text: `Your signature at nonce ${t.nonce} is recorded: ${signatures(this.proposal, now)} of ${this.proposal.threshold}.` };
  }

  /** What was signed may have become needless while the signer read: that is no failure, and nothing is left to do. */
  async #tooLate(thrown: unknown, t: SafeTx): Promise<Message> {
    if (!(thrown instanceof Problem) || (thrown.code !== "not_open" && thrown.code !== "stale_hash")) throw thrown;
    this.take((await get(proposalPath(this.ref))) as Proposal);
    if (this.proposal.execution === null && !ended(this.proposal)) throw thrown;
    return { good: true, text: `Your signature at nonce ${t.nonce} is not needed any more: ${this.proposal.execution ? "it is done already" : "the proposal has ended"}. Nothing is left to sign.` };
  }

  /** Whether quorum stands and nothing has been mined: then any wallet may send. */
  get sendable(): boolean {
    const t = active(this.proposal);
    if (!t || this.sent !== "") return false;
    if (this.proposal.state === "ready") return true;
    return this.proposal.state === "approved" && signatures(this.proposal, t) >= this.proposal.threshold && (t.transaction === null || t.transaction.status === "submitted");
  }

  send(): Promise<void> {
    return this.#run("Look at your wallet…", async () => {
      const { wallet, account } = this;
      const t = active(this.proposal);
      if (!wallet || !t) return undefined;
      if ((await chainOf(wallet)) !== this.proposal.safe.chain_id) await switchTo(wallet, this.proposal.safe.chain_id);
      const ready = (await get(proposalPath(this.ref, "/execution"))) as { chain_id: number; to: string; data: string; value: string };
      const verdict = checkExecution(this.proposal, t.safe_tx, ready);
      if (!verdict.ok) return { good: false, text: verdict.text };
      this.sent = await send(wallet, { from: account, to: ready.to, data: ready.data, value: `0x${BigInt(ready.value).toString(16)}` });
      return { good: true, text: `Sent as ${this.sent}. Belay watches the chain and tells when it is mined.` };
    });
  }

  /** Loads the proposal anew. */
  async reload(): Promise<void> {
    try {
      this.take((await get(proposalPath(this.ref))) as Proposal);
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.status === 0) return; // the next notice or reconnect asks again
      this.message = { good: false, text: sentence(thrown) };
    }
    this.update();
    this.check();
  }

  take(fresh: Proposal): void {
    if (fresh.safe_tx_hash !== this.proposal.safe_tx_hash && !ended(fresh)) this.changed = true;
    this.proposal = fresh;
  }
}

/** What went wrong, in one or two sentences. */
export function sentence(thrown: unknown): string {
  if (thrown instanceof Problem) return [thrown.message, thrown.detail, thrown.hint].filter(Boolean).map((s) => s.replace(/[^.!?…]$/, "$&.")).join(" ");
  if (thrown instanceof WalletError) return thrown.message;
  return "Something went wrong on this page. Load it again; nothing was lost.";
}

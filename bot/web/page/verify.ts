// What the page proves by itself before it offers to sign: that the hashes are those of the fields, and that the calls in
// words are the bytes in the transaction. What it cannot prove is refused.
import { addressWord, canonical, fromHex, hashesOf, sameHex, toHex, typedDataOf, wordOf } from "./hash";
import type { Domain, Hashes, SafeTxFields } from "./hash";
import { active } from "./proposal";
import type { Call, Proposal, SafeTx } from "./proposal";

export interface Verdict {
  ok: boolean;
  text: string;
}

const yes = (text: string): Verdict => ({ ok: true, text });
const no = (text: string): Verdict => ({ ok: false, text });

export const domainOf = (p: Proposal): Domain => ({ chainId: p.safe.chain_id, safe: p.safe.address, version: p.safe.version });

/** The hashes of the fields, or undefined where the fields cannot be read at all. */
export function recompute(p: Proposal, t: SafeTx): Hashes | undefined {
  try {
    return hashesOf(domainOf(p), t.safe_tx);
  } catch {
    return undefined;
  }
}

export function checkHashes(p: Proposal, t: SafeTx): Verdict {
  const own = recompute(p, t);
  if (!own) return no("The fields of this transaction cannot be read, so no hash can be computed.");
  const told = [t.domain_hash, t.message_hash, t.safe_tx_hash];
  const differs = [own.domain, own.message, own.safeTx].some((h, i) => !sameHex(h, told[i] ?? ""));
  if (differs || t.nonce !== t.safe_tx.nonce) {
    return no("The hashes that Belay gave are NOT those of the fields shown. Do not sign. Tell your team by another way.");
  }
  return yes("Domain, message and safeTxHash, recomputed here from the fields, match");
}

/** Whether the server would hand a wallet the same document. */
export function checkTypedData(p: Proposal, t: SafeTx, told: unknown): Verdict {
  return canonical(told) === canonical(typedDataOf(domainOf(p), t.safe_tx))
    ? yes("The document for the wallet is made of the same fields")
    : no("The document that Belay would give a wallet differs from the fields shown. Do not sign.");
}

const multiSend = "8d80ff0a"; // multiSend(bytes)

interface Inner {
  operation: number;
  to: string;
  value: bigint;
  data: string;
}

/** Opens a MultiSend batch: per call one byte of operation, 20 of target, 32 of value, 32 of length, then the data. */
export function openBatch(data: string): Inner[] | undefined {
  const bytes = fromHex(data);
  if (toHex(bytes.subarray(0, 4)) !== "0x" + multiSend || bytes.length < 68) return undefined;
  const number = (from: number, length: number): bigint => BigInt(toHex(bytes.subarray(from, from + length)));
  const size = number(36, 32);
  if (number(4, 32) !== 32n || size > BigInt(bytes.length - 68)) return undefined;
  const end = 68 + Number(size);
  const calls: Inner[] = [];
  for (let at = 68; at < end; ) {
    if (at + 85 > end) return undefined;
    const length = number(at + 53, 32);
    if (length > BigInt(end - at - 85)) return undefined;
    const next = at + 85 + Number(length);
    calls.push({ operation: bytes[at] ?? 1, to: toHex(bytes.subarray(at + 1, at + 21)), value: number(at + 21, 32), data: toHex(bytes.subarray(at + 85, next)) });
    at = next;
  }
  return calls;
}

const sameCall = (c: Call, to: string, value: bigint, data: string): boolean =>
  sameHex(c.to, to) && BigInt(c.value) === value && sameHex(c.data, data);

/** Whether the calls in words are exactly what the transaction does. */
export function checkCalls(p: Proposal, t: SafeTx): Verdict {
  try {
    return compareCalls(p, t.safe_tx, t.purpose);
  } catch {
    return no("The calls of this transaction cannot be read.");
  }
}

function compareCalls(p: Proposal, tx: SafeTxFields, purpose: string): Verdict {
  const only = p.calls[0];
  if (purpose === "void") {
    const empty = sameHex(tx.to, p.safe.address) && tx.value === "0" && tx.data === "0x" && tx.operation === 0;
    return empty ? yes("It does nothing but use up its nonce") : no("It claims to only use up its nonce, but it does more. Do not sign.");
  }
  if (p.calls.length === 1 && only && sameCall(only, tx.to, BigInt(tx.value), tx.data)) {
    return tx.operation === 0 ? yes("The call shown is the transaction’s own") : yes("The call shown is the transaction’s own, run as DELEGATECALL");
  }
  const batch = tx.operation === 1 ? openBatch(tx.data) : undefined;
  if (batch?.length === p.calls.length && batch.every((inner, i) => inner.operation === 0 && isShown(p.calls[i], inner))) {
    return yes(`All ${batch.length} calls of the batch are shown, and none besides`);
  }
  if (p.timelock && tx.operation === 0 && sameHex(tx.to, p.timelock.address) && p.calls.every((c) => holds(tx.data, c))) {
    return yes(`The calls shown are inside the transaction to the timelock ${p.timelock.name}`);
  }
  return no("The words shown do NOT describe this transaction. Do not sign. Tell your team by another way.");
}

const isShown = (c: Call | undefined, inner: Inner): boolean => c !== undefined && sameCall(c, inner.to, inner.value, inner.data);

/** Whether calldata holds target, value and data of a call: what a timelock is told to run later. */
function holds(data: string, c: Call): boolean {
  const text = data.toLowerCase();
  return [addressWord(c.to), wordOf(c.value), c.data.slice(2).toLowerCase()].every((part) => text.includes(part));
}

/** Whether a spare is the active transaction at another nonce, and nothing else. */
export function checkSpare(p: Proposal, t: SafeTx): Verdict {
  const first = active(p);
  if (!first || first === t) return yes("");
  const alike = canonical({ ...first.safe_tx, nonce: 0 }) === canonical({ ...t.safe_tx, nonce: 0 });
  return alike ? yes(`The same as at nonce ${first.nonce}, only the nonce differs`) : no("This spare is not the same transaction. Do not sign it.");
}

/** Everything that can be proven without a wallet. */
export function verify(p: Proposal, t: SafeTx): Verdict[] {
  const verdicts = [checkHashes(p, t), checkCalls(p, t)];
  if (t.purpose === "spare") verdicts.push(checkSpare(p, t));
  return verdicts.filter((v) => v.text !== "");
}

const execTransaction = "6a761202"; // execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)

/** Whether a ready transaction runs exactly tx on the Safe: everything in front of the signatures is compared, word by word. */
export function checkExecution(p: Proposal, tx: SafeTxFields, ready: { chain_id: number; to: string; data: string; value: string }): Verdict {
  const wrong = no("The ready transaction is not the one that was signed. Do not send it.");
  if (ready.chain_id !== p.safe.chain_id) return wrong;
  if (p.timelock && p.state === "ready" && sameHex(ready.to, p.timelock.address)) {
    return p.calls.every((c) => holds(ready.data, c)) ? yes(`Runs the operation in the timelock ${p.timelock.name}`) : wrong;
  }
  if (!sameHex(ready.to, p.safe.address) || ready.value !== "0") return wrong;
  const size = fromHex(tx.data).length;
  const body = tx.data.slice(2).toLowerCase().padEnd(Math.ceil(size / 32) * 64, "0");
  const signaturesAt = 10 * 32 + 32 + body.length / 2;
  const head = execTransaction + addressWord(tx.to) + wordOf(tx.value) + wordOf(10 * 32) + wordOf(tx.operation) + wordOf(tx.safe_tx_gas) + wordOf(tx.base_gas)
    + wordOf(tx.gas_price) + addressWord(tx.gas_token) + addressWord(tx.refund_receiver) + wordOf(signaturesAt) + wordOf(size) + body;
  return ready.data.slice(2).toLowerCase().startsWith(head) ? yes("The ready transaction runs exactly what was signed") : wrong;
}

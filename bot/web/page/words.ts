// Plain words for what the API gives as codes, and the cleaning of text that others wrote.
import type { Proposal, SafeTx } from "./proposal";

/** Removes control characters and those that turn, join or hide writing. The result is only ever set as text. */
export function clean(text: string): string {
  return text.replace(/[\n\t]/g, " ").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\uFFFD]/gu, "");
}

export const operationWords = (operation: number): string =>
  operation === 0 ? "CALL: the Safe calls the target" : "DELEGATECALL: the target’s code runs as the Safe itself";

export function verifiedWords(by: string): string {
  if (by === "canonical") return "published Safe contract, by address and code";
  if (by === "code") return "published Safe code at another address";
  if (by === "not_read") return "not checked: the providers do not agree";
  return "NOT verified: only the contract itself says so";
}

const states: Record<string, string> = {
  proposed: "Asking for signatures", approved: "Approved", queued: "Waiting in the timelock", ready: "Timelock window open", executed: "Done",
  ineffective: "Executed without effect", canceled: "Canceled", expired: "Expired", superseded: "Superseded", failed: "Failed",
};

export const standing = (p: { state: string; undone: boolean }): string => (p.undone ? "Undone" : states[p.state] ?? clean(p.state));

export function tone({ state, undone }: { state: string; undone: boolean }): string {
  if (undone) return "bad";
  if (state === "executed") return "good";
  if (state === "ineffective" || state === "failed") return "bad";
  return ["canceled", "expired", "superseded"].includes(state) ? "over" : "open";
}

const formatter = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC", hour12: false });

export function when(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? clean(text) : `${formatter.format(at)} UTC`;
}

/** A sentence in which machine-made times stand. */
export const line = (text: string): string => text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, when);

/** How far off a time is, roughly: "in 3 h", "5 min ago". */
export function distance(text: string, now: number = Date.now()): string {
  const seconds = (new Date(text).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return "";
  const size = Math.abs(seconds);
  if (size < 45) return seconds < 0 ? "just now" : "in less than a minute";
  const minutes = Math.round(size / 60);
  const [n, unit] = minutes < 90 ? [minutes, "min"] : minutes < 48 * 60 ? [Math.round(minutes / 60), "h"] : [Math.round(minutes / 1440), "days"];
  return seconds < 0 ? `${n} ${unit} ago` : `in ${n} ${unit}`;
}

/** Wei in both units; "" for nothing. */
export function ether(wei: string): string {
  if (!/^[0-9]+$/.test(wei) || BigInt(wei) === 0n) return "";
  const padded = BigInt(wei).toString().padStart(19, "0");
  const text = `${padded.slice(0, -18)}.${padded.slice(-18)}`.replace(/\.?0+$/, "");
  return `${text} ether (${BigInt(wei)} wei)`;
}

export function purposeWords(p: Proposal, t: SafeTx): string {
  switch (t.purpose) {
    case "schedule": return `schedule in the timelock ${clean(p.timelock?.name ?? "")}`.trim();
    case "execute": return "execution of the timelock’s operation";
    case "cancel": return "cancellation";
    case "void": return "void: uses up the nonce, does nothing else";
    case "spare": return `spare of the ${p.kind}`;
    default: return clean(p.kind);
  }
}

/** Gas fields that are not zero. A Safe from 1.3.0 on needs none of them, and each of them can cost the Safe money. */
export function gasFields(t: SafeTx): [string, string][] {
  const zero = (value: string): boolean => /^(0x)?0*$/.test(value);
  const tx = t.safe_tx;
  return ([["safeTxGas", tx.safe_tx_gas], ["baseGas", tx.base_gas], ["gasPrice", tx.gas_price], ["gasToken", tx.gas_token], ["refundReceiver", tx.refund_receiver]] as [string, string][])
    .filter(([, value]) => !zero(value));
}

/** The command that prints the same hashes on another machine. */
export function hashCommand(p: Proposal, t: SafeTx): string {
  const tx = t.safe_tx;
  return ["belay hash", `--chain-id ${p.safe.chain_id}`, `--safe ${p.safe.address}`, `--safe-version ${p.safe.version}`, `--to ${tx.to}`, `--value ${tx.value}`,
    `--data ${tx.data}`, `--operation ${tx.operation}`, `--safe-tx-gas ${tx.safe_tx_gas}`, `--base-gas ${tx.base_gas}`, `--gas-price ${tx.gas_price}`,
    `--gas-token ${tx.gas_token}`, `--refund-receiver ${tx.refund_receiver}`, `--nonce ${tx.nonce}`].join(" \\\n  ");
}

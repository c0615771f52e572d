// The proposal as the API gives it. Only what the page relies on is checked when it is read; the rest is shown as text.
import type { SafeTxFields } from "./hash";

export interface Call {
  to: string;
  label: string;
  value: string;
  data: string;
  function: string;
  args: { name: string; type: string; value: string }[];
  text: string;
  inner?: Call[];
}

export interface Confirmation {
  owner: string;
  member: string;
  kind: string;
  at: string;
  via: string;
}

export interface Transaction {
  role: string;
  tx_hash: string;
  status: string;
  block: number;
  at: string;
}

export interface SafeTx {
  purpose: string;
  state: string;
  nonce: number;
  safe_tx: SafeTxFields;
  domain_hash: string;
  message_hash: string;
  safe_tx_hash: string;
  confirmations: Confirmation[];
  transaction: Transaction | null;
}

export interface Opinion {
  member: string;
  what: string;
  text: string;
  at: string;
  wallet: string;
}

export interface Proposal {
  id: string;
  public_id: string;
  state: string;
  kind: string;
  playbook: string;
  title: string;
  subject: string;
  reason: string;
  proposer: string;
  created_at: string;
  expires_at: string;
  is_public: boolean;
  safe: { name: string; chain: string; chain_id: number; address: string; version: string; verified: boolean; verified_by: string };
  calls: Call[];
  dangers: { code: string; text: string }[];
  simulation: { ok: boolean; block: number; provider: string; changes: { what: string; before: string; after: string }[]; effects: string[]; traced: boolean; error: string; burnable: boolean | null } | null;
  safe_txs: SafeTx[];
  safe_tx_hash: string;
  threshold: number;
  owners: string[];
  owner_names: Record<string, string>;
  timelock: { name: string; kind: string; address: string; state: string; opens_at: string | null; closes_at: string | null } | null;
  transactions: Transaction[];
  execution: Transaction | null;
  undone: boolean;
  postconditions: { text: string; value: string; ok: boolean; block: number }[];
  status: string;
  notes: string[];
  stuck: boolean;
  objections: Opinion[];
  unapproved: string[];
  approvals: Opinion[];
  explorer: string;
  manifest: { hash: string; require: number; first_use: boolean; signed_by: { member: string; at: string; wallet: string }[] } | null;
}

export const ended = (p: Proposal): boolean => ["executed", "ineffective", "canceled", "expired", "superseded", "failed"].includes(p.state);

/** The SafeTx that the rest is about. */
export const active = (p: Proposal): SafeTx | undefined => p.safe_txs.find((t) => t.safe_tx_hash === p.safe_tx_hash) ?? p.safe_txs[0];

/** What an owner can sign now, in the order of asking: the active one, then the spares behind it. Nothing once it is done. */
export function signable(p: Proposal): SafeTx[] {
  if (ended(p) || p.execution) return [];
  const first = active(p);
  return p.safe_txs
    .filter((t) => t.state === "proposed" || t.state === "approved")
    .sort((a, b) => Number(b === first) - Number(a === first) || a.nonce - b.nonce);
}

export const signedBy = (t: SafeTx, owner: string): boolean => t.confirmations.some((c) => c.owner.toLowerCase() === owner.toLowerCase());

export const nameOf = (p: Proposal, owner: string): string =>
  Object.entries(p.owner_names).find(([address]) => address.toLowerCase() === owner.toLowerCase())?.[1] ?? "";

/** How many distinct current owners have signed t. */
export const signatures = (p: Proposal, t: SafeTx): number => p.owners.filter((o) => signedBy(t, o)).length;

// What a wallet signs for a Safe transaction, recomputed from the plain fields: EIP-712 by hand, so that nothing of what the
// server says about hashes is believed. The rules by Safe version are those of the contracts.
import { keccak_256 } from "@noble/hashes/sha3.js";

export interface SafeTxFields {
  to: string;
  value: string;
  data: string;
  operation: number;
  safe_tx_gas: string;
  base_gas: string;
  gas_price: string;
  gas_token: string;
  refund_receiver: string;
  nonce: number;
}

export interface Domain {
  chainId: number;
  safe: string;
  version: string;
}

export interface Hashes {
  domain: string;
  message: string;
  safeTx: string;
}

export interface TypedField {
  name: string;
  type: string;
}

export interface TypedDocument {
  types: Record<string, TypedField[]>;
  primaryType: string;
  domain: Record<string, string | number>;
  message: Record<string, string>;
}

const digits = "0123456789abcdef";

export function toHex(bytes: Uint8Array): string {
  let text = "0x";
  for (const b of bytes) text += (digits[b >> 4] ?? "") + (digits[b & 15] ?? "");
  return text;
}

/** Reads 0x-hex of whole bytes; anything else throws. */
export function fromHex(text: string): Uint8Array {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(text)) throw new Error(`not hex: ${text.slice(0, 20)}`);
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

export function keccak(bytes: Uint8Array): string {
  return toHex(keccak_256(bytes));
}

/** The Keccak-256 of a text's bytes. */
export function keccakText(text: string): string {
  return keccak(new TextEncoder().encode(text));
}

/** The first 88 bits of a hash as eight words to read aloud. A word is 11 bits: consonant (4), vowel (2), consonant (4), ending (1). */
export function checkWords(hash: string): string {
  const bits = [...fromHex(hash).slice(0, 11)].map((b) => b.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{11}/g) ?? []).map((word) => {
    const n = parseInt(word, 2);
    return "bdfghjklmnprstvz".charAt(n >> 7) + "aiou".charAt((n >> 5) & 3) + "bdfghjklmnprstvz".charAt((n >> 1) & 15) + "ae".charAt(n & 1);
  }).join(" ");
}

/** One 32-byte word of a whole number, without 0x. */
export function wordOf(value: string | number | bigint): string {
  if (typeof value === "string" && !/^(0|[1-9][0-9]*)$/.test(value)) throw new Error(`not a whole number: ${value.slice(0, 20)}`);
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Error(`not an exact number: ${value}`);
  const n = BigInt(value);
  if (n < 0n || n >= 1n << 256n) throw new Error("not a 256-bit number");
  return n.toString(16).padStart(64, "0");
}

/** One 32-byte word of an address, without 0x. */
export function addressWord(address: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) throw new Error(`not an address: ${address.slice(0, 20)}`);
  return address.slice(2).toLowerCase().padStart(64, "0");
}

function hashWords(...words: string[]): string {
  return keccak(fromHex("0x" + words.map((w) => w.replace(/^0x/, "")).join("")));
}

/** Reads "1.4.1" as numbers; "1.3.0+L2" is 1.3.0. */
function parseVersion(version: string): [number, number, number] {
  const match = /^(\d+)\.(\d+)\.(\d+)(\+.*)?$/.exec(version);
  if (!match) throw new Error(`unknown Safe version ${version}`);
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}

function atLeast(version: string, major: number, minor: number): boolean {
  const [a, b] = parseVersion(version);
  return a > major || (a === major && b >= minor);
}

/** From 1.3.0 on a signature holds for one chain only. */
export function bindsChain(version: string): boolean {
  return atLeast(version, 1, 3);
}

function domainFields(version: string): TypedField[] {
  const safe = { name: "verifyingContract", type: "address" };
  return bindsChain(version) ? [{ name: "chainId", type: "uint256" }, safe] : [safe];
}

function safeTxFields(version: string): TypedField[] {
  const baseGas = atLeast(version, 1, 0) ? "baseGas" : "dataGas";
  return ([["to", "address"], ["value", "uint256"], ["data", "bytes"], ["operation", "uint8"], ["safeTxGas", "uint256"], [baseGas, "uint256"],
    ["gasPrice", "uint256"], ["gasToken", "address"], ["refundReceiver", "address"], ["nonce", "uint256"]] as const)
    .map(([name, type]) => ({ name, type }));
}

function typeHash(name: string, fields: TypedField[]): string {
  return keccakText(`${name}(${fields.map((f) => `${f.type} ${f.name}`).join(",")})`);
}

/** The three hashes that a signer compares. */
export function hashesOf(domain: Domain, tx: SafeTxFields): Hashes {
  const chain = bindsChain(domain.version) ? [wordOf(domain.chainId)] : [];
  const separator = hashWords(typeHash("EIP712Domain", domainFields(domain.version)), ...chain, addressWord(domain.safe));
  const message = hashWords(typeHash("SafeTx", safeTxFields(domain.version)), addressWord(tx.to), wordOf(tx.value), keccak(fromHex(tx.data)),
    wordOf(tx.operation), wordOf(tx.safe_tx_gas), wordOf(tx.base_gas), wordOf(tx.gas_price), addressWord(tx.gas_token),
    addressWord(tx.refund_receiver), wordOf(tx.nonce));
  const safeTx = keccak(fromHex("0x1901" + separator.slice(2) + message.slice(2)));
  return { domain: separator, message, safeTx };
}

/** The object for eth_signTypedData_v4, made of the same fields. */
export function typedDataOf(domain: Domain, tx: SafeTxFields): TypedDocument {
  const fields = safeTxFields(domain.version);
  const values = [tx.to, tx.value, tx.data, String(tx.operation), tx.safe_tx_gas, tx.base_gas, tx.gas_price, tx.gas_token, tx.refund_receiver, String(tx.nonce)];
  return {
    types: { EIP712Domain: domainFields(domain.version), SafeTx: fields },
    primaryType: "SafeTx",
    domain: bindsChain(domain.version) ? { chainId: domain.chainId, verifyingContract: domain.safe } : { verifyingContract: domain.safe },
    message: Object.fromEntries(fields.map((f, i) => [f.name, values[i] ?? ""])),
  };
}

/** One text for any two documents that a wallet would sign alike: keys in order, no difference in case or kind of number. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${k}:${canonical(v)}`).join(",")}}`;
  }
  return String(value).toLowerCase();
}

/** An address with the mixed case of EIP-55. */
export function checksummed(address: string): string {
  const plain = address.slice(2).toLowerCase();
  const hash = keccakText(plain).slice(2);
  return "0x" + Array.from(plain, (c, i) => (parseInt(hash.charAt(i), 16) >= 8 ? c.toUpperCase() : c)).join("");
}

export function sameHex(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

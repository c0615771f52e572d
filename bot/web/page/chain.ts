// The same facts asked of the wallet's own RPC: a second source that Belay has no hand in.
import { addressWord, fromHex, keccak, sameHex, wordOf } from "./hash";
import type { SafeTxFields } from "./hash";
import type { Proposal, SafeTx } from "./proposal";
import { codeAt, ethCall } from "./wallet";
import type { Wallet } from "./wallet";

export interface Reading {
  verdict: "agrees" | "disagrees" | "unknown";
  text: string;
  warning?: string;
}

// Selectors of the Safe's views; a test holds them against their signatures.
export const selectors = {
  "getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)": "d8d11f78",
  "nonce()": "affed0e0",
  "getThreshold()": "e75235b8",
  "isOwner(address)": "2f54bf6e",
} as const;

/** Published MultiSendCallOnly: addresses and the Keccak-256 of their code. A test holds them against package safe. */
export const callOnlyAddresses = [
  "0xA83c336B20401Af773B6219BA5027174338D1836", "0x9641d764fc13c8B624c04430C7356C1C7C8102e2", "0x0408EF011960d02349d50286D20531229BCef773",
  "0x40A2aCCbd92BCA938b02010E17A5b8929b49130D", "0xA1dabEF33b3B82c7814B6D82A79e50F4AC44102B", "0xf220D3b4DFb23C4ade8C88E526C1353AbAcbC38F",
];
export const callOnlyCode = [
  "0xcdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663", "0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939",
  "0x44c70b30fed5c3a07358a52c2fb028f651031010ef99e4d8c3b45c208e88a264", "0xa9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad",
  "0x064ddbf252714bcd4cb79f679e8c12df96d998ce07bbb13b3118c1dbf4a31942",
];

const among = (list: string[], text: string): boolean => list.some((known) => sameHex(known, text));

/** Calldata of getTransactionHash: nine fixed words and the nonce, with the data behind them. */
export function encodeHashCall(tx: SafeTxFields): string {
  const data = tx.data.slice(2);
  const size = fromHex(tx.data).length;
  return "0x" + selectors["getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)"]
    + addressWord(tx.to) + wordOf(tx.value) + wordOf(10 * 32) + wordOf(tx.operation) + wordOf(tx.safe_tx_gas) + wordOf(tx.base_gas) + wordOf(tx.gas_price)
    + addressWord(tx.gas_token) + addressWord(tx.refund_receiver) + wordOf(tx.nonce) + wordOf(size) + data.padEnd(Math.ceil(size / 32) * 64, "0");
}

/** Asks the Safe itself, through the wallet, what t hashes to, where its nonce stands, and who owns it. */
export async function readChain(wallet: Wallet, p: Proposal, t: SafeTx, account: string): Promise<Reading> {
  const ask = (data: string): Promise<string> => ethCall(wallet, p.safe.address, data);
  try {
    const [hash, nonce, threshold, owner, code] = await Promise.all([
      ask(encodeHashCall(t.safe_tx)), ask("0x" + selectors["nonce()"]), ask("0x" + selectors["getThreshold()"]),
      ask("0x" + selectors["isOwner(address)"] + addressWord(account)), t.safe_tx.operation === 1 ? codeAt(wallet, t.safe_tx.to) : "",
    ]);
    return judge(p, t, { hash, nonce: BigInt(nonce), threshold: BigInt(threshold), owner: BigInt(owner) === 1n, code });
  } catch {
    return { verdict: "unknown", text: "Your wallet’s own RPC could not be asked, so nothing outside Belay confirms the hash here. Compare with your device." };
  }
}

interface Answers {
  hash: string;
  nonce: bigint;
  threshold: bigint;
  owner: boolean;
  code: string;
}

function judge(p: Proposal, t: SafeTx, seen: Answers): Reading {
  const disagrees = (text: string): Reading => ({ verdict: "disagrees", text });
  if (!sameHex(seen.hash, t.safe_tx_hash)) {
    return disagrees("Your wallet’s own RPC DISAGREES: the Safe computes another hash for these fields. Do not sign. Tell your team by another way.");
  }
  if (seen.nonce > BigInt(t.nonce)) {
    return disagrees(`Your wallet’s own RPC says that nonce ${t.nonce} is used already (the Safe is at ${seen.nonce}). There is nothing to sign here any more.`);
  }
  if (!seen.owner) return disagrees("Your wallet’s own RPC says that this account is not an owner of the Safe.");
  if (t.safe_tx.operation === 1 && !among(callOnlyCode, keccak(fromHex(seen.code)))) {
    return disagrees("Your wallet’s own RPC says that the DELEGATECALL goes to code that is not a published MultiSendCallOnly. Do not sign.");
  }
  const agrees: Reading = { verdict: "agrees", text: "Your wallet’s own RPC agrees: the Safe computes the same hash, and you are an owner" };
  if (seen.threshold !== BigInt(p.threshold)) agrees.warning = `Your wallet’s own RPC says that ${seen.threshold} signatures are needed, Belay says ${p.threshold}.`;
  return agrees;
}

/** Whether a DELEGATECALL goes to an address where a published batch library stands on public chains. */
export const knownBatch = (t: SafeTx): boolean => t.safe_tx.operation === 0 || among(callOnlyAddresses, t.safe_tx.to);

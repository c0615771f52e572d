// The page's hashing against published vectors (where they are at hand) and against viem, under `node --test`.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { encodeFunctionData, hashTypedData, parseAbi, toFunctionSelector } from "viem";

const here = dirname(fileURLToPath(import.meta.url));
const load = async (file) => {
  const { outputFiles } = await build({ entryPoints: [join(here, file)], bundle: true, format: "esm", write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
};
const { hashesOf, typedDataOf, checksummed, canonical, checkWords } = await load("hash.ts");
const { encodeHashCall, selectors } = await load("chain.ts");
const { checkExecution, openBatch } = await load("verify.ts");
const { clean, ether } = await load("words.ts");

/** A small generator with a fixed seed, so that a failure comes again. */
function random(seed) {
  let x = seed;
  const bits = (n) => {
    let out = 0n;
    for (let i = 0; i < n; i += 16) {
      x = (Math.imul(x, 1103515245) + 12345) >>> 0;
      out = (out << 16n) | BigInt(x >>> 16);
    }
    return out & ((1n << BigInt(n)) - 1n);
  };
  const hex = (bytes) => `0x${bits(bytes * 8).toString(16).padStart(bytes * 2, "0").slice(-bytes * 2)}`;
  return { bits, address: () => checksummed(hex(20)), bytes: (n) => (n === 0 ? "0x" : hex(n)) };
}

const versions = ["0.1.0", "1.0.0", "1.1.1", "1.2.0", "1.3.0", "1.3.0+L2", "1.4.1", "1.5.0"];

function anyTx(r, i) {
  return {
    to: r.address(), value: r.bits(256).toString(), data: r.bytes(i % 100), operation: i % 2, safe_tx_gas: r.bits(64).toString(), base_gas: r.bits(64).toString(),
    gas_price: r.bits(128).toString(), gas_token: r.address(), refund_receiver: r.address(), nonce: Number(r.bits(40)),
  };
}

test("hashes are those that viem computes from the document", () => {
  const r = random(7);
  for (let i = 0; i < 160; i++) {
    const domain = { chainId: Number(r.bits(32)), safe: r.address(), version: versions[i % versions.length] };
    const tx = anyTx(r, i);
    assert.equal(hashesOf(domain, tx).safeTx, hashTypedData(typedDataOf(domain, tx)), `${JSON.stringify({ domain, tx })}`);
  }
});

test("published vectors hold", (t) => {
  const file = join(here, "../../../../shared/vectors/safe_tx.json");
  if (!existsSync(file)) {
    t.diagnostic("NO VECTORS: ../shared/vectors is not there, published hashes are NOT compared");
    return;
  }
  for (const v of JSON.parse(readFileSync(file, "utf8")).safeTx) {
    const tx = { ...v.tx, safe_tx_gas: v.tx.safeTxGas, base_gas: v.tx.baseGas, gas_price: v.tx.gasPrice, gas_token: v.tx.gasToken, refund_receiver: v.tx.refundReceiver, nonce: Number(v.tx.nonce) };
    const h = hashesOf({ chainId: v.chainId, safe: v.safe, version: v.version }, tx);
    assert.deepEqual([h.domain, h.message, h.safeTx], [v.domainHash, v.messageHash, v.safeTxHash], v.id);
  }
});

test("fields that are no numbers, addresses or bytes have no hash", () => {
  const r = random(3);
  const domain = { chainId: 1, safe: r.address(), version: "1.4.1" };
  const tx = anyTx(r, 4);
  for (const [name, value] of [["value", "-1"], ["value", "0x10"], ["value", "01"], ["value", (1n << 256n).toString()], ["to", "0x12"], ["data", "0x1"], ["data", "00"], ["nonce", 1.5], ["nonce", 2 ** 60]]) {
    assert.throws(() => hashesOf(domain, { ...tx, [name]: value }), undefined, `${name} ${value}`);
  }
  assert.throws(() => hashesOf({ ...domain, version: "next" }, tx));
});

const abi = parseAbi([
  "function getTransactionHash(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, uint256 nonce) view returns (bytes32)",
  "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures) returns (bool)",
]);
const argsOf = (tx) => [tx.to, BigInt(tx.value), tx.data, tx.operation, BigInt(tx.safe_tx_gas), BigInt(tx.base_gas), BigInt(tx.gas_price), tx.gas_token, tx.refund_receiver];

test("the question to the Safe is encoded as viem does", () => {
  const r = random(11);
  for (let i = 0; i < 70; i++) {
    const tx = anyTx(r, i);
    assert.equal(encodeHashCall(tx).toLowerCase(), encodeFunctionData({ abi, functionName: "getTransactionHash", args: [...argsOf(tx), BigInt(tx.nonce)] }).toLowerCase());
  }
  for (const [signature, selector] of Object.entries(selectors)) assert.equal(`0x${selector}`, toFunctionSelector(signature));
});

test("an execution is taken only for the very transaction", () => {
  const r = random(5);
  for (let i = 0; i < 40; i++) {
    const tx = anyTx(r, i);
    const p = { safe: { chain_id: 1, address: r.address(), version: "1.4.1" }, calls: [], state: "approved", timelock: null };
    const ready = { chain_id: 1, to: p.safe.address, value: "0", data: encodeFunctionData({ abi, functionName: "execTransaction", args: [...argsOf(tx), r.bytes(65)] }) };
    assert.ok(checkExecution(p, tx, ready).ok);
    assert.ok(!checkExecution(p, { ...tx, to: r.address() }, ready).ok);
    assert.ok(!checkExecution(p, { ...tx, data: tx.data + "00" }, ready).ok);
    assert.ok(!checkExecution(p, tx, { ...ready, to: r.address() }).ok);
    assert.ok(!checkExecution(p, tx, { ...ready, value: "1" }).ok);
    assert.ok(!checkExecution(p, tx, { ...ready, chain_id: 2 }).ok);
  }
});

test("a batch that is cut or longer than it says is no batch", () => {
  const item = (operation, data) => operation + "11".repeat(20) + "00".repeat(32) + (data.length / 2).toString(16).padStart(64, "0") + data;
  const wrap = (packed, length = packed.length / 2) => "0x8d80ff0a" + "20".padStart(64, "0") + length.toString(16).padStart(64, "0") + packed.padEnd(Math.ceil(packed.length / 64) * 64, "0");
  assert.deepEqual(openBatch(wrap(item("00", "abcd") + item("01", ""))), [
    { operation: 0, to: "0x" + "11".repeat(20), value: 0n, data: "0xabcd" }, { operation: 1, to: "0x" + "11".repeat(20), value: 0n, data: "0x" }]);
  assert.equal(openBatch(wrap(item("00", "abcd").slice(0, -2))), undefined);
  assert.equal(openBatch(wrap("00", 4000)), undefined);
  assert.equal(openBatch("0x8d80ff0a"), undefined);
  assert.equal(openBatch("0x12345678"), undefined);
});

test("text is cleaned and amounts are exact", () => {
  assert.equal(clean("a\u202eb\u200bc\u0000d\u2066e\u00ad\nf"), "abcde f");
  assert.equal(ether("1500000000000000000"), "1.5 ether (1500000000000000000 wei)");
  assert.equal(ether("1"), "0.000000000000000001 ether (1 wei)");
  assert.equal(ether("10000000000000000000"), "10 ether (10000000000000000000 wei)");
  assert.equal(ether("0"), "");
  assert.equal(canonical({ b: "0xAB", a: [1, "2"] }), canonical({ a: ["1", 2], b: "0xab" }));
});

test("check words are those that the program gives", () => {
  assert.equal(checkWords("0x" + "00".repeat(32)), Array(8).fill("baba").join(" "));
  assert.equal(checkWords("0x" + "ff".repeat(32)), Array(8).fill("zuze").join(" "));
  assert.equal(checkWords("0x0020040080100200400801" + "ff".repeat(21)), Array(8).fill("babe").join(" "));
  assert.equal(checkWords("0x80" + "00".repeat(31)), "maba" + " baba".repeat(7));
});

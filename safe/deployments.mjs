// Writes deployments.txt anew from the npm package @safe-global/safe-deployments (MIT): the contracts that Belay must know,
// and the chains that they are published on. `node safe/deployments.mjs > safe/deployments.txt`; a test compares the two.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = dirname(createRequire(import.meta.url).resolve("@safe-global/safe-deployments/package.json"));
const wanted = /^(GnosisSafe(L2)?|Safe(L2)?|MultiSendCallOnly|(Compatibility|Extensible)FallbackHandler)$/;
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

console.log(`# @safe-global/safe-deployments ${read(join(root, "package.json")).version} (MIT). contract: name, version, family, address, keccak256 of its code. chains: version, family, ids.`);
for (const version of readdirSync(join(root, "dist", "assets")).sort()) {
  const chains = {};
  for (const file of readdirSync(join(root, "dist", "assets", version)).sort()) {
    const asset = read(join(root, "dist", "assets", version, file));
    if (!wanted.test(asset.contractName)) continue;
    for (const [family, d] of Object.entries(asset.deployments)) console.log(`contract ${asset.contractName} ${asset.version} ${family} ${d.address} ${d.codeHash}`);
    const here = {};
    for (const [id, families] of Object.entries(asset.networkAddresses)) for (const family of [families].flat()) (here[family] ??= []).push(id);
    for (const [family, ids] of Object.entries(here)) {
      const text = ids.sort((a, b) => Number(BigInt(a) - BigInt(b))).join(" ");
      if (chains[family] !== undefined && chains[family] !== text) throw new Error(`${version} ${file}: ${family} is on other chains than the version's other contracts`);
      chains[family] = text;
    }
  }
  for (const [family, ids] of Object.entries(chains)) console.log(`chains ${version.slice(1)} ${family} ${ids}`);
}

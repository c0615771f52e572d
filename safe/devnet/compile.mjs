// Compiles contracts/*.sol into build/*.json, each {abi, bytecode, deployedBytecode}. Run by `make setup` with the solc that
// package-lock.json pins; the same sources always give the same bytes, for no metadata hash is appended.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';

const here = fileURLToPath(new URL('.', import.meta.url));

function readSources() {
  const folder = join(here, 'contracts');
  const names = readdirSync(folder).filter((name) => name.endsWith('.sol')).sort();
  return Object.fromEntries(names.map((name) => [name, { content: readFileSync(join(folder, name), 'utf8') }]));
}

function compile(sources) {
  const input = {
    language: 'Solidity',
    sources,
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  };
  return JSON.parse(solc.compile(JSON.stringify(input)));
}

// Warnings count as errors: these contracts are read as examples.
function refuseDiagnostics(errors = []) {
  if (errors.length === 0) return;
  for (const { formattedMessage } of errors) console.error(formattedMessage);
  process.exit(1);
}

function write(contracts) {
  const folder = join(here, 'build');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, { abi, evm }] of Object.values(contracts).flatMap(Object.entries)) {
    if (evm.bytecode.object === '') continue; // an interface
    const artifact = { abi, bytecode: `0x${evm.bytecode.object}`, deployedBytecode: `0x${evm.deployedBytecode.object}` };
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(artifact, null, 2)}\n`);
  }
}

const { contracts, errors } = compile(readSources());
refuseDiagnostics(errors);
write(contracts);

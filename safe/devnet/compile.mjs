// Compiles contracts/*.sol into build/*.json, each {abi, bytecode, deployedBytecode}. Run by `make setup` with the solc that
// package-lock.json pins; the same sources always give the same bytes, for no metadata hash is appended. What they import comes from npm
// packages, and is not written.
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

// importPackage finds "@openzeppelin/contracts/…" below node_modules, two folders up.
function importPackage(path) {
  try {
    return { contents: readFileSync(join(here, '..', '..', 'node_modules', path), 'utf8') };
  } catch {
    return { error: `${path} is not installed: run \`make setup\`` };
  }
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
  return JSON.parse(solc.compile(JSON.stringify(input), { import: importPackage }));
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
  const own = Object.entries(contracts).filter(([source]) => !source.startsWith('@'));
  for (const [name, { abi, evm }] of own.flatMap(([, inFile]) => Object.entries(inFile))) {
    if (evm.bytecode.object === '') continue; // an interface
    const artifact = { abi, bytecode: `0x${evm.bytecode.object}`, deployedBytecode: `0x${evm.deployedBytecode.object}` };
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(artifact, null, 2)}\n`);
  }
}

const { contracts, errors } = compile(readSources());
refuseDiagnostics(errors);
write(contracts);

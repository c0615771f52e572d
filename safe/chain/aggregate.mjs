// Compiles aggregate.yul and prints its code in hex; a test holds aggregate.hex against it.
import { readFileSync } from 'node:fs';
import solc from 'solc';

const input = {
  language: 'Yul',
  sources: { 'aggregate.yul': { content: readFileSync(new URL('aggregate.yul', import.meta.url), 'utf8') } },
  settings: {
    evmVersion: 'paris', // no PUSH0: some chains still lack it
    optimizer: { enabled: true, details: { yul: true } },
    outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
  },
};
const { contracts, errors = [] } = JSON.parse(solc.compile(JSON.stringify(input)));
const real = errors.filter(({ severity }) => severity === 'error');
if (real.length > 0) {
  for (const { formattedMessage } of errors) console.error(formattedMessage);
  process.exit(1);
}
console.log(contracts['aggregate.yul'].Aggregate.evm.bytecode.object);

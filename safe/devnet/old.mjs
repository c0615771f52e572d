// Fetches the contracts of the Safes before 1.3.0 into old/<version>/*.json, each {abi, bytecode, deployedBytecode}. Run by
// `make setup`. They are no entries of package.json because they would bring the compilers and frameworks of their time along; the
// hashes below pin them as a lock file does.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

const releases = {
  '0.1.0': { factory: 'ProxyFactory', sha512: '4zYz0YVdTqLIxnUUSSTO7dggdSllZsVmdYJJqFSMHAmRUm9ldgQP72ASEvLoJ8D+7jAy+TAPLqNL0rfvmUyPzw==' },
  '1.0.0': { factory: 'ProxyFactory', sha512: 'IT40DhKr1tAWRcSTpZ0wRfC9thrHzNzHzaPBQHP0Jq8fLVj+MIrRxY1adBZUppQ4W58XXnK0K/qj7IbyyigHlA==' },
  '1.1.1': { factory: 'ProxyFactory', sha512: 'NT+7JtNym5I6wEKVuhEZ+Ush9ZTtJfLEeQ7SwQTKGgjG9Ww3uMVOPMlufifOyhZyDX/Aakxj0jEKwkuqONHAxA==' },
  '1.2.0': { factory: 'GnosisSafeProxyFactory', sha512: 'lcpZodqztDgMICB0kAc8aJdQePwCaLJnbeNjgVTfLAo3fBckVRV06VHXg5IsZ26qLA4JfZ690Cb7TsDVE9ZF3w==' },
};

function download(version, into) {
  const name = execFileSync('npm', ['pack', `@gnosis.pm/safe-contracts@${version}`, '--pack-destination', into, '--silent', '--ignore-scripts'], { encoding: 'utf8' }).trim();
  const file = join(into, name.split('\n').pop());
  const got = createHash('sha512').update(readFileSync(file)).digest('base64');
  if (got !== releases[version].sha512) throw new Error(`@gnosis.pm/safe-contracts@${version} has sha512-${got}, not the hash that is pinned in old.mjs`);
  return file;
}

function extract(archive, contract) {
  const text = execFileSync('tar', ['-xzOf', archive, `package/build/contracts/${contract}.json`], { encoding: 'utf8', maxBuffer: 64 << 20 });
  const { abi, bytecode, deployedBytecode } = JSON.parse(text);
  return JSON.stringify({ abi, bytecode, deployedBytecode });
}

const temporary = mkdtempSync(join(tmpdir(), 'old-safes-'));
try {
  for (const [version, { factory }] of Object.entries(releases)) {
    const archive = download(version, temporary);
    const folder = join(here, 'old', version);
    mkdirSync(folder, { recursive: true });
    for (const [contract, as] of [['GnosisSafe', 'GnosisSafe'], [factory, 'ProxyFactory'], ['MultiSend', 'MultiSend']]) {
      writeFileSync(join(folder, `${as}.json`), extract(archive, contract));
    }
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

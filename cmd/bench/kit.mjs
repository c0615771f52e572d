// The reference: Safe's own protocol-kit with viem. It takes one transaction and three signatures a round, as JSON lines.
import Safe, { EthSafeSignature } from '@safe-global/protocol-kit'
import { createInterface } from 'node:readline'

const [, , provider, safeAddress, signer] = process.argv
const kitOf = Safe.default ?? Safe
const kit = await kitOf.init({ provider, signer, safeAddress })
const answer = (v) => process.stdout.write(JSON.stringify(v) + '\n')
answer({ hash: '' })

let tx
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const ask = JSON.parse(line)
    if (ask.to) {
      tx = await kit.createTransaction({ transactions: [{ to: ask.to, data: ask.data, value: '0' }] })
      answer({ hash: await kit.getTransactionHash(tx) })
      continue
    }
    ask.signatures.forEach((s, i) => tx.addSignature(new EthSafeSignature(ask.owners[i], s)))
    const sent = await kit.executeTransaction(tx)
    answer({ hash: sent.hash })
  } catch (e) {
    answer({ error: String(e?.message ?? e).slice(0, 500) })
  }
}

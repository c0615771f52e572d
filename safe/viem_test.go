package safe_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"belay/safe"
)

// viemScript hashes the typed documents that come as lines with a library that nobody here wrote.
const viemScript = `import { hashTypedData } from 'viem'
import { createInterface } from 'node:readline'
for await (const line of createInterface({ input: process.stdin })) {
  const { types, primaryType, domain, message } = JSON.parse(line)
  console.log(hashTypedData({ types, primaryType, domain, message }))
}`

const compared = 10_000

func TestTenThousandTransactionsHashAsViemDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 5)) //nolint:gosec // the same cases every time
	versions := safe.Versions()
	var documents bytes.Buffer
	want := make([]string, compared)
	encoder := json.NewEncoder(&documents)
	for i := range want {
		d := safe.Domain{ChainID: random.Uint64N(1 << 53), Safe: anyAddress(random), Version: versions[i%len(versions)]}
		tx := anyTx(random)
		want[i] = safe.Hash(d, tx).SafeTx.Hex()
		if err := encoder.Encode(safe.TypedData(d, tx)); err != nil {
			t.Fatal(err)
		}
	}
	node := exec.Command("node", "--input-type=module", "-e", viemScript)
	node.Stdin = &documents
	out, err := node.Output()
	if err != nil {
		t.Fatalf("hash with viem (run make setup): %v", err)
	}
	got := strings.Fields(string(out))
	if len(got) != compared {
		t.Fatalf("viem hashed %d of %d", len(got), compared)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("transaction %d of version %s: viem says %s, we say %s", i, versions[i%len(versions)], got[i], want[i])
		}
	}
}

func anyAddress(r *rand.Rand) (a common.Address) {
	for i := range a {
		a[i] = byte(r.Uint32()) //nolint:gosec // the low byte is meant
	}
	return a
}

// anyAmount is small, large, or nothing, each as often.
func anyAmount(r *rand.Rand) uint256.Int {
	switch r.IntN(3) {
	case 0:
		return uint256.Int{}
	case 1:
		return *uint256.NewInt(r.Uint64())
	}
	return uint256.Int{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
}

func anyTx(r *rand.Rand) safe.Tx {
	data := make([]byte, r.IntN(200))
	for i := range data {
		data[i] = byte(r.Uint32()) //nolint:gosec // the low byte is meant
	}
	return safe.Tx{To: anyAddress(r), Value: anyAmount(r), Data: data, Operation: safe.Operation(r.IntN(2)), SafeTxGas: anyAmount(r), BaseGas: anyAmount(r), //nolint:gosec // 0 or 1
		GasPrice: anyAmount(r), GasToken: anyAddress(r), RefundReceiver: anyAddress(r), Nonce: r.Uint64()}
}

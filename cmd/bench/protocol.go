package main

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"belay/safe"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// spell is how long one side works before the other has its turn, so that both feel the same machine.
const spell = 20 * time.Millisecond

// protocolFigures measures package safe against the bare primitives that it cannot do without, and against what others use.
func protocolFigures(rounds int) ([]figure, error) {
	p := newProtocol()
	hash := p.compare(rounds, p.safeTxHash, p.bareKeccaks)
	typed := p.compare(rounds, p.safeTxHash, p.apitypesHash)
	confirm := p.compare(rounds, p.confirm, p.bareRecover)
	viem, err := p.viemRecover()
	if err != nil {
		return nil, err
	}
	quorum := p.compare(rounds, p.quorumOfFive, p.fiveRecovers)
	packing := p.compare(rounds, p.packExec, p.abiPackExec)
	return []figure{
		within("safeTxHash against the keccaks that it needs", "µs", hash[0], hash[1], 1.5),
		faster("safeTxHash against go-ethereum's apitypes", "µs", typed[0], typed[1], 3),
		within("checking a confirmation against a bare recover", "µs", confirm[0], confirm[1], 1.2),
		faster("the same against viem", "µs", confirm[0], viem, 8),
		within("a quorum of five against five bare recovers", "µs", quorum[0], quorum[1], 1.2),
		faster("packing execTransaction against go-ethereum's abi", "µs", packing[0], packing[1], 3),
	}, nil
}

type protocol struct {
	domain     safe.Domain
	tx         safe.Tx
	hash       common.Hash
	keys       []*ecdsa.PrivateKey
	owners     []common.Address
	signatures [][]byte // as wallets return them
	blob       []byte
}

func newProtocol() *protocol {
	p := &protocol{domain: safe.Domain{ChainID: 1, Safe: devnet.Address(1), Version: safe.V1_4_1},
		tx: safe.Tx{To: devnet.Address(2), Data: make([]byte, 68), Nonce: 7}}
	p.hash = safe.Hash(p.domain, p.tx).SafeTx
	var yes []safe.Confirmation
	for i := range 5 {
		key := devnet.Key(i)
		signature, _ := crypto.Sign(p.hash[:], key)
		signature[64] += 27
		p.keys, p.owners, p.signatures = append(p.keys, key), append(p.owners, devnet.Address(i)), append(p.signatures, signature)
		yes = append(yes, safe.Confirmation{Owner: devnet.Address(i), Kind: safe.KindECDSA, Signature: signature})
	}
	p.blob, _ = safe.Pack(yes, len(yes))
	return p
}

// compare lets two functions work in turn and gives what one call of each took, in microseconds, one value a round.
func (p *protocol) compare(rounds int, ours, reference func()) (took [2][]float64) {
	for range rounds + warmUp {
		for side, do := range []func(){ours, reference} {
			took[side] = append(took[side], perCall(do))
		}
	}
	return [2][]float64{took[0][warmUp:], took[1][warmUp:]}
}

func perCall(do func()) float64 {
	started, n := time.Now(), 0
	for time.Since(started) < spell {
		for range 16 {
			do()
		}
		n += 16
	}
	return float64(time.Since(started).Nanoseconds()) / float64(n) / 1000
}

func (p *protocol) safeTxHash() { _ = safe.Hash(p.domain, p.tx) }

// bareKeccaks hashes as many bytes as often: data, struct, domain, and the whole.
func (p *protocol) bareKeccaks() {
	var structure [11 * 32]byte
	var domain [3 * 32]byte
	var whole [66]byte
	_ = crypto.Keccak256Hash(p.tx.Data)
	_ = crypto.Keccak256Hash(structure[:])
	_ = crypto.Keccak256Hash(domain[:])
	_ = crypto.Keccak256Hash(whole[:])
}

func (p *protocol) apitypesHash() {
	zero := common.Address{}.Hex()
	document := apitypes.TypedData{
		Types: apitypes.Types{
			"EIP712Domain": {{Name: "chainId", Type: "uint256"}, {Name: "verifyingContract", Type: "address"}},
			"SafeTx": {{Name: "to", Type: "address"}, {Name: "value", Type: "uint256"}, {Name: "data", Type: "bytes"}, {Name: "operation", Type: "uint8"},
				{Name: "safeTxGas", Type: "uint256"}, {Name: "baseGas", Type: "uint256"}, {Name: "gasPrice", Type: "uint256"}, {Name: "gasToken", Type: "address"},
				{Name: "refundReceiver", Type: "address"}, {Name: "nonce", Type: "uint256"}},
		},
		PrimaryType: "SafeTx",
		Domain:      apitypes.TypedDataDomain{ChainId: math.NewHexOrDecimal256(1), VerifyingContract: p.domain.Safe.Hex()},
		Message: apitypes.TypedDataMessage{"to": p.tx.To.Hex(), "value": "0", "data": hexutil.Encode(p.tx.Data), "operation": "0", "safeTxGas": "0", "baseGas": "0",
			"gasPrice": "0", "gasToken": zero, "refundReceiver": zero, "nonce": new(big.Int).SetUint64(p.tx.Nonce).String()},
	}
	_, _, _ = apitypes.TypedDataAndHash(document)
}

func (p *protocol) confirm() { _, _ = safe.Confirm(p.hash, p.signatures[0], p.owners) }

func (p *protocol) bareRecover() { recoverOne(p.hash, p.signatures[0]) }

func recoverOne(hash common.Hash, signature []byte) {
	var sig [65]byte
	copy(sig[:], signature)
	sig[64] -= 27
	key, _ := crypto.SigToPub(hash[:], sig[:])
	_ = crypto.PubkeyToAddress(*key)
}

func (p *protocol) packExec() { _ = safe.EncodeExec(p.tx, p.blob) }

// execArguments are those of execTransaction, as an ABI file gives them.
var execArguments = func() (list abi.Arguments) {
	for _, name := range []string{"address", "uint256", "bytes", "uint8", "uint256", "uint256", "uint256", "address", "address", "bytes"} {
		t, err := abi.NewType(name, "", nil)
		if err != nil {
			panic(err)
		}
		list = append(list, abi.Argument{Type: t})
	}
	return list
}()

func (p *protocol) abiPackExec() {
	zero := new(big.Int)
	_, _ = execArguments.Pack(p.tx.To, zero, p.tx.Data, uint8(0), zero, zero, zero, common.Address{}, common.Address{}, p.blob)
}

func (p *protocol) quorumOfFive() { _ = safe.Inspect(p.hash, p.blob, 5, p.owners) }

func (p *protocol) fiveRecovers() {
	for _, s := range p.signatures {
		recoverOne(p.hash, s)
	}
}

// viemRecover is the same recovery by the library that most pages use, in microseconds, one value a batch.
func (p *protocol) viemRecover() ([]float64, error) {
	script := `import { recoverAddress } from 'viem'
const [hash, signature] = process.argv.slice(1)
for (let i = 0; i < 12; i++) {
  const began = process.hrtime.bigint()
  for (let n = 0; n < 40; n++) await recoverAddress({ hash, signature })
  console.log(Number(process.hrtime.bigint() - began) / 40 / 1000)
}`
	out, err := exec.Command("node", "--input-type=module", "-e", script, "--", p.hash.Hex(), hexutil.Encode(p.signatures[0])).Output()
	if err != nil {
		return nil, fmt.Errorf("recover with viem: %w", err)
	}
	var took []float64
	for line := range strings.FieldsSeq(string(out)) {
		v, err := strconv.ParseFloat(line, 64)
		if err != nil {
			return nil, fmt.Errorf("recover with viem: %w", err)
		}
		took = append(took, v)
	}
	slices.Sort(took)
	return took, nil
}

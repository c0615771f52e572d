package devnet_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
	"belay/safe/devnet"
)

// threeOwners and a child Safe of every handler own the Safe under test; two must confirm.
const quorum = 2

// subject is a real Safe of one version, and what package safe needs to know to foresee it.
type subject struct {
	t       *testing.T
	c       *devnet.Chain
	version safe.Version
	address common.Address
	owners  []common.Address
	people  []*ecdsa.PrivateKey // in the order of their addresses
	market  common.Address      // refuses everything from here
	child   map[string]common.Address
	parents []*ecdsa.PrivateKey // of every child
}

// children are the versions of Safes that own the Safe under test.
var children = []string{"1.1.1", "1.3.0", "1.4.1", "1.5.0"}

func newSubject(t *testing.T, c *devnet.Chain, market common.Address, version string) *subject {
	ctx := testContext(t)
	s := &subject{t: t, c: c, version: versions[version], market: market, child: map[string]common.Address{}, parents: []*ecdsa.PrivateKey{devnet.Key(6), devnet.Key(7)}}
	for i := range 3 {
		s.people = append(s.people, devnet.Key(devnet.FirstOwnerKey+i))
	}
	slices.SortFunc(s.people, func(a, b *ecdsa.PrivateKey) int { return addressOf(a).Cmp(addressOf(b)) })
	for _, key := range s.people {
		s.owners = append(s.owners, addressOf(key))
	}
	for _, v := range children {
		at := must[common.Address](t)(c.DeploySafe(ctx, devnet.SafeConfig{Version: v, Threshold: 2, Owners: []common.Address{addressOf(s.parents[0]), addressOf(s.parents[1])},
			SaltNonce: uint64(s.version.Major*100 + s.version.Minor*10 + s.version.Patch)}))
		s.child[v] = at
		s.owners = append(s.owners, at)
	}
	s.address = must[common.Address](t)(c.DeploySafe(ctx, devnet.SafeConfig{Version: version, Owners: s.owners, Threshold: quorum}))
	return s
}

func addressOf(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

func (s *subject) hashes(tx safe.Tx) safe.Hashes {
	return safe.Hash(safe.Domain{ChainID: s.c.ChainID().Uint64(), Safe: s.address, Version: s.version}, tx)
}

// slot is one signature as a test packs it: static bytes and, for a contract, dynamic ones.
type slot struct {
	owner   common.Address
	static  []byte // 65 bytes; its offset is filled in when dynamic is set
	dynamic []byte
}

func signedSlot(t *testing.T, key *ecdsa.PrivateKey, hash common.Hash) slot {
	t.Helper()
	sig := must[[]byte](t)(crypto.Sign(hash[:], key))
	sig[64] += 27
	return slot{owner: addressOf(key), static: sig}
}

func ethSigned(t *testing.T, key *ecdsa.PrivateKey, hash common.Hash) slot {
	t.Helper()
	one := signedSlot(t, key, safe.TextHash(hash[:]))
	one.static[64] += 4
	return one
}

func approvedSlot(owner common.Address) slot {
	static := make([]byte, 65)
	copy(static[12:], owner[:])
	static[64] = 1
	return slot{owner: owner, static: static}
}

func contractSlot(owner common.Address, signature []byte) slot {
	one := approvedSlot(owner)
	one.static[64], one.dynamic = 0, signature
	return one
}

// pack joins slots as they come, without any check: what is wrong with them stays wrong.
func pack2(slots ...slot) []byte {
	var blob, tail []byte
	for _, one := range slots {
		static := bytes.Clone(one.static)
		if one.dynamic != nil {
			offset := uint256.NewInt(uint64(65*len(slots) + len(tail))).Bytes32()
			copy(static[32:64], offset[:])
			length := uint256.NewInt(uint64(len(one.dynamic))).Bytes32()
			tail = append(append(tail, length[:]...), one.dynamic...)
		}
		blob = append(blob, static...)
	}
	return append(blob, tail...)
}

func sorted(slots ...slot) []slot {
	slices.SortFunc(slots, func(a, b slot) int { return a.owner.Cmp(b.owner) })
	return slots
}

// cell is one case of the matrix.
type cell struct {
	from   common.Address
	blob   []byte
	proven map[common.Address]bool // slots that the chain proves
}

// cells are the bundles that are tried for one transaction. approved is who called approveHash for it.
func (s *subject) cells(tx safe.Tx, approved common.Address) map[string]cell {
	h := s.hashes(tx)
	hash := h.SafeTx
	next := tx
	next.Nonce++
	one, two, three := signedSlot(s.t, s.people[0], hash), signedSlot(s.t, s.people[1], hash), signedSlot(s.t, s.people[2], hash)
	bent := func(change func(sig []byte)) slot {
		b := slot{owner: two.owner, static: bytes.Clone(two.static)}
		change(b.static)
		return b
	}
	relayer := devnet.Address(devnet.RelayerKey)
	all := map[string]cell{
		"two signatures":                        {blob: pack2(one, two)},
		"three signatures where two are needed": {blob: pack2(one, two, three)},
		"eth_sign":                              {blob: pack2(one, ethSigned(s.t, s.people[1], hash))},
		"a hash approved on chain":              {blob: pack2(sorted(one, approvedSlot(approved))...), proven: map[common.Address]bool{approved: true}},
		"an owner who sends":                    {from: two.owner, blob: pack2(one, approvedSlot(two.owner)), proven: map[common.Address]bool{two.owner: true}},
		"a hash that was not approved":          {blob: pack2(one, approvedSlot(two.owner))},
		"in the wrong order":                    {blob: pack2(two, one)},
		"the same owner twice":                  {blob: pack2(one, one)},
		"one short":                             {blob: pack2(one)},
		"none":                                  {blob: nil},
		"of a stranger":                         {blob: pack2(sorted(one, signedSlot(s.t, devnet.Key(9), hash))...)},
		"over another nonce":                    {blob: pack2(one, signedSlot(s.t, s.people[1], s.hashes(next).SafeTx))},
		"v = 2":                                 {blob: pack2(one, bent(func(b []byte) { b[64] = 2 }))},
		"v = 29":                                {blob: pack2(one, bent(func(b []byte) { b[64] = 29 }))},
		"the other v":                           {blob: pack2(one, bent(func(b []byte) { b[64] = 27 + 28 - b[64] }))},
		"a high s":                              {blob: pack2(one, bent(highS))},
		"v = 0, as some wallets return it":      {blob: pack2(one, bent(func(b []byte) { b[64] = 0 }))},
		"a contract that is no contract":        {blob: pack2(one, contractSlot(two.owner, []byte{1}))},
		"a contract's part inside the static":   {blob: pack2(sorted(one, contractSlot(s.child["1.4.1"], nil))...)},
		"a contract's part that is cut":         {blob: cut(pack2(sorted(one, contractSlot(s.child["1.4.1"], make([]byte, 65)))...))},
	}
	for name, version := range map[string]string{"1.1.1": "1.1.1", "1.3.0": "1.3.0", "1.4.1": "1.4.1", "1.5.0": "1.5.0"} {
		at, child := s.child[version], versions[version]
		vouch := func(message []byte) []byte {
			d := safe.Domain{ChainID: s.c.ChainID().Uint64(), Safe: at, Version: child}
			m := safe.HashMessage(d, message).SafeTx
			return pack2(sorted(signedSlot(s.t, s.parents[0], m), signedSlot(s.t, s.parents[1], m))...)
		}
		good := safe.VouchesFor(s.version, child)
		all["a child "+name] = cell{blob: pack2(sorted(one, contractSlot(at, vouch(safe.OwnerMessage(s.version, h))))...), proven: map[common.Address]bool{at: good}}
		all["a child "+name+" over something else"] = cell{blob: pack2(sorted(one, contractSlot(at, vouch([]byte("something else"))))...)}
	}
	for name, c := range all {
		if c.from == (common.Address{}) {
			c.from = relayer
			all[name] = c
		}
	}
	return all
}

func highS(sig []byte) {
	order := uint256.MustFromHex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	s := new(uint256.Int).SetBytes(sig[32:64])
	high := new(uint256.Int).Sub(order, s).Bytes32()
	copy(sig[32:64], high[:])
	sig[64] = 27 + 28 - sig[64]
}

func cut(blob []byte) []byte { return blob[:len(blob)-40] }

// seen is what the real contract did.
type seen struct {
	reverted bool
	data     []byte // what it returned, or its revert data
	nonce    uint64 // afterwards
}

// runs executes on top of the newest block, without sending.
func (s *subject) runs(ctx context.Context, from common.Address, data []byte) seen {
	s.t.Helper()
	call := func(from common.Address, data []byte) map[string]any {
		return map[string]any{"from": from, "to": s.address, "input": hexutil.Bytes(data), "gas": hexutil.Uint64(3_000_000)}
	}
	exec := call(from, data)
	exec["gasPrice"] = hexutil.Uint64(2e9) // a refund is bounded by it

	var blocks []struct {
		Calls []struct {
			Status     hexutil.Uint64 `json:"status"`
			ReturnData hexutil.Bytes  `json:"returnData"`
			Error      *struct {
				Data hexutil.Bytes `json:"data"`
			} `json:"error"`
		} `json:"calls"`
	}
	request := map[string]any{"blockStateCalls": []any{map[string]any{"calls": []any{exec, call(common.Address{}, safe.NonceCall(s.address).Data)}}}}
	if err := s.c.RPC().CallContext(ctx, &blocks, "eth_simulateV1", request, "latest"); err != nil {
		s.t.Fatal(err)
	}
	calls := blocks[0].Calls
	nonce := must[uint64](s.t)(safe.DecodeNonce(safe.Result{Data: calls[1].ReturnData}))
	did := seen{reverted: calls[0].Status == 0, data: calls[0].ReturnData, nonce: nonce}
	if calls[0].Error != nil {
		did.data = calls[0].Error.Data
	}
	return did
}

// differs says how what happened is not what was foreseen; "" when it is.
func differs(foreseen safe.Outcome, before uint64, got seen) string {
	spent := got.nonce > before
	switch {
	case foreseen.Reverts() != got.reverted:
		return fmt.Sprintf("reverts %t, foreseen %+v (says %s)", got.reverted, foreseen, safe.Explain(got.data))
	case foreseen.Code != "" && safe.ErrorCode(got.data) != foreseen.Code:
		return fmt.Sprintf("reverts with %s %q, foreseen %s", safe.ErrorCode(got.data), safe.Explain(got.data), foreseen.Code)
	case foreseen.Bubbles && safe.ErrorCode(got.data) == "GS013":
		return "reverts with GS013, foreseen the inner call's own words"
	case spent != foreseen.SpendsNonce:
		return fmt.Sprintf("spends the nonce %t, foreseen %t", spent, foreseen.SpendsNonce)
	case !got.reverted && (len(got.data) != 32 || (got.data[31] == 1) != foreseen.Success):
		return fmt.Sprintf("returns %x, foreseen success %t", got.data, foreseen.Success)
	}
	return ""
}

// TestPackageSafeForeseesWhatEverySafeDoes is the matrix: versions × signatures and their faults × nesting × inner failure ×
// safeTxGas, on the contracts that npm has.
func TestPackageSafeForeseesWhatEverySafeDoes(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{})
	market := must[common.Address](t)(c.DeployMarket(ctx, devnet.Address(5), devnet.Address(5), nil))
	dear := *uint256.NewInt(1e18) // wei per gas
	n := 0
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		s := newSubject(t, c, market, version)
		if _, err := c.Send(ctx, devnet.Key(devnet.RelayerKey), &s.address, big.NewInt(1e12), nil); err != nil { // pays for a small refund
			t.Fatal(err)
		}
		for what, tx := range map[string]safe.Tx{
			"a call that succeeds":                      {To: devnet.Address(8)},
			"a call that succeeds, with safeTxGas":      {To: devnet.Address(8), SafeTxGas: *uint256.NewInt(100_000)},
			"a call that fails":                         {To: market, Data: pack(t, "Market", "setReservePause", common.Address{1}, true)},
			"a call that fails, with safeTxGas":         {To: market, Data: pack(t, "Market", "setReservePause", common.Address{1}, true), SafeTxGas: *uint256.NewInt(100_000)},
			"a delegatecall into nothing that succeeds": {To: devnet.Address(8), Operation: safe.OperationDelegateCall},
			"a call that succeeds, refunded":            {To: devnet.Address(8), SafeTxGas: *uint256.NewInt(100_000), GasPrice: *uint256.NewInt(1)},
			"a call that fails, refunded":               {To: market, Data: pack(t, "Market", "setReservePause", common.Address{1}, true), SafeTxGas: *uint256.NewInt(100_000), GasPrice: *uint256.NewInt(1)},
			"a refund that the Safe cannot pay":         {To: devnet.Address(8), SafeTxGas: *uint256.NewInt(100_000), GasPrice: dear},
			"the same after a call that fails":          {To: market, Data: pack(t, "Market", "setReservePause", common.Address{1}, true), SafeTxGas: *uint256.NewInt(100_000), GasPrice: dear},
			"a refund in a token that is none":          {To: devnet.Address(8), SafeTxGas: *uint256.NewInt(100_000), GasPrice: *uint256.NewInt(1), GasToken: market},
		} {
			fails := tx.To == market
			broke := tx.GasPrice == dear || tx.GasToken == market
			approver := s.people[2]
			approve := safe.ApproveHashCall(s.address, s.hashes(tx).SafeTx)
			if _, err := c.Send(ctx, approver, &approve.To, nil, approve.Data); err != nil {
				t.Fatalf("%s: approveHash: %v", version, err)
			}
			for name, cell := range s.cells(tx, addressOf(approver)) {
				n++
				verdicts := safe.InspectAs(s.version, s.hashes(tx).SafeTx, cell.blob, quorum, s.owners)
				foreseen := safe.Foresee(s.version, tx, verdicts, safe.ChainFacts{Proven: func(v safe.Verdict) bool { return cell.proven[v.Signer] }, InnerFails: fails, RefundFails: broke})
				got := s.runs(ctx, cell.from, safe.EncodeExec(tx, cell.blob))
				if problem := differs(foreseen, 0, got); problem != "" {
					t.Errorf("%s, %s, %s: %s", version, what, name, problem)
				}
			}
		}
	}
	t.Logf("%d cells", n)
}

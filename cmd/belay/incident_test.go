package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

const token = "0123456789abcdef0123456789abcdef"

// incident is a protocol on a real chain with a Belay in front of it.
type incident struct {
	t      *testing.T
	stack  *devnet.Stack
	config string
	base   string
	stop   func() int
	logs   *bytes.Buffer
}

// newIncident deploys the sample protocol and starts `belay serve` on it.
func newIncident(t *testing.T, adjust ...func(*devnet.Guarding)) *incident {
	t.Helper()
	return newIncidentOf(t, devnet.StackConfig{MinDelay: time.Minute}, adjust...)
}

func newIncidentOf(t *testing.T, protocol devnet.StackConfig, adjust ...func(*devnet.Guarding)) *incident {
	t.Helper()
	chain, err := devnet.Start(devnet.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	stack, err := devnet.NewStack(t.Context(), chain, protocol)
	if err != nil {
		t.Fatal(err)
	}
	g := devnet.Guarding{Listen: freeAddress(t), AdminListen: freeAddress(t), Token: token}
	for _, f := range adjust {
		f(&g)
	}
	config, err := stack.WriteConfiguration(t.TempDir(), g)
	if err != nil {
		t.Fatal(err)
	}
	i := &incident{t: t, stack: stack, config: config, base: "http://" + g.Listen}
	i.start()
	t.Cleanup(func() {
		if i.stop != nil {
			i.halt()
		}
		if t.Failed() {
			t.Log(i.logs.String())
		}
	})
	return i
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (i *incident) start() {
	i.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	i.logs = &bytes.Buffer{}
	go func() {
		done <- run(ctx, []string{"--config", i.config, "serve"}, streams{out: io.Discard, err: i.logs})
	}()
	i.stop = func() int { cancel(); return <-done }
	i.eventually("the program answers", func() bool {
		select {
		case code := <-done:
			i.stop = nil
			i.t.Fatalf("serve ended with %d: %s", code, i.logs)
		default:
		}
		resp, err := http.Get(i.base + "/api/v1/proposals")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (i *incident) halt() {
	i.t.Helper()
	if code := i.stop(); code != exitDone {
		i.t.Errorf("serve ended with %d", code)
	}
	i.stop = nil
}

func (i *incident) eventually(what string, true_ func() bool) {
	i.t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !true_() {
		select {
		case <-deadline:
			i.t.Fatalf("not within 30 s: %s", what)
		case <-tick.C:
		}
	}
}

// do sends a request as the operator and decodes the answer.
func (i *incident) do(method, path string, body, into any) int {
	i.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		i.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(i.t.Context(), method, i.base+path, bytes.NewReader(b))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			i.t.Fatalf("%s %s answered %d %s: %v", method, path, resp.StatusCode, text, err)
		}
	}
	return resp.StatusCode
}

func (i *incident) propose(playbook string, params map[string]string) governance.View {
	i.t.Helper()
	var answer json.RawMessage
	if code := i.do(http.MethodPost, "/api/v1/proposals", map[string]any{"member": "alice", "playbook": playbook, "params": params, "reason": "drill"}, &answer); code != http.StatusCreated {
		i.t.Fatalf("propose %s: %d %s", playbook, code, answer)
	}
	var v governance.View
	if err := json.Unmarshal(answer, &v); err != nil {
		i.t.Fatal(err)
	}
	return v
}

func (i *incident) get(id string) governance.View {
	i.t.Helper()
	var v governance.View
	var answer json.RawMessage
	switch code := i.do(http.MethodGet, "/api/v1/proposals/"+id, nil, &answer); code {
	case http.StatusNotFound: // not yet
	case http.StatusOK:
		if err := json.Unmarshal(answer, &v); err != nil {
			i.t.Fatal(err)
		}
	default:
		i.t.Fatalf("get %s: %d %s", id, code, answer)
	}
	return v
}

// sign signs a hash as a wallet signs typed data and posts it.
func (i *incident) sign(v governance.View, hash string, key *ecdsa.PrivateKey) (int, json.RawMessage) {
	i.t.Helper()
	var answer json.RawMessage
	code := i.do(http.MethodPost, "/api/v1/proposals/"+v.ID+"/signatures", map[string]any{"signature": i.signature(hash, key), "safe_tx_hash": hash}, &answer)
	return code, answer
}

func (i *incident) signature(hash string, key *ecdsa.PrivateKey) string {
	i.t.Helper()
	sig, err := crypto.Sign(common.HexToHash(hash).Bytes(), key)
	if err != nil {
		i.t.Fatal(err)
	}
	sig[64] += 27
	return hexutil.Encode(sig)
}

func (i *incident) quorum(v governance.View) {
	i.t.Helper()
	for _, key := range i.stack.Owners[:2] {
		if code, answer := i.sign(v, v.SafeTxHash, key); code != http.StatusCreated {
			i.t.Fatalf("sign: %d %s", code, answer)
		}
	}
}

func (i *incident) reaches(id string, state governance.State) governance.View {
	i.t.Helper()
	var v governance.View
	i.eventually(fmt.Sprintf("%s is %s", id, state), func() bool {
		v = i.get(id)
		return v.State == state
	})
	return v
}

func (i *incident) paused(symbol string) bool {
	i.t.Helper()
	data := append(crypto.Keccak256([]byte("getPaused(address)"))[:4], common.LeftPadBytes(i.stack.Asset(symbol).Token.Bytes(), 32)...)
	out, err := i.stack.Chain.Call(i.t.Context(), i.stack.Market, data)
	if err != nil {
		i.t.Fatal(err)
	}
	return len(out) == 32 && out[31] == 1
}

// TestAPauseGoesFromProposalToAPausedMarket: executed means a receipt, the Safe's log and the postconditions. monitorism's op-defender read
// paused() right after sending, without waiting for a receipt.
func TestAPauseGoesFromProposalToAPausedMarket(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "USDC"})
	if v.State != governance.StateProposed || v.Status != "Needs 2 more" || v.Simulation == nil || !v.Simulation.OK {
		t.Fatalf("proposed as %s, %q, simulation %+v", v.State, v.Status, v.Simulation)
	}
	if code, _ := i.sign(v, v.SafeTxHash, i.stack.Relayer); code != http.StatusUnprocessableEntity {
		t.Errorf("a stranger's signature got %d", code)
	}
	i.quorum(v)
	v = i.reaches(v.ID, governance.StateExecuted)
	if !i.paused("usdc") || i.paused("weth") {
		t.Errorf("the chain says usdc paused %v, weth paused %v", i.paused("usdc"), i.paused("weth"))
	}
	if v.Execution == nil || len(v.Postconditions) != 1 || !v.Postconditions[0].OK {
		t.Errorf("executed without proof: %+v %+v", v.Execution, v.Postconditions)
	}
	if code, _ := i.sign(v, v.SafeTxHash, i.stack.Owners[0]); code != http.StatusOK {
		t.Errorf("the same signature again got %d, want 200", code)
	}
}

func TestAParameterChangeWaitsInTheTimelock(t *testing.T) {
	i := newIncident(t)
	v := i.propose("set-ltv", map[string]string{"asset": "usdc", "ltv_bps": "7000"})
	i.quorum(v)
	v = i.reaches(v.ID, governance.StateQueued)
	if v.Timelock == nil || v.Timelock.OpensAt == nil || v.Timelock.State != governance.OperationWaiting {
		t.Fatalf("queued with timelock %+v", v.Timelock)
	}
	i.stack.Chain.AdvanceTime(2 * time.Minute)
	v = i.reaches(v.ID, governance.StateExecuted)
	if !strings.Contains(fmt.Sprint(v.Postconditions), "7000") || v.Timelock.State != governance.OperationDone {
		t.Errorf("postconditions %+v, operation %s", v.Postconditions, v.Timelock.State)
	}
}

func TestABatchGoesThroughMultiSendCallOnly(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-all", nil)
	if v.SafeTx.Operation != 1 || len(v.Calls) != 3 || len(v.Dangers) != 0 {
		t.Fatalf("operation %d, %d calls, dangers %+v", v.SafeTx.Operation, len(v.Calls), v.Dangers)
	}
	i.quorum(v)
	i.reaches(v.ID, governance.StateExecuted)
	if !i.paused("usdc") || !i.paused("weth") || !i.paused("wbtc") {
		t.Error("the chain does not say that all are paused")
	}
}

func TestNothingIsLostOrDoubledAcrossARestart(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "weth"})
	if code, answer := i.sign(v, v.SafeTxHash, i.stack.Owners[0]); code != http.StatusCreated {
		t.Fatalf("sign: %d %s", code, answer)
	}
	i.halt()
	i.start()
	if again := i.get(v.ID); len(again.Confirmations) != 1 || again.Status != "Needs 1 more" {
		t.Fatalf("after the restart: %q, %+v", again.Status, again.Confirmations)
	}
	if code, answer := i.sign(v, v.SafeTxHash, i.stack.Owners[2]); code != http.StatusCreated {
		t.Fatalf("sign: %d %s", code, answer)
	}
	i.reaches(v.ID, governance.StateExecuted)
}

// elsewhere lets the owners use the Safe's present nonce for something that Belay knows nothing of.
func (i *incident) elsewhere(nonce uint64) common.Hash {
	i.t.Helper()
	tx := safe.Void(i.stack.Guardian, nonce)
	hash := safe.Hash(safe.Domain{ChainID: i.stack.Chain.ChainID().Uint64(), Safe: i.stack.Guardian, Version: safe.V1_4_1}, tx).SafeTx
	var yes []safe.Confirmation
	for _, key := range i.stack.Owners[:2] {
		sig, err := crypto.Sign(hash[:], key)
		if err != nil {
			i.t.Fatal(err)
		}
		sig[64] += 27
		yes = append(yes, safe.Confirmation{Owner: crypto.PubkeyToAddress(key.PublicKey), Kind: safe.KindECDSA, Signature: sig})
	}
	blob, err := safe.Pack(yes, 2)
	if err != nil {
		i.t.Fatal(err)
	}
	receipt, err := i.stack.Chain.Send(i.t.Context(), devnet.Key(15), &i.stack.Guardian, nil, safe.EncodeExec(tx, blob))
	if err != nil {
		i.t.Fatal(err)
	}
	return receipt.TxHash
}

func TestOwnersWhoUseTheNonceElsewhere(t *testing.T) {
	i := newIncident(t)
	routine := i.propose("set-ltv", map[string]string{"asset": "usdc", "ltv_bps": "7000"})
	pause := i.propose("pause-reserve", map[string]string{"asset": "wbtc"})
	if routine.Nonce != 0 || pause.Nonce != 0 || !strings.Contains(fmt.Sprint(pause.Dangers), "displaces") {
		t.Fatalf("nonces %d and %d, dangers %v: an emergency takes the Safe's present nonce and says what it displaces", routine.Nonce, pause.Nonce, pause.Dangers)
	}
	if code, answer := i.sign(pause, pause.SafeTxHash, i.stack.Owners[0]); code != http.StatusCreated {
		t.Fatalf("sign: %d %s", code, answer)
	}
	other := i.elsewhere(0)
	routine = i.reaches(routine.ID, governance.StateSuperseded)
	if !strings.Contains(routine.Status, other.Hex()) {
		t.Errorf("it does not name the transaction that used its nonce: %q", routine.Status)
	}
	i.eventually("the emergency moved to its spare", func() bool { pause = i.get(pause.ID); return pause.Nonce == 1 })
	if pause.State != governance.StateProposed {
		t.Fatalf("the emergency is %s", pause.State)
	}
	if code, answer := i.sign(pause, pause.SafeTxs[0].SafeTxHash, i.stack.Owners[1]); code != http.StatusUnprocessableEntity || !strings.Contains(string(answer), "stale_hash") {
		t.Errorf("a signature over the dead transaction got %d %s", code, answer)
	}
	i.quorum(pause)
	i.reaches(pause.ID, governance.StateExecuted)
	if !i.paused("wbtc") {
		t.Error("the chain does not say paused")
	}
}

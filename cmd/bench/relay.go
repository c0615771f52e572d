package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"belay/safe"
	"belay/safe/chain"
	"belay/safe/devnet"
	"belay/safe/devnet/liar"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

// providerNames are three providers of one chain: what a careful operator configures.
var providerNames = []string{"alchemy", "infura", "own"}

// relayFigures measures the way from the last signature to the chain, beside raw calls to the same providers.
func relayFigures(ctx context.Context, dir string, rounds int) ([]figure, error) {
	held, err := heldFigures(ctx, filepath.Join(dir, "held"), rounds)
	if err != nil {
		return nil, fmt.Errorf("with mining held: %w", err)
	}
	var proven []figure
	for _, on := range arrivals {
		f, err := provenFigure(ctx, filepath.Join(dir, on.period.String()), on, rounds)
		if err != nil {
			return nil, fmt.Errorf("to the proof: %w", err)
		}
		proven = append(proven, f)
	}
	read, err := readFigures(ctx, min(rounds, 7))
	if err != nil {
		return nil, fmt.Errorf("decision read: %w", err)
	}
	return slices.Concat(held, proven, read), nil
}

// desk is a Belay as a process of its own, on a chain behind three providers that can be told to fail.
type desk struct {
	*bench
	providers []*liar.Proxy
	urls      []string
	arrival
}

func newDesk(ctx context.Context, dir string, cfg devnet.Config) (*desk, error) {
	c, err := devnet.Start(cfg)
	if err != nil {
		return nil, err
	}
	d := &desk{bench: &bench{closers: []func(){func() { _ = c.Close() }}}}
	if d.stack, err = devnet.NewStack(ctx, c, devnet.StackConfig{Threshold: 3}); err != nil {
		return nil, d.fail(err)
	}
	rpc, err := d.provide()
	if err != nil {
		return nil, d.fail(err)
	}
	if err := d.serve(ctx, dir, rpc); err != nil {
		return nil, d.fail(err)
	}
	return d, nil
}

// provide opens the providers and gives their addresses by name.
func (d *desk) provide() (map[string]string, error) {
	byName := map[string]string{}
	for i, name := range providerNames {
		p := liar.New(liar.Of(d.stack.Chain), uint64(i)) //nolint:gosec // small
		p.OnSend(func(json.RawMessage) { d.arrived() })
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := &http.Server{ReadHeaderTimeout: time.Second, Handler: p}
		go func() { _ = server.Serve(listener) }()
		d.closers = append(d.closers, func() { _ = server.Close() })
		byName[name] = "http://" + listener.Addr().String()
		d.providers, d.urls = append(d.providers, p), append(d.urls, byName[name])
	}
	return byName, nil
}

func (d *desk) serve(ctx context.Context, dir string, rpc map[string]string) error {
	listen, admin, err := twoAddresses()
	if err != nil {
		return err
	}
	config, err := d.stack.WriteConfiguration(dir, devnet.Guarding{Listen: listen, AdminListen: admin, Token: token, RPC: rpc})
	if err != nil {
		return err
	}
	return d.run(ctx, dir, config, listen)
}

// asked is what a proposal's answers are needed for.
type asked struct {
	ID         string `json:"id"`
	State      string `json:"state"`
	SafeTxHash string `json:"safe_tx_hash"`
}

// propose opens a proposal that no round opened before, and has its owners sign, each for himself.
func (d *desk) propose(ctx context.Context, n int) (v asked, signatures []string, err error) {
	ask := map[string]any{"member": "alice", "playbook": "approve", "reason": "bench", "params": map[string]string{"amount": strconv.Itoa(n)}}
	if err = d.post(ctx, "/api/v1/proposals", ask, &v); err != nil {
		return v, nil, err
	}
	signatures, err = d.sign(v.SafeTxHash)
	return v, signatures, err
}

// hand gives Belay signatures, one after the other.
func (d *desk) hand(ctx context.Context, v asked, signatures ...string) error {
	for _, s := range signatures {
		if err := d.post(ctx, "/api/v1/proposals/"+v.ID+"/signatures", map[string]string{"signature": s, "safe_tx_hash": v.SafeTxHash}, nil); err != nil {
			return err
		}
	}
	return nil
}

// becomes waits until a proposal is in a state.
func (d *desk) becomes(ctx context.Context, id, state string) error {
	return d.await(ctx, func() bool { return d.is(id, state) })
}

// is asks whether a proposal is in a state.
func (d *desk) is(id, state string) bool {
	resp, err := http.Get(d.base + "/api/v1/proposals/" + id)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	var v asked
	return json.NewDecoder(resp.Body).Decode(&v) == nil && v.State == state
}

// readiness is what Belay knows when the last signature comes.
type readiness int

const (
	prepared  readiness = iota // everything, at the head
	overtaken                  // everything, and then a block came
	breath                     // nothing: all signatures come in one breath
	readinesses
)

// heldFigures measures from the last signature to the first byte that a provider gets, on a chain that makes no block meanwhile. The
// reference is one eth_sendRawTransaction to one of the providers, from question to answer.
func heldFigures(ctx context.Context, dir string, rounds int) ([]figure, error) {
	d, err := newDesk(ctx, dir, devnet.Config{Manual: true})
	if err != nil {
		return nil, err
	}
	defer d.close()
	var took [readinesses][]float64
	var raw []float64
	for round := range warmUp + rounds {
		for ready := range readinesses {
			ms, err := d.untilSent(ctx, int(readinesses)*round+int(ready)+1, ready)
			if err != nil {
				return nil, fmt.Errorf("round %d: %w", round, err)
			}
			if round >= warmUp {
				took[ready] = append(took[ready], ms)
			}
		}
		bare, err := d.rawSendTo(ctx, d.urls[round%len(d.urls)])
		if err != nil {
			return nil, err
		}
		d.stack.Chain.Seal()
		if round >= warmUp {
			raw = append(raw, bare)
		}
	}
	return []figure{
		within("last signature → a provider has the bytes, prepared", "ms", took[prepared], raw, 6),
		within("the same, a block after it was prepared", "ms", took[overtaken], raw, 15),
		within("the same, all signatures in one breath, nothing prepared", "ms", took[breath], raw, 15),
	}, nil
}

// untilSent plays one proposal and says how long after the last signature its bytes arrived anywhere.
func (d *desk) untilSent(ctx context.Context, n int, ready readiness) (float64, error) {
	v, signatures, err := d.propose(ctx, n)
	if err != nil {
		return 0, err
	}
	last := len(signatures) - 1
	soon, late := signatures[:last], signatures[last:last]
	if ready == breath {
		soon, late = late, soon
	}
	if err := d.hand(ctx, v, soon...); err != nil {
		return 0, err
	}
	d.stack.Chain.Seal()
	pause(ctx, 2*time.Second) // the watch looks at the head every second, and prepares what one signature is missing from
	if ready == overtaken {
		d.stack.Chain.Seal()
	}
	if err := d.hand(ctx, v, late...); err != nil {
		return 0, err
	}
	d.clear()
	began := time.Now()
	if err := d.hand(ctx, v, signatures[last]); err != nil {
		return 0, err
	}
	if err := d.await(ctx, func() bool { return !d.at().IsZero() }); err != nil {
		return 0, err
	}
	took := ms(d.at().Sub(began))
	if err := d.await(ctx, func() bool { return d.stack.Chain.PendingCount() > 0 }); err != nil {
		return 0, err
	}
	d.stack.Chain.Seal()
	return took, d.becomes(ctx, v.ID, "executed")
}

// rawSendTo is one eth_sendRawTransaction to a provider, until it is answered.
func (d *desk) rawSendTo(ctx context.Context, url string) (float64, error) {
	tx, err := d.transfer(ctx)
	if err != nil {
		return 0, err
	}
	pause(ctx, 2*time.Second) // Belay, too, was idle before the last signature came
	began := time.Now()
	_, err = ask(ctx, url, "eth_sendRawTransaction", hexutil.Encode(tx))
	return ms(time.Since(began)), err
}

// ask is one JSON-RPC exchange without anything around it.
func ask(ctx context.Context, url, method string, args ...any) (json.RawMessage, error) {
	text, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": args})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, errors.New(answer.Error.Message)
	}
	return answer.Result, nil
}

// onArrival is a chain that mines what arrives, with a block now and then besides.
type onArrival struct {
	what   string
	period time.Duration
}

// arrivals are such chains: on the first, nothing comes between the preparations and the last signature; on the second always a block does.
var arrivals = []onArrival{
	{"last signature → proven execution, mined on arrival, prepared", time.Hour},
	{"the same, with a block each second besides", time.Second},
}

// provenFigure measures from the last signature until Belay calls the proposal executed: its transaction is mined, and the allowance that it set is
// read at that block. The reference sends an execution of the same Safe, of the same size, and waits for its receipt.
func provenFigure(ctx context.Context, dir string, on onArrival, rounds int) (figure, error) {
	d, err := newDesk(ctx, dir, devnet.Config{Period: on.period})
	if err != nil {
		return figure{}, err
	}
	defer d.close()
	var ours, raw []float64
	for round := range warmUp + rounds {
		took, err := d.untilProven(ctx, round+1)
		if err != nil {
			return figure{}, fmt.Errorf("round %d: %w", round, err)
		}
		bare, err := d.rawExecution(ctx, round+1)
		if err != nil {
			return figure{}, fmt.Errorf("reference, round %d: %w", round, err)
		}
		if round >= warmUp {
			ours, raw = append(ours, took), append(raw, bare)
		}
	}
	return within(on.what, "ms", ours, raw, 4), nil
}

func (d *desk) untilProven(ctx context.Context, n int) (float64, error) {
	v, signatures, err := d.propose(ctx, n)
	if err != nil {
		return 0, err
	}
	last := len(signatures) - 1
	if err := d.hand(ctx, v, signatures[:last]...); err != nil {
		return 0, err
	}
	news, stop, err := d.follow(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	pause(ctx, 2*time.Second)
	began := time.Now()
	if err := d.hand(ctx, v, signatures[last]); err != nil {
		return 0, err
	}
	err = d.await(ctx, func() bool {
		<-news
		return d.is(v.ID, "executed")
	})
	return ms(time.Since(began)), err
}

// follow is told, as a page is, when something changed.
func (d *desk) follow(ctx context.Context) (news <-chan struct{}, stop func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/api/v1/events", nil)
	if err != nil {
		return nil, cancel, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // who reads it closes it
	if err != nil {
		return nil, cancel, err
	}
	told := make(chan struct{}, 1000)
	go func() {
		defer close(told)
		defer func() { _ = resp.Body.Close() }()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data:") {
				told <- struct{}{}
			}
		}
	}()
	return told, cancel, nil
}

// rawExecution signs an execution of the Safe here, sends it, and waits for its receipt.
func (d *desk) rawExecution(ctx context.Context, n int) (float64, error) {
	raw, hash, err := d.execution(ctx, n)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := ask(ctx, d.urls[0], "eth_sendRawTransaction", hexutil.Encode(raw)); err != nil {
		return 0, err
	}
	err = d.await(ctx, func() bool {
		receipt, err := ask(ctx, d.urls[0], "eth_getTransactionReceipt", hash)
		return err == nil && string(receipt) != "null"
	})
	return ms(time.Since(began)), err
}

// execution is what a wallet would send for the same thing.
func (d *desk) execution(ctx context.Context, n int) ([]byte, common.Hash, error) {
	nonce, err := d.nonce(ctx)
	if err != nil {
		return nil, common.Hash{}, err
	}
	data := append(crypto.Keccak256([]byte("approve(address,uint256)"))[:4], common.LeftPadBytes(d.stack.Market.Bytes(), 32)...)
	data = append(data, common.LeftPadBytes([]byte{byte(n >> 8), byte(n)}, 32)...)
	tx := safe.Tx{To: d.stack.Asset("usdc").Token, Data: data, Nonce: nonce}
	hash := safe.Hash(safe.Domain{ChainID: d.stack.Chain.ChainID().Uint64(), Safe: d.stack.Guardian, Version: safe.V1_4_1}, tx).SafeTx
	var yes []safe.Confirmation
	for _, key := range d.stack.Owners {
		sig, err := crypto.Sign(hash[:], key)
		if err != nil {
			return nil, common.Hash{}, err
		}
		sig[64] += 27
		yes = append(yes, safe.Confirmation{Owner: crypto.PubkeyToAddress(key.PublicKey), Kind: safe.KindECDSA, Signature: sig})
	}
	blob, err := safe.Pack(yes, len(yes))
	if err != nil {
		return nil, common.Hash{}, err
	}
	sender, err := d.stack.Chain.Client().NonceAt(ctx, devnet.Address(13), nil)
	if err != nil {
		return nil, common.Hash{}, err
	}
	made, err := types.SignNewTx(devnet.Key(13), types.LatestSignerForChainID(d.stack.Chain.ChainID()), &types.DynamicFeeTx{
		ChainID: d.stack.Chain.ChainID(), Nonce: sender, GasTipCap: wei(1), GasFeeCap: wei(100), Gas: 200_000, To: &d.stack.Guardian, Data: safe.EncodeExec(tx, blob)})
	if err != nil {
		return nil, common.Hash{}, err
	}
	raw, err := made.MarshalBinary()
	return raw, made.Hash(), err
}

// readFigures measures the reading that decides whether a Safe may execute, at one block. With one provider of three slow by two seconds
// and one lying, two can agree only when the slow one has answered: it is the reference. With one that is silent for ever the reference
// is the same reading with all three well.
func readFigures(ctx context.Context, rounds int) ([]figure, error) {
	c, err := devnet.Start(devnet.Config{Manual: true})
	if err != nil {
		return nil, err
	}
	d := &desk{bench: &bench{closers: []func(){func() { _ = c.Close() }}}}
	defer d.close()
	if d.stack, err = devnet.NewStack(ctx, c, devnet.StackConfig{}); err != nil {
		return nil, err
	}
	urls, err := d.provide()
	if err != nil {
		return nil, err
	}
	cfg := chain.Config{Name: "devnet", ChainID: c.ChainID().Uint64()}
	for _, name := range providerNames {
		cfg.Providers = append(cfg.Providers, chain.Provider{Name: name, URL: urls[name]})
	}
	client, err := chain.Dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var well, silent, lied, slow []float64
	for round := range 1 + rounds {
		var took [4]float64
		for i, faults := range [][]string{{}, {"never answers"}, {"names a lower threshold", "answers after two seconds"}} {
			if took[i], err = d.decision(ctx, client, faults); err != nil {
				return nil, fmt.Errorf("with %q: %w", faults, err)
			}
		}
		began := time.Now()
		if _, err := ask(ctx, d.urls[1], "eth_call", map[string]any{"to": d.stack.Guardian, "data": "0xaffed0e0"}, "latest"); err != nil {
			return nil, err
		}
		if took[3] = ms(time.Since(began)); round > 0 {
			well, silent, lied, slow = append(well, took[0]), append(silent, took[1]), append(lied, took[2]), append(slow, took[3])
		}
	}
	return []figure{
		atMost("decision read, one provider silent, against all well", "ms", silent, well, 1.5),
		atMost("decision read, one slow by 2 s and one lying, against the slow one", "ms", lied, slow, 1.5),
	}, nil
}

// decision reads the Safe, at a block of which nothing is remembered, while the first providers fail as told. It fails where what it read is
// not so.
func (d *desk) decision(ctx context.Context, client *chain.Client, faults []string) (float64, error) {
	for _, p := range d.providers {
		p.Be(liar.Fault{})
	}
	d.stack.Chain.Seal()
	head, _, err := client.Head(ctx)
	if err != nil {
		return 0, err
	}
	for i, name := range faults {
		d.providers[i].Be(liar.Named(name))
	}
	began := time.Now()
	state, err := client.StateAt(ctx, head, d.stack.Guardian)
	took := ms(time.Since(began))
	if err == nil && (state.Threshold != d.stack.Threshold || state.Nonce != 0 || len(state.Owners) != len(d.stack.Owners)) {
		err = fmt.Errorf("read %d of %v, nonce %d", state.Threshold, state.Owners, state.Nonce)
	}
	return took, err
}

func wei(gwei int64) *big.Int { return new(big.Int).Mul(big.NewInt(gwei), big.NewInt(params.GWei)) }

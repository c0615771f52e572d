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
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

const token = "0123456789abcdef0123456789abcdef"

// warmUp rounds are not counted.
const warmUp = 3

// wholeFlow lets Belay and protocol-kit take the same way in turn: propose, three signatures made here, executed; the end is
// the Safe's nonce as seen here. The chain seals on arrival, so that waiting for blocks is in neither figure.
func wholeFlow(ctx context.Context, dir string, rounds int) ([]figure, error) {
	b, err := newBench(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer b.close()
	var wall, cpu, memory, last [2][]float64 // Belay, reference
	for round := range warmUp + rounds {
		for side, play := range []func(context.Context, int) (lap, error){b.belay, b.kit} {
			l, err := play(ctx, round*2+side+1)
			if err != nil {
				return nil, fmt.Errorf("round %d: %w", round, err)
			}
			if round < warmUp {
				continue
			}
			wall[side], cpu[side] = append(wall[side], l.wall), append(cpu[side], l.cpu)
			memory[side] = append(memory[side], l.memory)
			last[side] = append(last[side], l.last)
		}
		raw, err := b.rawSend(ctx)
		if err != nil {
			return nil, err
		}
		if round >= warmUp {
			last[1][len(last[1])-1] = raw
		}
	}
	return []figure{
		faster("propose → 3 signatures → included, wall time", "ms", wall[0], wall[1], 5),
		faster("the same, CPU of the process", "ms", cpu[0], cpu[1], 20),
		faster("the same, highest memory of the process", "MiB", memory[0], memory[1], 4),
		within("last signature → eth_sendRawTransaction arrives", "ms", last[0], last[1], 15),
	}, nil
}

// lap is one round of one side.
type lap struct{ wall, cpu, memory, last float64 }

type bench struct {
	stack   *devnet.Stack
	proxy   *recorder
	base    string
	belayPS *exec.Cmd
	kitPS   *exec.Cmd
	kitIn   io.WriteCloser
	kitOut  *bufio.Reader
	closers []func()
	last    time.Time // when the last signature went out
}

// recorder is the RPC that both sides use. It notes when a raw transaction arrives.
type recorder struct {
	url string
	arrival
}

// arrival is when the first raw transaction of a round arrived.
type arrival struct {
	mu   sync.Mutex
	sent time.Time // guarded by mu
}

func newRecorder(target string) (*recorder, func(), error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, nil, err
	}
	r := &recorder{}
	forward := httputil.NewSingleHostReverseProxy(to)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		if bytes.Contains(body, []byte("eth_sendRawTransaction")) {
			r.arrived()
		}
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		forward.ServeHTTP(w, q)
	})}
	go func() { _ = server.Serve(listener) }()
	r.url = "http://" + listener.Addr().String()
	return r, func() { _ = server.Close() }, nil
}

func (a *arrival) arrived() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent.IsZero() {
		a.sent = time.Now()
	}
}

func (a *arrival) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent = time.Time{}
}

func (a *arrival) at() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

// newBench deploys a 3-of-3 Safe. The chain calls itself 1, because protocol-kit knows the canonical contracts by chain id; nothing
// leaves this machine.
func newBench(ctx context.Context, dir string) (*bench, error) {
	chain, err := devnet.Start(devnet.Config{ChainID: 1})
	if err != nil {
		return nil, err
	}
	b := &bench{closers: []func(){func() { _ = chain.Close() }}}
	if b.stack, err = devnet.NewStack(ctx, chain, devnet.StackConfig{Threshold: 3}); err != nil {
		return b, b.fail(err)
	}
	proxy, stop, err := newRecorder(chain.URL())
	if err != nil {
		return b, b.fail(err)
	}
	b.proxy = proxy
	b.closers = append(b.closers, stop)
	if err := errors.Join(b.startBelay(ctx, dir), b.startKit(ctx)); err != nil {
		return b, b.fail(err)
	}
	return b, nil
}

func (b *bench) fail(err error) error {
	b.close()
	return err
}

func (b *bench) close() {
	for _, ps := range []*exec.Cmd{b.belayPS, b.kitPS} {
		if ps != nil && ps.Process != nil {
			_ = ps.Process.Kill()
			_ = ps.Wait()
		}
	}
	for _, c := range b.closers {
		c()
	}
	b.closers = nil
}

// approval is a playbook that can be played again and again: it lets the token's allowance be a number.
const approval = `name: approve
title: Set an allowance
kind: custom
safe: guardian
params:
  amount: {type: uint256, required: true, sample: 1}
calls:
  - {to: "%[1]s", function: "approve(address spender, uint256 amount)", args: ["%[2]s", "{{amount}}"]}
expect:
  - {call: {to: "%[1]s", function: "allowance(address owner, address spender) returns (uint256)", args: ["%[3]s", "%[2]s"]}, equals: "{{amount}}"}
policy: {propose: [guardian], visibility: public}
`

func (b *bench) startBelay(ctx context.Context, dir string) error {
	listen, admin, err := twoAddresses()
	if err != nil {
		return err
	}
	config, err := b.stack.WriteConfiguration(dir, devnet.Guarding{Listen: listen, AdminListen: admin, Token: token, RPC: map[string]string{"devnet": b.proxy.url}})
	if err != nil {
		return err
	}
	return b.run(ctx, dir, config, listen)
}

// run adds the playbook, starts the program and waits until it answers.
func (b *bench) run(ctx context.Context, dir, config, listen string) error {
	text := fmt.Sprintf(approval, b.stack.Asset("usdc").Token.Hex(), b.stack.Market.Hex(), b.stack.Guardian.Hex())
	if err := os.WriteFile(filepath.Join(dir, "playbooks", "approve.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	b.base = "http://" + listen
	b.belayPS = exec.CommandContext(ctx, "bin/belay", "--config", config, "serve")
	if err := b.belayPS.Start(); err != nil {
		return fmt.Errorf("start bin/belay (run make build): %w", err)
	}
	return b.await(ctx, func() bool {
		resp, err := http.Get(b.base + "/api/v1/proposals")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

func twoAddresses() (one, two string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = a.Close() }()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = b.Close() }()
	return a.Addr().String(), b.Addr().String(), nil
}

// startKit starts the reference: a Node process that speaks JSON lines.
func (b *bench) startKit(ctx context.Context) error {
	b.kitPS = exec.CommandContext(ctx, "node", "cmd/bench/kit.mjs", b.proxy.url, b.stack.Guardian.Hex(), hexutil.Encode(crypto.FromECDSA(devnet.Key(14))))
	b.kitPS.Stderr = os.Stderr
	var err error
	if b.kitIn, err = b.kitPS.StdinPipe(); err != nil {
		return err
	}
	out, err := b.kitPS.StdoutPipe()
	if err != nil {
		return err
	}
	b.kitOut = bufio.NewReader(out)
	if err := b.kitPS.Start(); err != nil {
		return fmt.Errorf("start node: %w", err)
	}
	_, err = b.hear()
	return err
}

func (b *bench) say(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = b.kitIn.Write(append(text, '\n'))
	return err
}

func (b *bench) hear() (hash string, err error) {
	line, err := b.kitOut.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the reference ended: %w", err)
	}
	var answer struct{ Hash, Error string }
	if err := json.Unmarshal([]byte(line), &answer); err != nil {
		return "", err
	}
	if answer.Error != "" {
		return "", errors.New(answer.Error)
	}
	return answer.Hash, nil
}

// sign makes the owners' signatures; this process is the third one, for both sides alike.
func (b *bench) sign(hash string) ([]string, error) {
	var all []string
	for _, key := range b.stack.Owners {
		sig, err := crypto.Sign(common.HexToHash(hash).Bytes(), key)
		if err != nil {
			return nil, err
		}
		sig[64] += 27
		all = append(all, hexutil.Encode(sig))
	}
	return all, nil
}

func (b *bench) belay(ctx context.Context, n int) (lap, error) {
	return b.timed(ctx, b.belayPS, func() error {
		var v struct {
			ID         string `json:"id"`
			SafeTxHash string `json:"safe_tx_hash"`
		}
		ask := map[string]any{"member": "alice", "playbook": "approve", "reason": "bench", "params": map[string]string{"amount": strconv.Itoa(n)}}
		if err := b.post(ctx, "/api/v1/proposals", ask, &v); err != nil {
			return err
		}
		signatures, err := b.sign(v.SafeTxHash)
		if err != nil {
			return err
		}
		for i, s := range signatures {
			if i == len(signatures)-1 {
				b.proxy.clear()
				b.lastAt(time.Now())
			}
			if err := b.post(ctx, "/api/v1/proposals/"+v.ID+"/signatures", map[string]string{"signature": s, "safe_tx_hash": v.SafeTxHash}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) kit(ctx context.Context, n int) (lap, error) {
	return b.timed(ctx, b.kitPS, func() error {
		data := append(crypto.Keccak256([]byte("approve(address,uint256)"))[:4], common.LeftPadBytes(b.stack.Market.Bytes(), 32)...)
		data = append(data, common.LeftPadBytes([]byte{byte(n >> 8), byte(n)}, 32)...)
		if err := b.say(map[string]any{"to": b.stack.Asset("usdc").Token.Hex(), "data": hexutil.Encode(data)}); err != nil {
			return err
		}
		hash, err := b.hear()
		if err != nil {
			return err
		}
		signatures, err := b.sign(hash)
		if err != nil {
			return err
		}
		var owners []string
		for _, key := range b.stack.Owners {
			owners = append(owners, crypto.PubkeyToAddress(key.PublicKey).Hex())
		}
		b.proxy.clear()
		b.lastAt(time.Now())
		if err := b.say(map[string]any{"signatures": signatures, "owners": owners}); err != nil {
			return err
		}
		_, err = b.hear()
		return err
	})
}

func (b *bench) lastAt(t time.Time) { b.last = t }

// timed plays one round and waits until the Safe's nonce moved.
func (b *bench) timed(ctx context.Context, ps *exec.Cmd, play func() error) (lap, error) {
	before, err := b.nonce(ctx)
	if err != nil {
		return lap{}, err
	}
	cpu := cpuOf(ps.Process.Pid)
	started := time.Now()
	if err := play(); err != nil {
		return lap{}, err
	}
	if err := b.await(ctx, func() bool { n, err := b.nonce(ctx); return err == nil && n > before }); err != nil {
		return lap{}, err
	}
	l := lap{wall: ms(time.Since(started)), last: ms(b.proxy.at().Sub(b.last))}
	pause(ctx, 1200*time.Millisecond) // what follows the inclusion is counted too, and the next round starts from rest
	l.cpu, l.memory = ms(cpuOf(ps.Process.Pid)-cpu), memoryOf(ps.Process.Pid)
	return l, nil
}

func (b *bench) nonce(ctx context.Context) (uint64, error) {
	out, err := b.stack.Chain.Call(ctx, b.stack.Guardian, crypto.Keccak256([]byte("nonce()"))[:4])
	if err != nil || len(out) != 32 {
		return 0, fmt.Errorf("read nonce: %w", err)
	}
	return common.BytesToHash(out).Big().Uint64(), nil
}

// rawSend is the reference of the last figure: one eth_sendRawTransaction to the same RPC, until it is answered.
func (b *bench) rawSend(ctx context.Context) (float64, error) {
	tx, err := b.transfer(ctx)
	if err != nil {
		return 0, err
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":[%q]}`, hexutil.Encode(tx))
	started := time.Now()
	resp, err := http.Post(b.proxy.url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	took := ms(time.Since(started))
	pause(ctx, 50*time.Millisecond)
	return took, errors.Join(err, resp.Body.Close())
}

// transfer signs nothing to itself.
func (b *bench) transfer(ctx context.Context) ([]byte, error) {
	nonce, err := b.stack.Chain.Client().NonceAt(ctx, devnet.Address(13), nil)
	if err != nil {
		return nil, err
	}
	to := devnet.Address(13)
	tx, err := types.SignNewTx(devnet.Key(13), types.LatestSignerForChainID(b.stack.Chain.ChainID()), &types.DynamicFeeTx{
		ChainID: b.stack.Chain.ChainID(), Nonce: nonce, GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei), Gas: 21_000, To: &to})
	if err != nil {
		return nil, err
	}
	return tx.MarshalBinary()
}

func (b *bench) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		return fmt.Errorf("POST %s answered %s: %s", path, resp.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// await polls every millisecond, for half a minute.
func (b *bench) await(ctx context.Context, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !is() {
		if pause(ctx, time.Millisecond); ctx.Err() != nil {
			return errors.New("not within 30 s")
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// cpuOf is the processor time of a process so far: what the scheduler accounts to its threads, in nanoseconds. Neither side ends
// threads while it runs, so that none is lost.
func cpuOf(pid int) time.Duration {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0
	}
	var total time.Duration
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		ran, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(ran, 10, 64)
		total += time.Duration(ns)
	}
	return total
}

// memoryOf is the most memory that a process had resident, in MiB.
func memoryOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return float64(kib) / 1024
		}
	}
	return 0
}

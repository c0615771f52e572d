package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// victim is the built program as a process of its own, which is killed while people use it. Whoever is not answered tries again.
type victim struct {
	*incident
	program string

	mu   sync.Mutex
	cmd  *exec.Cmd     // guarded by mu
	gone chan struct{} // guarded by mu; closed when the process has ended
	logs *bytes.Buffer // of the present life
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	program := filepath.Join(t.TempDir(), "belay")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	v := &victim{incident: newIncident(t), program: program}
	v.halt()
	t.Cleanup(func() {
		v.kill()
		if t.Failed() {
			t.Log(v.logs.String())
		}
	})
	v.live()
	return v
}

// live starts the process and waits until it answers.
func (v *victim) live() {
	v.t.Helper()
	cmd, gone := exec.Command(v.program, "--config", v.config, "serve"), make(chan struct{})
	v.logs = &bytes.Buffer{}
	cmd.Stderr = v.logs
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	go func() { defer close(gone); _ = cmd.Wait() }()
	v.mu.Lock()
	v.cmd, v.gone = cmd, gone
	v.mu.Unlock()
	v.eventually("the process answers", func() bool {
		if v.dead() {
			v.t.Fatalf("it ended by itself:\n%s", v.logs)
		}
		code, _, err := v.ask(http.MethodGet, "/api/v1/proposals", nil)
		return err == nil && code == http.StatusOK
	})
}

// kill is kill -9, and waits until the process is gone.
func (v *victim) kill() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cmd == nil {
		return
	}
	if err := v.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		v.t.Errorf("kill: %v", err)
	}
	<-v.gone
}

func (v *victim) dead() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.gone:
		return true
	default:
		return false
	}
}

// ask sends a request that may find nobody.
func (v *victim) ask(method, path string, body any) (code int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(v.t.Context(), 10*time.Second)
	defer cancel()
	b, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, method, v.base+path, bytes.NewReader(b))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// insist asks until it is answered with one of the codes, across lives, and gives what was answered.
func (v *victim) insist(method, path string, body any, codes ...int) (view governance.View) {
	v.t.Helper()
	last := ""
	v.eventually(fmt.Sprintf("%s %s is answered", method, path), func() bool {
		if v.dead() {
			v.live()
		}
		code, answer, err := v.ask(method, path, body)
		last = fmt.Sprintf("%d %s %v", code, answer, err)
		if err != nil {
			return false
		}
		for _, c := range codes {
			if code == c {
				return json.Unmarshal(answer, &view) == nil
			}
		}
		if code < http.StatusInternalServerError {
			v.t.Fatalf("%s %s: %s", method, path, last)
		}
		return false
	})
	return view
}

// pauses takes a pause from its proposal to its proof. After each step, all that was acknowledged before is still there.
func (v *victim) pauses() governance.View {
	v.t.Helper()
	made := v.insist(http.MethodPost, "/api/v1/proposals", map[string]any{"member": "alice", "playbook": "pause-all", "reason": "drill"}, http.StatusCreated, http.StatusOK)
	path := "/api/v1/proposals/" + made.ID
	for i, key := range v.stack.Owners[:2] {
		v.insist(http.MethodPost, path+"/signatures", map[string]any{"signature": v.signature(made.SafeTxHash, key), "safe_tx_hash": made.SafeTxHash}, http.StatusCreated, http.StatusOK)
		if now := v.insist(http.MethodGet, path, nil, http.StatusOK); len(now.Confirmations) != i+1 {
			v.t.Fatalf("%s has %d confirmations of %d that were acknowledged", made.ID, len(now.Confirmations), i+1)
		}
	}
	var done governance.View
	v.eventually(made.ID+" is executed", func() bool {
		done = v.insist(http.MethodGet, path, nil, http.StatusOK)
		return done.State == governance.StateExecuted
	})
	return done
}

// counts is what the chain and the store have counted: nothing may happen twice.
type counts struct {
	proposals                  string // id of the newest
	executions, paidFor, mined uint64 // by the Safe; relayer transactions; of these, named as mined by the newest
}

// minedOf counts what a proposal says was mined. A replacement that was outrun, because a restart took a while, is named as submitted.
func minedOf(v governance.View) (n uint64) {
	for _, tx := range v.Transactions {
		if tx.Status != governance.TxStatusSubmitted {
			n++
		}
	}
	return n
}

func (v *victim) counts(newest governance.View) counts {
	v.t.Helper()
	out, err := v.stack.Chain.Call(v.t.Context(), v.stack.Guardian, crypto.Keccak256([]byte("nonce()"))[:4])
	if err != nil {
		v.t.Fatal(err)
	}
	c := counts{proposals: newest.ID, executions: common.BytesToHash(out).Big().Uint64(), mined: minedOf(newest)}
	for _, key := range append(v.stack.Emergency, v.stack.Relayer) {
		n, err := v.stack.Chain.Client().NonceAt(v.t.Context(), crypto.PubkeyToAddress(key.PublicKey), nil)
		if err != nil {
			v.t.Fatal(err)
		}
		c.paidFor += n
	}
	return c
}

// kills is how often the test kills: often where that was asked for.
func kills(t *testing.T) int {
	t.Helper()
	asked := os.Getenv("BELAY_KILLS")
	if asked == "" {
		return 10
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatalf("BELAY_KILLS: %v", err)
	}
	return n
}

// TestNothingIsLostOrDoubledByAKill kills the process at random moments of a pause, once in each of many.
func TestNothingIsLostOrDoubledByAKill(t *testing.T) {
	v := newVictim(t)
	var usual time.Duration
	const calm = 2 // pauses that nobody disturbs: the first is slow
	for range calm {
		began := time.Now()
		v.pauses()
		usual = time.Since(began)
	}
	dice := rand.New(rand.NewPCG(9, 9))
	moments := map[string]int{}
	for n := range kills(t) {
		killed := make(chan struct{})
		timer := time.AfterFunc(time.Duration(dice.Int64N(int64(usual)+1)), func() { defer close(killed); v.kill() })
		done := v.pauses()
		moment := "while it was proposed, signed or executed"
		if timer.Stop() {
			moment = "right after it was executed"
			v.kill()
		} else {
			<-killed
		}
		moments[moment]++
		done = v.insist(http.MethodGet, "/api/v1/proposals/"+done.ID, nil, http.StatusOK)
		pauses := uint64(calm + n + 1)
		want := counts{proposals: fmt.Sprintf("P-%d", pauses), executions: pauses, paidFor: pauses, mined: 1}
		if got := v.counts(done); got != want || done.State != governance.StateExecuted || len(done.Confirmations) != 2 {
			t.Fatalf("after kill %d %s (%s): counted %+v, want %+v; %s with %d confirmations", n+1, moment, done.ID, got, want, done.State, len(done.Confirmations))
		}
	}
	t.Logf("killed %v; a pause takes %s", moments, usual.Round(time.Millisecond))
	v.kill()
	if out := v.verified(); out != "" {
		t.Errorf("the log does not verify: %s", out)
	}
}

// verified checks the log of the store that the process left behind; it gives "" where it holds.
func (v *victim) verified() string {
	var out, problem bytes.Buffer
	if code := run(v.t.Context(), []string{"--config", v.config, "log", "verify"}, streams{out: &out, err: &problem}); code != exitDone {
		return out.String() + problem.String()
	}
	return ""
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"belay/governance"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// attacks are the ways in which a newcomer may try to break Belay, with what came of each. What they tell is what was
// seen, never what should have been. It locks itself.
type attacks struct {
	stage *stage

	mu       sync.Mutex
	asked    int // the wallet's count when the server was last taken over
	noticed  int // Belay's count when the provider last changed
	forgery  []string
	killing  string
	noticing int // what Belay has noticed since
}

// tamper takes over the server, or gives it back.
func (a *attacks) tamper(how tampering) bool {
	if !slices.Contains([]tampering{untouched, swapCall, swapHashes}, how) {
		return false
	}
	_, _, asked := a.stage.wallet.present()
	a.mu.Lock()
	a.asked = asked
	a.mu.Unlock()
	a.stage.front.become(how)
	return true
}

// lie changes how the third provider answers.
func (a *attacks) lie(ctx context.Context, how honesty) bool {
	if !slices.Contains([]honesty{honest, lying, stuck, dead}, how) {
		return false
	}
	noticed := a.disagreements(ctx)
	a.mu.Lock()
	a.noticed, a.noticing = noticed, 0
	a.mu.Unlock()
	a.stage.liar().become(how, a.stage.ledger.present().Number)
	return true
}

// look asks Belay's own figures how often it caught the liar.
func (a *attacks) look(ctx context.Context) {
	n := a.disagreements(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if n < a.noticed { // a new life counts from zero
		a.noticed = 0
	}
	a.noticing = max(a.noticing, n-a.noticed)
}

var disagreed = regexp.MustCompile(`belay_rpc_seconds_count\{[^}]*\} (\d+)`)

// disagreements is how often the third provider was seen to say something else than the others.
func (a *attacks) disagreements(ctx context.Context) (n int) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.stage.belay.admin+"/metrics", nil)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return 0
	}
	for _, found := range disagreed.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(found[0], `method="agreement"`) && strings.Contains(found[0], `provider="`+a.stage.liar().name+`"`) {
			times, _ := strconv.Atoi(found[1]) // digits
			n += times
		}
	}
	return n
}

// kill sends SIGKILL and compares what two lives of Belay know.
func (a *attacks) kill(ctx context.Context) {
	a.killed("Killing …")
	before, err := a.stage.api.whole(ctx)
	if err != nil {
		a.killed("Not now: " + err.Error())
		return
	}
	was, err := a.stage.belay.kill()
	if err != nil {
		a.killed("Not now: " + err.Error())
		return
	}
	began := time.Now()
	a.killed(fmt.Sprintf("Process %d is dead (SIGKILL, no goodbye). Starting it again …", was.PID))
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := <-a.stage.belay.awaited(ctx, was.Number+1); err != nil {
		a.killed(err.Error())
		return
	}
	after, err := a.stage.api.whole(ctx)
	if err != nil {
		a.killed("It is back and does not answer: " + err.Error())
		return
	}
	verdict := "Nothing was lost"
	if !before.within(after) {
		verdict = "SOMETHING WAS LOST"
	}
	a.killed(fmt.Sprintf("%s. Process %d died knowing %s; %d took over after %.1f s and knows %s.",
		verdict, was.PID, before, a.stage.belay.state().PID, time.Since(began).Seconds(), after))
}

func (a *attacks) killed(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.killing = text
}

// forge tries to pass without owners: at Belay's API, and at the Safe itself with the relayer's own key.
func (a *attacks) forge(ctx context.Context) {
	words := []string{a.forgeAtBelay(ctx), a.forgeAtSafe(ctx)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgery = words
}

func (a *attacks) forgeAtBelay(ctx context.Context) string {
	all, err := a.stage.api.proposals(ctx)
	if err != nil {
		return "Belay does not answer: " + err.Error()
	}
	i := slices.IndexFunc(all, func(v governance.View) bool { return !v.State.Ended() })
	if i < 0 {
		return "Belay: nothing is open to sign. Type a pause first, then forge again."
	}
	signature, err := signHash(devnet.Key(mallory.one), common.HexToHash(all[i].SafeTxHash))
	if err != nil {
		return err.Error()
	}
	status, _, err := a.stage.api.hand(ctx, all[i].ID, all[i].SafeTxHash, signature)
	var refusal *problem
	if errors.As(err, &refusal) {
		return fmt.Sprintf("Belay, given Mallory’s signature for %s: %d %s. %s.", all[i].ID, refusal.Status, refusal.Code, strings.TrimSuffix(refusal.Title, "."))
	}
	return fmt.Sprintf("Belay ANSWERED %d (%v)", status, err)
}

// forgeAtSafe skips Belay: whoever stole the relayer's key can send anything to the Safe.
func (a *attacks) forgeAtSafe(ctx context.Context) string {
	data, err := a.forgedExecution()
	if err != nil {
		return err.Error()
	}
	_, err = a.stage.chain.Send(ctx, a.stage.stack.Relayer, &a.stage.stack.Guardian, nil, data)
	var reverted *devnet.Reverted
	if errors.As(err, &reverted) {
		text := strings.TrimPrefix(reverted.Error(), "reverted: ")
		if text == "GS026" {
			text += " (a signature is not an owner’s)"
		}
		return "The Safe itself, called with the stolen relayer key: reverted, " + text + "."
	}
	return fmt.Sprintf("The Safe DID NOT REVERT (%v)", err)
}

// forgedExecution is an execTransaction that would make Mallory the only owner needed, signed by two of Mallory's accounts.
func (a *attacks) forgedExecution() ([]byte, error) {
	l := a.stage.ledger
	evil, err := takeover()
	if err != nil {
		return nil, err
	}
	keys := []int{mallory.one, mallory.two}
	slices.SortFunc(keys, func(x, y int) int { return devnet.Address(x).Cmp(devnet.Address(y)) }) // the Safe wants them in order
	var signatures []byte
	for _, k := range keys {
		signature, err := signHash(devnet.Key(k), crypto.Keccak256Hash(evil))
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, hexutil.MustDecode(signature)...)
	}
	none, zero := common.Address{}, new(big.Int)
	return l.safe.Pack("execTransaction", a.stage.stack.Guardian, zero, evil, uint8(0), zero, zero, zero, none, none, signatures)
}

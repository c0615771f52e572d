package chain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// simulateGrace is how long the first simulation waits for those of the other providers, which may contradict it.
const simulateGrace = 1500 * time.Millisecond

// innerOnly marks the provider of a simulation that could run the calls only, from the Safe's address, not the whole
// transaction: signatures, guard and gas are then untested.
const innerOnly = " (inner calls only)"

// Simulate runs a whole execTransaction from the relayer's address at a block, at the present head if none is named,
// without sending it. Without signatures it runs as if every owner had approved the hash on chain and the nonce were the
// transaction's: owners, threshold, guard and everything else stay as they are.
//
// Every provider is asked. One answer is enough, but OK is claimed only when none says the opposite; then both are told.
// After is filled when all who could run reads behind the transaction (eth_simulateV1) got the same. Effects, where they are asked for,
// are the union of what anybody tells, see [safe.Effects]: events by eth_simulateV1, changes of state by debug_traceCall. A provider that takes
// no state overrides runs the inner calls from the Safe's address, and its name says so. An error means that nobody could
// simulate.
func (c *Client) Simulate(ctx context.Context, r safe.SimulationRequest) (safe.Simulation, error) {
	if r.At.Hash == (common.Hash{}) {
		head, _, err := c.Head(ctx)
		if err != nil {
			return safe.Simulation{}, fmt.Errorf("simulate: %w", err)
		}
		r.At = head
	}
	run, err := c.newRun(r)
	if err != nil {
		return safe.Simulation{}, fmt.Errorf("simulate: %w", err)
	}
	var traces <-chan answer[trace]
	if r.Effects {
		var end func()
		if traces, end, err = c.startTraces(ctx, run); err != nil {
			return safe.Simulation{}, fmt.Errorf("simulate: %w", err)
		}
		defer end()
	}
	votes, until, err := c.collectTrials(ctx, run)
	if err != nil {
		return safe.Simulation{}, fmt.Errorf("simulate: %w", err)
	}
	trials := make([]namedTrial, 0, len(c.providers))
	for _, p := range c.providers { // in the order of the configuration, so that the answer does not depend on who is faster
		for _, a := range votes.cast[""] {
			if a.from == p {
				trials = append(trials, namedTrial{p.name, a.value})
			}
		}
	}
	if len(trials) == 0 {
		return safe.Simulation{}, fmt.Errorf("simulate: %w", votes.disagreement(c))
	}
	s := judge(trials)
	s.Block = r.At.Number
	if r.Effects && (s.OK || s.Contradicted()) { // whoever says that it fails hides nothing of what another one saw
		s.Effects = c.effects(trials, awaitTraces(ctx, c, traces, until))
	}
	return s, nil
}

// collectTrials gives what was said, and until when whoever told more of it may take. Nobody waits for a provider that does not answer anything
// just then, once enough others have said what they see.
func (c *Client) collectTrials(ctx context.Context, run run) (_ *tally[trial], until time.Time, _ error) {
	answers, release, err := askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) (trial, error) {
		return p.simulate(ctx, run)
	})
	if err != nil {
		return nil, until, err
	}
	defer release()
	votes := newTally(func(trial) string { return "" })
	worth := c.answering()
	var grace <-chan time.Time
	for range c.providers {
		select {
		case <-ctx.Done():
			return nil, until, ctx.Err()
		case <-grace:
			return votes, until, nil
		case a := <-answers:
			votes.add(a)
			delete(worth, a.from)
		}
		if grace == nil && len(votes.cast[""]) > 0 {
			grace, until = time.After(simulateGrace), time.Now().Add(simulateGrace)
		}
		if len(worth) == 0 && len(votes.cast[""]) >= c.agreement {
			return votes, until, nil
		}
	}
	return votes, until, nil
}

// run is a simulation ready to be asked for.
type run struct {
	safe.SimulationRequest
	exec      safe.Call                   // the whole transaction
	overrides map[common.Hash]common.Hash // storage of the Safe; nil when it is really signed
	unguarded bool                        // run as if there were no guard, see blame
}

func (c *Client) newRun(r safe.SimulationRequest) (run, error) {
	if r.Signatures != nil {
		return run{SimulationRequest: r, exec: safe.Call{To: r.Safe, Data: safe.EncodeExec(r.Tx, r.Signatures)}}, nil
	}
	if len(r.Owners) == 0 {
		return run{}, errors.New("without signatures the owners must be known")
	}
	hash := safe.Hash(safe.Domain{ChainID: c.cfg.ChainID, Safe: r.Safe, Version: r.Version}, r.Tx).SafeTx
	overrides := map[common.Hash]common.Hash{safe.SlotNonce: word(r.Tx.Nonce)}
	confirmations := make([]safe.Confirmation, 0, len(r.Owners))
	for _, owner := range r.Owners {
		overrides[approvalSlot(owner, hash)] = word(1)
		confirmations = append(confirmations, safe.ApprovedHash(owner))
	}
	// More slots than the threshold are harmless: the Safe looks at the first ones only.
	packed, err := safe.Pack(confirmations, len(r.Owners))
	if err != nil {
		return run{}, err
	}
	return run{SimulationRequest: r, exec: safe.Call{To: r.Safe, Data: safe.EncodeExec(r.Tx, packed)}, overrides: overrides}, nil
}

// approvalSlot is where approvedHashes[owner][hash] lives: slot 8 of every version.
func approvalSlot(owner common.Address, hash common.Hash) common.Hash {
	inner := crypto.Keccak256(common.LeftPadBytes(owner[:], 32), common.LeftPadBytes([]byte{8}, 32))
	return crypto.Keccak256Hash(hash[:], inner)
}

func word(n uint64) (w common.Hash) {
	for i := range 8 {
		w[31-i] = byte(n >> (8 * i)) //nolint:gosec // the low byte is meant
	}
	return w
}

// trial is one provider's simulation.
type trial struct {
	ok     bool
	reason string // in words, when not ok
	gas    uint64
	after  []safe.Result
	sweep  *safe.Sweep // nil where it was not asked for or could not be had
	inner  bool        // only the inner calls were run

	honoured bool // overrides were part of the method, see trust
	logged   bool // logs were told, if there are any
	logs     []safe.Log
}

type namedTrial struct {
	provider string
	trial
}

// judge makes one simulation of several. Those who ran the whole transaction are heard; only where there is none, those
// who ran the inner calls.
func judge(trials []namedTrial) safe.Simulation {
	whole := slices.DeleteFunc(slices.Clone(trials), func(t namedTrial) bool { return t.inner })
	if len(whole) > 0 {
		trials = whole
	}
	best := trials[0]
	for _, t := range trials {
		if t.ok != best.ok {
			return contradiction(trials)
		}
		if best.after == nil && t.after != nil {
			best = t
		}
	}
	if !best.ok {
		return safe.Simulation{Provider: best.name(), Error: best.reason}
	}
	s := safe.Simulation{OK: true, Provider: best.name(), GasUsed: medianGas(trials), After: best.after}
	for _, t := range trials {
		s.Sweep = worse(s.Sweep, t.sweep)
		if t.after != nil && resultsKey(t.after) != resultsKey(best.after) {
			s.After = nil
		}
	}
	return s
}

// medianGas is what the transaction uses: in the middle of what is said, the higher of two, so that one provider alone neither
// raises nor lowers it among three.
func medianGas(trials []namedTrial) uint64 {
	var used []uint64
	for _, t := range trials {
		if t.gas > 0 {
			used = append(used, t.gas)
		}
	}
	if len(used) == 0 {
		return 0
	}
	slices.Sort(used)
	return used[len(used)/2]
}

// worse is what two providers found together: one that saw the nonce burn is enough.
func worse(a, b *safe.Sweep) *safe.Sweep {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	certain := a.BurnsAt > 0 && !a.Doubtful || b.BurnsAt > 0 && !b.Doubtful
	return &safe.Sweep{BurnsAt: max(a.BurnsAt, b.BurnsAt), WholeFrom: max(a.WholeFrom, b.WholeFrom), Doubtful: !certain && max(a.BurnsAt, b.BurnsAt) > 0}
}

// contradiction is told with both sides, and is no success.
func contradiction(trials []namedTrial) safe.Simulation {
	var names, told []string
	works := 0
	for _, t := range trials {
		names = append(names, t.provider)
		if t.ok {
			works++
			told = append(told, t.provider+" says that it works")
		} else {
			told = append(told, t.provider+" says that it fails: "+t.reason)
		}
	}
	return safe.Simulation{Provider: strings.Join(names, ", "), Error: "providers contradict each other; " + strings.Join(told, "; "), Works: works, Fails: len(trials) - works}
}

func (t namedTrial) name() string {
	if t.inner {
		return t.provider + innerOnly
	}
	return t.provider
}

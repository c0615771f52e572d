package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"belay/governance"
	"belay/governance/relay"
	"belay/governance/timelock"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// draft asks the chain all that a proposal needs to know: the Safe as it stands, calls, bounds, simulation. Everything but an
// emergency is refused when a reading is missing; an emergency is marked instead. Number and nonces come last, see placed.
func (c *Coordinator) draft(ctx context.Context, w wish) (*drafting, error) {
	guarded := c.cfg.Safes[w.pb.Safe]
	d := &drafting{c: c, wish: w, chain: c.cfg.Chains[guarded.Chain], guarded: guarded}
	d.p = governance.Proposal{
		Kind: w.pb.Kind, Playbook: w.pb.Name, PlaybookHash: w.pb.Hash(), Standing: c.cfg.Manifest.Kept(), Title: w.pb.Title, Subject: w.bound.Subject(), Params: w.bound.Params, Target: w.bound.Target(),
		Reason: w.in.Reason, Proposer: w.in.Member, Wallet: w.in.Wallet, Stated: w.in.stated, CreatedAt: w.now, ExpiresAt: w.now.Add(w.pb.Policy.Expires), Policy: w.pb.Policy,
		Public: w.pb.Public, Undo: w.pb.Undo, Dangers: []governance.DangerView{},
		Transactions: []governance.Transaction{}, Postconditions: []governance.Postcondition{}, Objections: []governance.Opinion{}, Responders: []governance.Opinion{},
	}
	for _, step := range []func(context.Context) error{d.readSafe, d.bind, d.throughTimelock, d.assemble, d.try} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// drafting is a proposal in the making. Its steps run in order; each needs those before.
type drafting struct {
	c       *Coordinator
	wish    wish
	chain   ChainConfig
	guarded SafeConfig

	p     governance.Proposal
	state safe.State
	fees  safe.Fees
	outer []safe.Call       // what the Safe itself calls: the intent, or its schedule
	tx    governance.SafeTx // the same as one transaction, its nonce not chosen yet
	keys  []relay.KeyState  // the relayers; none where they could not be read
}

// readSafe takes the Safe as the providers agree on it. An emergency goes on with one provider's word, and says so.
func (d *drafting) readSafe(ctx context.Context) error {
	state, err := d.agreedSafe(ctx)
	if err != nil && d.p.Kind.Emergency() {
		d.p.Blind = "the providers do not agree on the Safe (" + err.Error() + "); its nonce and owners are one provider's word"
		if state, err = d.chain.Chain.AnySafeState(ctx, d.guarded.Address); err != nil {
			return d.unanswered(err)
		}
		state.Nonce = d.plausible(state.Nonce)
		d.p.Unagreed = true
	}
	if err != nil {
		return noAgreement(d.guarded.Name, err)
	}
	if err := d.verified(state); err != nil {
		return err
	}
	d.state = state
	d.p.Safe = governance.SafeRef{Name: d.guarded.Name, Chain: d.chain.Name, ChainID: d.chain.ChainID, Address: d.guarded.Address, Version: state.Version, Verified: state.Verified, Singleton: state.Singleton}
	d.p.Owners, d.p.Threshold, d.p.SafeNonce, d.p.ReadAt = state.Owners, state.Threshold, state.Nonce, state.Block
	d.p.OpenedAt, d.p.OpenedNonce = state.Block, state.Nonce
	if !d.p.Unagreed {
		d.p.Setup = governance.SetupOf(state)
	}
	return nil
}

// unanswered refuses an emergency of whose Safe nobody says anything. Signers are not left waiting: they are told the way without Belay.
func (d *drafting) unanswered(err error) error {
	if errors.Is(err, safe.ErrNotSafe) {
		return noAgreement(d.guarded.Name, err)
	}
	d.c.cfg.Logger.Warn("no provider answers", "chain", d.chain.Name, "safe", d.guarded.Address.Hex(), "error", err)
	return governance.Refuse(governance.CodeNoAgreement, "do not wait: make the call from the Safe's own app, or from a wallet with an RPC of its own. `/belay check` says what became of each provider",
		"there is no usable answer about the Safe %s (%s) on %s, and so nothing to sign", d.guarded.Name, d.guarded.Address.Hex(), d.chain.Name).Headed("None of the chain's providers answers")
}

// nonceLeap is how far a Safe can have gone since somebody looked.
const nonceLeap = 1000

// plausible takes one provider's word for the Safe's nonce where it is near the last that was agreed on, and that one where it is not.
func (d *drafting) plausible(said uint64) uint64 {
	watched, err := d.c.cfg.Store.Watched()
	if err != nil {
		return said
	}
	last, block := LastSeen(governance.SafeRef{ChainID: d.chain.ChainID, Address: d.guarded.Address}, watched)
	if block == 0 || said >= last && said-last <= nonceLeap {
		return said
	}
	return last
}

// verified refuses to ask for signatures of a Safe whose code nobody published, unless the operator knows it: what its hash
// rule is, and what it does with signatures, is its own word. An emergency goes on, and says so.
func (d *drafting) verified(state safe.State) error {
	if state.Verified != safe.VerifiedByProvider || d.p.Blind != "" {
		return nil
	}
	if !d.p.Kind.Emergency() && !d.guarded.AllowUnverified {
		return governance.Refuse(governance.CodeNotPermitted, "look at the code; if you know it, set allow_unverified: true beside the safe's address",
			"the code of %s at %s is not that of a published Safe release", d.guarded.Name, state.Singleton.Hex())
	}
	d.p.Dangers = append(d.p.Dangers, governance.DangerView{Code: calldata.DangerUnverified,
		Text: fmt.Sprintf("The Safe's code at %s is not that of a published release: that it is a Safe %s is its own word.", state.Singleton.Hex(), state.Version)})
	return nil
}

func (d *drafting) agreedSafe(ctx context.Context) (safe.State, error) {
	head, fees, err := d.chain.Chain.Head(ctx)
	if err != nil {
		return safe.State{}, err
	}
	d.fees = fees
	state, err := d.chain.Chain.StateAt(ctx, head, d.guarded.Address)
	if err == nil {
		d.c.hints.keepSafe(place{d.chain.Name, d.guarded.Address}, state)
	}
	return state, err
}

func noAgreement(what string, err error) *governance.Refusal {
	return governance.Refuse(governance.CodeNoAgreement, "try again; see the providers with `/belay check`", "read %s: %v", what, err)
}

// bind reads what the playbook needs to know and builds its calls within its bounds.
func (d *drafting) bind(ctx context.Context) error {
	var reads []safe.Call
	for _, r := range d.wish.bound.Reads() {
		reads = append(reads, r.Call)
	}
	var readings []safe.Result
	if len(reads) > 0 {
		var err error
		if readings, err = d.chain.Chain.Read(ctx, d.state.Block, reads); err != nil {
			if !d.p.Kind.Emergency() {
				return noAgreement("today's values", err)
			}
			d.blind("today's values could not be read: " + err.Error())
			readings = nil
		}
	}
	if d.p.Kind.Emergency() && d.wish.in.Force {
		readings = nil // whoever forces an emergency does not let a provider's "it is already so" stop it
	}
	built, err := d.wish.bound.Build(readings)
	if err != nil {
		return err
	}
	d.p.Intent, d.p.Expect, d.outer = built.Calls, built.Expect, built.Calls
	d.p.Remarks = built.Notes
	if undo := d.c.cfg.Playbooks[d.p.Undo]; undo != nil {
		d.p.UndoParams = undo.UndoParams(d.wish.bound.Params, built.Before)
	}
	return nil
}

func (d *drafting) blind(why string) {
	if d.p.Blind == "" {
		d.p.Blind = why
	}
}

// throughTimelock wraps the intent into a schedule where the playbook says so, and proves that the Safe may schedule.
func (d *drafting) throughTimelock(ctx context.Context) error {
	if d.wish.pb.Via == governance.Direct {
		return nil
	}
	t := d.c.cfg.Timelocks[d.wish.pb.Via]
	adapter, err := timelock.New(t.Kind, t.Address)
	if err != nil {
		return err
	}
	results, err := d.chain.Chain.Read(ctx, d.state.Block, adapter.Params(timelock.Parties{Safe: d.guarded.Address, Relayer: d.relayer()}))
	if err != nil {
		return noAgreement(t.Name, err)
	}
	limits, err := adapter.DeriveParams(results)
	if err != nil {
		return fmt.Errorf("read timelock %s: %w", t.Name, err)
	}
	if !limits.SafeMayPropose {
		return governance.Refuse(governance.CodeNotPermitted, "grant it the role, or name another safe in the playbook", "%s may not schedule in %s: it lacks PROPOSER_ROLE", d.guarded.Name, t.Name)
	}
	salt := timelock.SaltFor(d.chain.ChainID, t.Address, d.p.Target, d.wish.now)
	plan, err := adapter.Schedule(timelock.Ask{Calls: d.p.Intent, Salt: salt, Delay: limits.MinDelay, ChainTime: d.state.Block.Time})
	if err != nil {
		return fmt.Errorf("schedule in %s: %w", t.Name, err)
	}
	d.outer = []safe.Call{plan.Schedule}
	d.p.Timelock = &governance.Operation{Name: t.Name, Kind: t.Kind, Address: t.Address, ID: plan.ID, Salt: salt, Delay: limits.MinDelay,
		State: governance.OperationUnset, Execute: plan.Execute, AnyoneMay: limits.AnyoneMayExecute || limits.RelayerMayExecute}
	return nil
}

func (d *drafting) relayer() common.Address {
	if d.chain.Relayer == nil {
		return common.Address{}
	}
	return d.chain.Relayer.Address()
}

// assemble makes one SafeTx of the calls: a single call as it is, several through MultiSendCallOnly.
func (d *drafting) assemble(ctx context.Context) error {
	var batch common.Address
	if len(d.outer) > 1 {
		var err error
		if batch, err = d.c.batchLibrary(ctx, d.chain, d.state.Block, d.state.Version); err != nil {
			return governance.Refuse(governance.CodeNotPermitted, "split the playbook into single calls", "several calls need MultiSendCallOnly on %s: %v", d.chain.Name, err)
		}
	}
	tx, err := safe.Batch(d.outer, batch, d.state.Nonce)
	if err != nil {
		return fmt.Errorf("build the SafeTx: %w", err)
	}
	d.tx = governance.SafeTx{Tx: tx}
	return nil
}

// trial is what the chain says of the transaction before anyone signs it; each part may be missing.
type trial struct {
	simulation     safe.Simulation
	gate           uint256.Int   // safeTxGas, where the Safe's version needs one
	before         []safe.Result // what the playbook expects, as it is today
	failed, unread error         // why there is no simulation, or no before
	keys           []relay.KeyState
	relayersUnread error
	codeless       []common.Address // targets without a contract
	codeUnread     error
	recoded        []governance.DangerView
	bindingsUnread error
	watched        []safe.Call
}

// try simulates the whole execTransaction as if signed, and reads in the same breath what the playbook expects, as it is
// today, and the relayers.
func (d *drafting) try(ctx context.Context) error {
	t := d.ask(ctx)
	if d.reduces(t) && d.reduce(ctx) {
		t = d.ask(ctx)
	}
	d.keys, d.tx.Tx.SafeTxGas = t.keys, t.gate
	if err := d.simulated(ctx, t); err != nil {
		return err
	}
	d.burnable(t.simulation.Sweep)
	if err := d.intoNothing(t); err != nil {
		return err
	}
	return d.funded(t)
}

// codeless are the targets at which there is no contract.
func (d *drafting) codeless(ctx context.Context) (list []common.Address, err error) {
	targets := d.book().Targets(d.tx.Tx, batches(d.tx.Tx)...)
	hashes, err := d.chain.Chain.CodeHashes(ctx, d.state.Block, targets...)
	for i, hash := range hashes {
		if hash == (common.Hash{}) {
			list = append(list, targets[i])
		}
	}
	return list, err
}

// intoNothing warns of calls that would succeed without doing anything, and of contracts that are not what they were. Where it cannot be told, an emergency says so.
func (d *drafting) intoNothing(t trial) error {
	unread := cmp.Or(t.codeUnread, t.bindingsUnread)
	if unread != nil && !d.p.Kind.Emergency() {
		return noAgreement("the targets' code", unread)
	}
	if unread != nil {
		d.blind("the code at the targets could not be read: " + unread.Error())
	}
	d.p.Dangers = append(d.p.Dangers, t.recoded...)
	for _, danger := range d.book().IntoNothing(d.tx.Tx, t.codeless, batches(d.tx.Tx)...) {
		d.p.Dangers = append(d.p.Dangers, governance.DangerView{Code: danger.Code, Text: danger.Text})
	}
	return nil
}

func (d *drafting) ask(ctx context.Context) (t trial) {
	if d.p.Timelock == nil {
		for _, e := range d.p.Expect {
			t.watched = append(t.watched, e.Call)
		}
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		t.simulation, t.gate, t.failed = d.simulate(ctx, t.watched)
	})
	asking.Go(func() { t.keys, t.relayersUnread = keysAt(ctx, d.chain, d.state.Block, signersOf(d.chain)...) })
	asking.Go(func() { t.codeless, t.codeUnread = d.codeless(ctx) })
	asking.Go(func() { t.recoded, t.bindingsUnread = d.recoded(ctx) })
	if len(t.watched) > 0 {
		asking.Go(func() { t.before, t.unread = d.chain.Chain.Read(ctx, d.state.Block, t.watched) })
	}
	asking.Wait()
	return t
}

// simulate runs the transaction as if signed and, at a later nonce, as if its turn had come. Before 1.3.0 a failed call costs
// the nonce whatever the signers choose, so that the gas it must be given is signed along; it is taken from a first run.
func (d *drafting) simulate(ctx context.Context, after []safe.Call) (s safe.Simulation, gate uint256.Int, err error) {
	ask := safe.SimulationRequest{At: d.state.Block, From: d.relayer(), Safe: d.guarded.Address, Version: d.state.Version, Tx: d.tx.Tx,
		Owners: d.state.Owners, After: after, Sweep: d.state.Version.KeepsNonceOnFailure(), Effects: true}
	s, err = d.chain.Chain.Simulate(ctx, ask)
	if err != nil || !s.OK || ask.Sweep {
		return s, gate, err
	}
	gate = safe.GasGate(s.GasUsed)
	ask.Tx.SafeTxGas, ask.Sweep = gate, true
	gated, err := d.chain.Chain.Simulate(ctx, ask)
	if err == nil && gated.OK && relay.FitsGas(neededGas(gated, ask.Tx, d.state.Threshold), gasCap(d.chain, d.fees)) {
		return gated, gate, nil
	}
	return s, uint256.Int{}, nil // a gate that nobody could pass would be worse than none
}

// burnable warns of calldata that anyone can use up without effect, by sending it with too little gas.
func (d *drafting) burnable(found *safe.Sweep) {
	if found == nil || found.BurnsAt == 0 {
		return
	}
	if found.Doubtful {
		d.p.Dangers = append(d.p.Dangers, governance.DangerView{Code: calldata.DangerBurnable, Text: fmt.Sprintf(
			"Sent with %d gas this does something else than was simulated, and nothing that was watched shows whether its effect is whole; from %d gas on it is as simulated.",
			found.BurnsAt, found.WholeFrom)})
		return
	}
	gate := safe.GasGate(found.WholeFrom)
	d.p.Dangers = append(d.p.Dangers, governance.DangerView{Code: calldata.DangerBurnable, Text: fmt.Sprintf(
		"Whoever sends this with %d gas uses up its nonce without the whole effect, because a failure inside is swallowed; from %d gas on the effect is whole. "+
			"Spare signatures at the next nonces outlive that. A safeTxGas of %s would prevent it, at the price that a call which fails for another reason uses up the nonce, too.",
		found.BurnsAt, found.WholeFrom, gate.Dec())})
}

// simulated judges the simulation. A revert refuses everything but an emergency that is forced; an emergency that could not be
// simulated goes on with a mark.
func (d *drafting) simulated(ctx context.Context, t trial) error {
	if t.failed != nil {
		if !d.p.Kind.Emergency() {
			return noAgreement("a simulation", t.failed)
		}
		d.blind("it could not be simulated: " + t.failed.Error())
		return nil
	}
	s := t.simulation
	d.effects(t)
	d.besides(ctx, s.Effects)
	s.After, s.Effects = nil, nil
	d.p.Simulation = &s
	switch {
	case s.OK:
		return d.fits(s)
	case s.Contradicted() && !d.p.Kind.Emergency():
		return noAgreement("a simulation", errors.New(s.Error))
	case s.Contradicted(): // one of them lies or lags, and must not hold back a pause
		d.blind("at block " + strconv.FormatUint(s.Block, 10) + " " + s.Error)
		return nil
	}
	if d.p.Kind.Emergency() && d.wish.in.Force {
		d.p.Forced = d.wish.in.Member
		return nil
	}
	hint := "check the target and the values"
	if d.p.Kind.Emergency() {
		hint = "if you must, ask again with force=yes"
	}
	return governance.Refuse(governance.CodeSimulationReverted, hint, "at block %d the transaction reverts: %s", s.Block, s.Error)
}

// effects compares what the chain says now with what it would say afterwards.
func (d *drafting) effects(t trial) {
	d.p.Changes = []governance.Change{}
	if len(t.watched) == 0 {
		return
	}
	if t.unread != nil {
		d.blind("today's values could not be read: " + t.unread.Error())
		return
	}
	already, unmet := true, []string{}
	for i, e := range d.p.Expect {
		now := e.Judge(t.before[i])
		already = already && now.OK
		change := governance.Change{What: e.What(), Before: now.Value}
		if after := t.simulation.After; i < len(after) {
			then := e.Judge(after[i])
			change.After = then.Value
			unmet = append(unmet, lacking(then)...)
		}
		d.p.Changes = append(d.p.Changes, change)
	}
	if already {
		d.p.Dangers = append(d.p.Dangers, governance.DangerView{Code: "already_true", Text: fmt.Sprintf("At block %d the chain already says what this is to achieve.", d.state.Block.Number)})
	}
	if t.simulation.OK && len(unmet) > 0 {
		d.p.Dangers = append(d.p.Dangers, notAchieved(d.state.Block.Number, unmet))
	}
}

// funded refuses a routine proposal that no relayer could send. An emergency goes on: any wallet can send it.
func (d *drafting) funded(t trial) error {
	if d.p.Kind.Emergency() || d.chain.Relayer == nil {
		return nil
	}
	if t.relayersUnread != nil {
		return noAgreement("the relayer", t.relayersUnread)
	}
	for _, key := range t.keys {
		if key.Address == d.relayer() && key.Account.Balance.IsZero() {
			return governance.Refuse(governance.CodeRelayerUnfunded, "send it some gas money", "the relayer %s has no balance on %s", d.relayer().Hex(), d.chain.Name)
		}
	}
	return nil
}

// market is what the draft found out that sending will need; false where something is missing, or where the transaction that is
// to go first has another nonce than was tried.
func (d *drafting) market(t *governance.SafeTx) (market, bool) {
	if t.Tx.Nonce != d.state.Nonce || d.p.Simulation == nil || !d.p.Simulation.OK || len(d.keys) == 0 || d.p.Blind != "" {
		return market{}, false
	}
	return market{head: d.state.Block, fees: d.fees, gas: gasAsSimulated(*d.p.Simulation, t.Tx, d.p.Threshold, gasCap(d.chain, d.fees)), keys: d.keys, at: d.wish.now}, true
}

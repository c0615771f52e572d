package coordinator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"belay/governance"
	"belay/governance/timelock"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// VetoPlaybook cancels an operation that waits in a timelock. Its parameter names the proposal, or the operation's id where it was
// scheduled by others; with several timelocks that is written "core 0x…".
const VetoPlaybook = "veto"

// vetoLife is how long a veto is asked for, unless signatures keep coming in.
const vetoLife = 24 * time.Hour

// proposeVeto asks owners of the timelock's canceller to cancel an operation. It takes the emergency lane: the current nonce, own
// keys, the fewest checks.
func (c *Coordinator) proposeVeto(ctx context.Context, in Intent) (Proposed, error) {
	lock, op, err := c.vetoed(in)
	if err != nil {
		return Proposed{}, err
	}
	d, err := c.draftVeto(ctx, in, lock, op)
	if err != nil {
		return Proposed{}, err
	}
	return c.openOwn(ctx, d, d.placed)
}

// vetoed finds what is to be canceled, and in which timelock.
func (c *Coordinator) vetoed(in Intent) (TimelockConfig, governance.Operation, error) {
	var op governance.Operation
	name, err := only(in, "operation", "P-12, or the id of the operation")
	if err != nil {
		return TimelockConfig{}, op, err
	}
	lock, id, err := c.operationNamed(name)
	if err != nil {
		return lock, op, err
	}
	op = governance.Operation{Name: lock.Name, Kind: lock.Kind, Address: lock.Address, ID: id}
	if lock.Canceller == "" {
		return lock, op, governance.Refuse(governance.CodeNotPermitted, "name the Safe that may cancel as canceller of the timelock", "no Safe is known that could veto in %s", lock.Name)
	}
	return lock, op, c.permit(in, &governance.Playbook{Name: "a veto in " + lock.Name, Policy: governance.Policy{Propose: c.alarmRoles()}})
}

// operationNamed reads "P-12", "0x…" or "core 0x…".
func (c *Coordinator) operationNamed(name string) (TimelockConfig, common.Hash, error) {
	words := strings.Fields(name)
	id := words[len(words)-1]
	if !strings.HasPrefix(id, "0x") {
		return c.operationOf(id)
	}
	raw, err := hexutil.Decode(id)
	if err != nil || len(raw) != common.HashLength {
		return TimelockConfig{}, common.Hash{}, governance.Refuse(governance.CodeBadValue, "an id has 64 hex digits after 0x; see `/belay timelocks`", "%q is no id of an operation", id)
	}
	names := slices.Sorted(maps.Keys(c.cfg.Timelocks))
	if len(words) == 2 {
		names = slices.DeleteFunc(names, func(n string) bool { return n != words[0] })
	}
	if len(names) != 1 {
		return TimelockConfig{}, common.Hash{}, governance.Refuse(governance.CodeBadValue, "write the timelock's name before the id", "%q does not say in which timelock: there are %d that fit", name, len(names))
	}
	return c.cfg.Timelocks[names[0]], common.Hash(raw), nil
}

// operationOf is the operation of a proposal that waits in a timelock.
func (c *Coordinator) operationOf(id string) (lock TimelockConfig, op common.Hash, err error) {
	p, err := c.load(id)
	if err != nil {
		return lock, op, err
	}
	if p.Timelock == nil || p.State != governance.StateQueued && p.State != governance.StateReady {
		return lock, op, governance.Refuse(governance.CodeNotOpen, "see what waits with `/belay timelocks`", "%s is %s and waits in no timelock", p.ID, p.State)
	}
	lock, known := c.cfg.Timelocks[p.Timelock.Name]
	if !known {
		return lock, op, governance.Refuse(governance.CodeNotOpen, "cancel it in the Safe's own app", "the timelock %s is not configured any more", p.Timelock.Name)
	}
	return lock, p.Timelock.ID, nil
}

// alarmRoles are the roles that may ask for a veto: those that may ask for a pause, or for anything where there is no pause.
func (c *Coordinator) alarmRoles() []string {
	var alarm, all []string
	for _, pb := range c.cfg.Playbooks {
		all = append(all, pb.Policy.Propose...)
		if pb.Kind.Emergency() {
			alarm = append(alarm, pb.Policy.Propose...)
		}
	}
	if len(alarm) == 0 {
		alarm = all
	}
	slices.Sort(alarm)
	return slices.Compact(alarm)
}

func (c *Coordinator) draftVeto(ctx context.Context, in Intent, lock TimelockConfig, op governance.Operation) (*drafting, error) {
	adapter, err := timelock.New(lock.Kind, lock.Address)
	if err != nil {
		return nil, err
	}
	cancel, err := adapter.Cancel(op)
	if err != nil {
		return nil, fmt.Errorf("veto in %s: %w", lock.Name, err)
	}
	d := c.ownDraft(in, c.cfg.Safes[lock.Canceller], governance.Proposal{
		Kind: governance.KindCancel, Playbook: VetoPlaybook, Title: "Veto an operation in the timelock " + lock.Name, Subject: c.vetoSubject(op),
		Params: map[string]string{"operation": lock.Name + " " + op.ID.Hex()}, Target: VetoPlaybook + " " + lock.Name + " " + op.ID.Hex(),
		Policy: governance.Policy{Propose: c.alarmRoles(), Expires: vetoLife, Visibility: governance.VisibleAfterExecution, Spares: 1},
		Intent: []safe.Call{cancel}, Expect: []governance.Expectation{adapter.Gone(op)},
	})
	d.outer = d.p.Intent
	for _, step := range []func(context.Context) error{d.readSafe, d.assemble, d.try} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// vetoSubject names what is vetoed as people know it: by the proposal where there is one.
func (c *Coordinator) vetoSubject(op governance.Operation) string {
	watched, err := c.cfg.Store.Watched()
	if err != nil {
		return op.ID.Hex()
	}
	for _, p := range watched {
		if p.Timelock != nil && p.Timelock.ID == op.ID && p.Timelock.Address == op.Address {
			return p.ID
		}
	}
	return op.ID.Hex()
}

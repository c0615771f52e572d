package coordinator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belay/governance"
)

// own are the playbooks that are Belay's own: what they do follows from what is on the table, so that nobody has to write them down.
var own = []string{VoidPlaybook, VetoPlaybook, RebuildPlaybook}

// IsOwn reports whether a playbook is Belay's own, which no configuration names.
func IsOwn(playbook string) bool { return slices.Contains(own, playbook) }

// only reads the one parameter of an own playbook.
func only(in Intent, name, example string) (string, error) {
	for given := range in.Params {
		if given != name {
			return "", governance.Refuse(governance.CodeUnknownParam, "it takes "+name+" alone", "%s has no parameter %q", in.Playbook, given)
		}
	}
	value := strings.TrimSpace(in.Params[name])
	if value == "" {
		return "", governance.Refuse(governance.CodeMissingParam, "name it: "+name+"="+example, "%s of what?", in.Playbook)
	}
	return value, nil
}

// ownDraft begins a proposal of an own playbook.
func (c *Coordinator) ownDraft(in Intent, guarded SafeConfig, p governance.Proposal) *drafting {
	now := time.Now().UTC()
	p.Reason, p.Proposer, p.Wallet, p.Stated, p.CreatedAt, p.ExpiresAt = in.Reason, in.Member, in.Wallet, in.stated, now, now.Add(p.Policy.Expires)
	p.Standing = c.cfg.Manifest.Kept()
	p.Dangers, p.Transactions, p.Postconditions, p.Changes = []governance.DangerView{}, []governance.Transaction{}, []governance.Postcondition{}, []governance.Change{}
	p.Objections, p.Responders = []governance.Opinion{}, []governance.Opinion{}
	return &drafting{c: c, wish: wish{in: in, now: now}, chain: c.cfg.Chains[guarded.Chain], guarded: guarded, p: p}
}

// openOwn commits a proposal of an own playbook, or joins the one that is open for the same.
func (c *Coordinator) openOwn(ctx context.Context, d *drafting, place placing) (Proposed, error) {
	c.proposing.Lock()
	defer c.proposing.Unlock()
	others, err := c.unended()
	if err != nil {
		return Proposed{}, fmt.Errorf("read open proposals: %w", err)
	}
	for i := range others {
		if others[i].Target == d.p.Target && others[i].Effect() == nil {
			return c.join(ctx, d.wish.in, &others[i], nil)
		}
	}
	if err := c.vouched(d.p.Kind, d.p.Playbook); err != nil {
		return Proposed{}, err
	}
	if err := uncrowded(d.wish.in, d.p.Kind, others); err != nil {
		return Proposed{}, err
	}
	p, err := c.open(ctx, place, others)
	if err != nil {
		return Proposed{}, err
	}
	nudge(c.headsDue[p.Safe.Chain])
	view, err := c.look(p, warRoom)
	return Proposed{View: view}, err
}

package coordinator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"belay/governance"
)

// Propose opens a proposal, or joins the one that is open with the same intent. When it returns without error the proposal
// is durable. The chain is asked outside every lock, so that an emergency waits for nobody's readings but its own.
func (c *Coordinator) Propose(ctx context.Context, in Intent) (Proposed, error) {
	switch in.Playbook {
	case VoidPlaybook:
		return c.proposeVoid(ctx, in)
	case VetoPlaybook:
		return c.proposeVeto(ctx, in)
	case RebuildPlaybook:
		return c.proposeAgain(ctx, in)
	}
	w, err := c.prepared(in)
	if err != nil {
		return Proposed{}, err
	}
	same, others, err := c.sameIntent(w)
	if err != nil || same != nil {
		return c.join(ctx, in, same, err)
	}
	if err := uncrowded(in, w.pb.Kind, others); err != nil {
		return Proposed{}, err
	}
	if err := c.mayOpen(w); err != nil {
		return Proposed{}, err
	}
	d, err := c.draft(ctx, w)
	if err != nil {
		return Proposed{}, err
	}
	c.proposing.Lock()
	defer c.proposing.Unlock()
	if same, others, err = c.sameIntent(w); err != nil || same != nil {
		return c.join(ctx, in, same, err)
	}
	if err := uncrowded(in, w.pb.Kind, others); err != nil {
		return Proposed{}, err
	}
	p, err := c.open(ctx, d.placed, others)
	if err != nil {
		return Proposed{}, err
	}
	if t := p.Active(); t != nil {
		if m, ok := d.market(t); ok {
			c.hints.keepMarket(submissionID(p.ID, t.Purpose, t.Hashes.SafeTx), m)
		}
	}
	nudge(c.headsDue[p.Safe.Chain])
	view, err := c.look(p, warRoom)
	return Proposed{View: view}, err
}

// Preview drafts without storing: what Propose would show, with its refusals.
func (c *Coordinator) Preview(ctx context.Context, in Intent) (governance.View, error) {
	w, err := c.prepared(in)
	if err != nil {
		return governance.View{}, err
	}
	if err := c.mayOpen(w); err != nil {
		return governance.View{}, err
	}
	d, err := c.draft(ctx, w)
	if err != nil {
		return governance.View{}, err
	}
	others, err := c.unended()
	if err != nil {
		return governance.View{}, fmt.Errorf("read open proposals: %w", err)
	}
	draft := d.placed("", others)
	p := replay(governance.Proposal{}, []governance.Event{{Type: governance.EventProposed, At: w.now, Draft: &draft}})
	view, _ := governance.NewView(p, c.plainFacts(p), warRoom)
	return view, nil
}

// wish is an intent that was understood: who asks for which playbook with which values.
type wish struct {
	in    Intent
	pb    *governance.Playbook
	bound *governance.Bound
	now   time.Time
}

func (c *Coordinator) prepared(in Intent) (wish, error) {
	pb, ok := c.cfg.Playbooks[in.Playbook]
	if !ok {
		return wish{}, governance.Refuse(governance.CodeUnknownPlaybook, "see them with `/belay help`", "there is no playbook %q", in.Playbook)
	}
	if err := c.permit(in, pb); err != nil {
		return wish{}, err
	}
	if _, known := c.people.byName[in.Member]; len(pb.Policy.Approve) > 0 && !known {
		return wish{}, governance.Refuse(governance.CodeNotPermitted, "ask an operator to add you to `members`",
			"%s has to be approved by somebody else than its proposer, and %s is known by a role in chat alone", pb.Name, in.Member)
	}
	if in.Reason == "" && !pb.Kind.Emergency() {
		return wish{}, governance.Refuse(governance.CodeMissingParam, "add a reason in quotes", "a %s needs a reason", pb.Kind)
	}
	bound, err := pb.Bind(in.Params)
	if err != nil {
		return wish{}, err
	}
	return wish{in: in, pb: pb, bound: bound, now: time.Now().UTC()}, nil
}

// sameIntent finds an open proposal of the same playbook, unchanged since, with the same values. One that took effect already is not
// joined: whoever asks again wants it to happen again. It gives all that are open, too.
func (c *Coordinator) sameIntent(w wish) (same *governance.Proposal, open []governance.Proposal, err error) {
	open, err = c.unended()
	if err != nil {
		return nil, nil, fmt.Errorf("read open proposals: %w", err)
	}
	for i := range open {
		if w.in.Force && reduced(open[i]) {
			continue // the whole is wanted, and that is a part
		}
		if open[i].Target == w.bound.Target() && open[i].PlaybookHash == w.pb.Hash() && open[i].Effect() == nil {
			return &open[i], open, nil
		}
	}
	return nil, open, nil
}

// join records that one more asks for what is open, and shows that.
func (c *Coordinator) join(ctx context.Context, in Intent, open *governance.Proposal, err error) (Proposed, error) {
	if err != nil {
		return Proposed{}, err
	}
	joined, err := c.change(ctx, open.ID, governance.Join{Member: in.Member, Reason: in.Reason})
	if err != nil {
		return Proposed{}, recorded(err)
	}
	view, err := c.look(joined, warRoom)
	return Proposed{View: view, Joined: true}, err
}

// placing gives a draft its number, its SafeTxs and its words among what is open.
type placing func(id string, others []governance.Proposal) governance.Proposal

// open commits a new proposal. The caller holds c.proposing.
func (c *Coordinator) open(ctx context.Context, place placing, others []governance.Proposal) (governance.Proposal, error) {
	last, err := c.cfg.Store.LastNumber()
	if err != nil {
		return governance.Proposal{}, fmt.Errorf("number the proposal: %w", err)
	}
	draft := place("P-"+strconv.FormatUint(last+1, 10), others)
	p, err := c.decideAndCommit(ctx, governance.Proposal{ID: draft.ID}, []step{just(governance.Propose{Draft: draft})})
	return p, recorded(err)
}

// longestLife bounds how long ago a proposal that just ended can have been made: the longest expiry and a long timelock.
const longestLife = 180 * 24 * time.Hour

// coolingDown refuses a playbook that ran on the same target too recently. Emergencies are never refused for it.
func (c *Coordinator) coolingDown(w wish) error {
	if w.pb.Kind.Emergency() || w.pb.Policy.Cooldown == 0 {
		return nil
	}
	for before := ""; ; {
		page, err := c.cfg.Store.Proposals(before, pageSize)
		if err != nil {
			return fmt.Errorf("read past proposals: %w", err)
		}
		for _, p := range page {
			until := p.EndedAt.Add(w.pb.Policy.Cooldown)
			if p.State == governance.StateExecuted && p.Target == w.bound.Target() && w.now.Before(until) {
				return governance.Refuse(governance.CodeCoolingDown, "wait until then", "%s ran as %s; the next is possible at %s", w.pb.Name, p.ID, until.Format(time.RFC3339))
			}
		}
		if len(page) < pageSize || w.now.Sub(page[len(page)-1].CreatedAt) > longestLife+w.pb.Policy.Cooldown {
			return nil
		}
		before = page[len(page)-1].ID
	}
}

func isRefusal(err error) bool {
	var r *governance.Refusal
	return errors.As(err, &r)
}

// notFound is the answer to an id that does not exist or may not be seen: the same in both cases.
func notFound(id string) *governance.Refusal {
	return governance.Refuse(governance.CodeNotFound, "list what is open with `/belay status`", "%s", fmt.Sprintf("there is no proposal %q that you may see", id))
}

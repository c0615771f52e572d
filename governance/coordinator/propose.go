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
// is durable.
func (c *Coordinator) Propose(ctx context.Context, in Intent) (Proposed, error) {
	w, err := c.prepare(ctx, in)
	if err != nil {
		return Proposed{}, err
	}
	c.proposing.Lock()
	defer c.proposing.Unlock()
	if open, err := c.sameIntent(w); err != nil || open != nil {
		return c.join(open, err)
	}
	p, err := c.open(ctx, w)
	if err != nil {
		return Proposed{}, err
	}
	view, err := c.look(p, warRoom)
	return Proposed{View: view}, err
}

// Preview drafts without storing: what Propose would show, with its refusals.
func (c *Coordinator) Preview(ctx context.Context, in Intent) (governance.View, error) {
	w, err := c.prepare(ctx, in)
	if err != nil {
		return governance.View{}, err
	}
	others, err := c.unended()
	if err != nil {
		return governance.View{}, err
	}
	draft, err := c.draft(ctx, w, "", others)
	if err != nil {
		return governance.View{}, err
	}
	view, _ := governance.NewView(replay(governance.Proposal{}, []governance.Event{{Type: governance.EventProposed, At: w.now, Draft: &draft}}), c.plainFacts(draft), warRoom)
	return view, nil
}

// wish is an intent that was understood: who asks for which playbook with which values.
type wish struct {
	in    Intent
	pb    *governance.Playbook
	bound *governance.Bound
	now   time.Time
}

func (c *Coordinator) prepare(_ context.Context, in Intent) (wish, error) {
	pb, ok := c.cfg.Playbooks[in.Playbook]
	if !ok {
		return wish{}, governance.Refuse(governance.CodeUnknownPlaybook, "see them with `/belay help`", "there is no playbook %q", in.Playbook)
	}
	if err := c.permit(in, pb); err != nil {
		return wish{}, err
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

// sameIntent finds an open proposal of the same playbook with the same values. One that took effect already is not joined: whoever
// asks again wants it to happen again.
func (c *Coordinator) sameIntent(w wish) (*governance.Proposal, error) {
	open, err := c.unended()
	if err != nil {
		return nil, err
	}
	for _, p := range open {
		if p.Target == w.bound.Target() && p.Effect() == nil {
			return &p, nil
		}
	}
	return nil, nil
}

func (c *Coordinator) join(open *governance.Proposal, err error) (Proposed, error) {
	if err != nil {
		return Proposed{}, err
	}
	view, err := c.look(*open, warRoom)
	return Proposed{View: view, Joined: true}, err
}

// open drafts and commits a new proposal. The caller holds c.proposing.
func (c *Coordinator) open(ctx context.Context, w wish) (governance.Proposal, error) {
	if err := c.coolingDown(w); err != nil {
		return governance.Proposal{}, err
	}
	last, err := c.cfg.Store.LastNumber()
	if err != nil {
		return governance.Proposal{}, err
	}
	others, err := c.unended()
	if err != nil {
		return governance.Proposal{}, err
	}
	draft, err := c.draft(ctx, w, "P-"+strconv.FormatUint(last+1, 10), others)
	if err != nil {
		return governance.Proposal{}, err
	}
	p, err := c.decideAndCommit(ctx, governance.Proposal{ID: draft.ID}, governance.Propose{Draft: draft})
	if err != nil && !isRefusal(err) {
		c.cfg.Logger.Error("propose", "playbook", w.pb.Name, "error", err)
		return p, governance.Refuse(governance.CodeNotRecorded, "try again, or send the transaction from your own wallet", "the store could not commit the proposal")
	}
	return p, err
}

// coolingDown refuses a playbook that ran on the same target too recently. Emergencies are never refused for it.
func (c *Coordinator) coolingDown(w wish) error {
	if w.pb.Kind.Emergency() || w.pb.Policy.Cooldown == 0 {
		return nil
	}
	before := ""
	for {
		page, err := c.cfg.Store.Proposals(before, pageSize)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			until := p.EndedAt.Add(w.pb.Policy.Cooldown)
			if p.State == governance.StateExecuted && p.Target == w.bound.Target() && w.now.Before(until) {
				return governance.Refuse(governance.CodeCoolingDown, "wait until then", "%s ran as %s; the next is possible at %s", w.pb.Name, p.ID, until.Format(time.RFC3339))
			}
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

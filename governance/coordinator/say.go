package coordinator

import (
	"context"

	"belay/governance"
)

// Object records that a member is against it. It is a note: it never counts, and it stops no emergency.
func (c *Coordinator) Object(ctx context.Context, proposal, member, text string) (governance.View, error) {
	return c.say(ctx, proposal, governance.Speak{Opinion: governance.Opinion{Member: member, What: "object", Text: text}})
}

// Respond records "onit" or "cant".
func (c *Coordinator) Respond(ctx context.Context, proposal, member, what string) (governance.View, error) {
	return c.say(ctx, proposal, governance.Speak{Opinion: governance.Opinion{Member: member, What: what}})
}

// Withdraw takes our proposal down; see governance for who may.
func (c *Coordinator) Withdraw(ctx context.Context, proposal, member string) (governance.View, error) {
	return c.say(ctx, proposal, governance.Withdraw{Member: member})
}

// Extend asks for longer.
func (c *Coordinator) Extend(ctx context.Context, proposal, member string) (governance.View, error) {
	return c.say(ctx, proposal, governance.Extend{Member: member})
}

// Disclose makes a proposal public.
func (c *Coordinator) Disclose(ctx context.Context, proposal, member string) (governance.View, error) {
	return c.say(ctx, proposal, governance.Disclose{Member: member})
}

// Release sends what waits for a word.
func (c *Coordinator) Release(ctx context.Context, proposal, member string) (governance.View, error) {
	return c.say(ctx, proposal, governance.Release{Member: member})
}

func (c *Coordinator) say(ctx context.Context, proposal string, in governance.Input) (governance.View, error) {
	p, err := c.load(proposal)
	if err != nil {
		return governance.View{}, err
	}
	after, err := c.change(ctx, p.ID, in)
	if err != nil {
		return governance.View{}, recorded(err)
	}
	return c.look(after, warRoom)
}

package coordinator

import (
	"context"
	"time"

	"belay/governance"
)

// discretion is how long an emergency stays with the private endpoints where no block comes: a slot of Ethereum and a little more.
const discretion = 15 * time.Second

// spread sends signed bytes to where they belong now: to the private endpoints alone while that is wanted and one of them takes them, else
// to everyone.
func (c *Coordinator) spread(ctx context.Context, chain ChainConfig, s governance.Submission, raw []byte) error {
	if c.staysPrivate(chain, s, time.Now()) {
		err := chain.Chain.BroadcastPrivately(ctx, raw)
		if err == nil {
			c.hints.keepDiscreet(s.ID, c.hints.head(chain.Name).Number)
			return nil
		}
		c.cfg.Logger.Warn("no private endpoint takes the transaction, so that it goes out in public", "proposal_id", s.Proposal, "error", err)
	}
	c.hints.dropDiscreet(s.ID)
	return chain.Chain.Broadcast(ctx, raw)
}

// staysPrivate reports whether no block has come since a submission was first signed with its nonce. An emergency does not wait longer
// than discretion for one: neither a chain that stands still nor providers that do not agree may keep it from the public pools.
func (c *Coordinator) staysPrivate(chain ChainConfig, s governance.Submission, now time.Time) bool {
	head := c.hints.head(chain.Name).Number
	if !chain.PrivateFirst || len(s.Attempts) == 0 || head > c.confidedSince(s, head) {
		return false
	}
	waited := now.Sub(s.CreatedAt)
	return !s.Emergency || waited >= 0 && waited < discretion
}

// confidedSince is the head at which a submission first went to the private endpoints, which for one that was sent to nobody is now. After
// a restart it is the head at which it was signed.
func (c *Coordinator) confidedSince(s governance.Submission, head uint64) uint64 {
	if block, known := c.hints.discreetSince(s.ID); known {
		return block
	}
	if s.State == governance.SubmissionSigned {
		return head
	}
	return s.Attempts[0].Block
}

// discretionEnds reports whether a submission has only been seen by private endpoints, and should go to everyone now.
func (c *Coordinator) discretionEnds(chain ChainConfig, s governance.Submission) bool {
	_, confided := c.hints.discreetSince(s.ID)
	return confided && !c.staysPrivate(chain, s, time.Now())
}

// keepDiscreet remembers the first head alone.
func (h *hints) keepDiscreet(submission string, head uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.discreet[submission]; !known {
		h.discreet[submission] = head
	}
}

func (h *hints) dropDiscreet(submission string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.discreet, submission)
}

func (h *hints) discreetSince(submission string) (head uint64, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	head, known = h.discreet[submission]
	return head, known
}

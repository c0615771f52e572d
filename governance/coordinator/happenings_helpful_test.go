package coordinator

import (
	"fmt"
	"slices"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// Dice alone seldom bring a proposal far. Here people want something together, so that stories get to where it becomes dangerous.

// calm is a while in which nothing breaks and blocks come. Nobody stands still for as long between two steps.
func (s *simulation) calm() string {
	if s.nested {
		return "not now"
	}
	s.recover()
	n := 2 + s.dice.IntN(5)
	for range n {
		if s.life.dead {
			break
		}
		s.round()
		s.pass(12 * time.Second)
		s.chain.mine()
	}
	return fmt.Sprintf("%d blocks", n)
}

// helps has people do what a proposal waits for.
func (s *simulation) helps() string {
	p, ok := s.anyProposal()
	if !ok {
		return "nothing waits"
	}
	switch {
	case len(p.Unapproved()) > 0 && p.State == governance.StateProposed:
		return s.helped(p, governance.ActionApprove, "alice", "bob", "carol", "dave")
	case len(p.Against()) > 0 && s.dice.IntN(2) == 0:
		return s.helped(p, governance.ActionLift, s.names(p.Against()...)...)
	case p.State == governance.StateApproved && p.Policy.Execute.Manual:
		return p.ID + " is released: " + outcome(s.obey(s.ctx, said{Do: "release", Proposal: p.ID, Member: "alice"}))
	case p.State == governance.StateQueued && s.dice.IntN(2) == 0:
		return s.vetoes(p)
	case p.State == governance.StateQueued:
		return s.window()
	}
	return s.everyone(p)
}

// everyone has the owners sign what is asked for, as many as must.
func (s *simulation) everyone(p governance.Proposal) string {
	var told []string
	for _, name := range s.names(p.Owners...)[:min(p.Threshold, len(p.Owners))] {
		for _, t := range p.SafeTxs {
			if t.Open() && !s.life.dead {
				told = append(told, s.posts(p, name, t.Hashes.SafeTx, t.Hashes.SafeTx))
			}
		}
	}
	return fmt.Sprintf("%s: %d signatures", p.ID, len(told))
}

// vetoes asks for the veto of what is queued, and has it signed.
func (s *simulation) vetoes(p governance.Proposal) string {
	if !free(&s.c.proposing) {
		return "waits"
	}
	made, err := s.c.Propose(s.ctx, Intent{Playbook: VetoPlaybook, Params: map[string]string{"operation": p.ID}, Member: "alice"})
	s.answered(err)
	if err != nil || s.life.dead {
		return outcome(err)
	}
	s.ledger.proposals[made.View.ID] = VetoPlaybook
	return "veto " + s.everyone(s.stored(made.View.ID))
}

// blocks has owners object with their wallets, as many as are enough that the others cannot sign.
func (s *simulation) blocks() string {
	p, ok := s.anyProposal()
	if !ok {
		return "nothing"
	}
	names := s.names(p.Owners...)
	slices.Reverse(names)
	return s.helped(p, governance.ActionObject, names[:min(len(names), len(p.Owners)-p.Threshold+1)]...)
}

// helped has people say the same with their wallets.
func (s *simulation) helped(p governance.Proposal, action governance.Action, names ...string) string {
	told := string(action) + " " + p.ID
	for _, name := range names {
		if s.life.dead {
			break
		}
		u := s.utterance(p, name, action, "")
		_, err := s.c.State(s.ctx, u.Said)
		if err == nil && !s.life.dead {
			s.ledger.stated = append(s.ledger.stated, u)
		}
		s.markStated(u, u.Said, "says", err)
		s.answered(err)
		told += fmt.Sprintf(", %s: %s", name, outcome(err))
	}
	return told
}

// names are the people who have these wallets, in a fixed order.
func (s *simulation) names(list ...common.Address) (names []string) {
	for _, name := range []string{"alice", "bob", "carol", "dora", "dave"} {
		if slices.Contains(list, addressOf(wallets[name])) {
			names = append(names, name)
		}
	}
	return names
}

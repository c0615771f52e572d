package coordinator

import (
	"crypto/ecdsa"
	"maps"
	"slices"
	"time"

	"belay/governance"
)

// spoken has a wallet say something, and insists on just this statement until it is acknowledged or its effect is seen.
func (i *incident) spoken(key *ecdsa.PrivateKey, id string, action governance.Action, done func(governance.Proposal) bool) {
	i.t.Helper()
	i.pass(2 * time.Second) // what a wallet says later is newer
	i.again()
	data, err := i.c.StatementData(i.t.Context(), id, action, "")
	if err != nil {
		i.t.Fatal(err)
	}
	sig, at := i.wallet(key, data)
	i.concedes(string(action), func() error {
		_, err := i.c.State(i.t.Context(), Said{Proposal: id, Action: action, At: at, Signature: sig})
		return err
	}, func() bool { return done(i.stored(id)) })
}

// wishes proposes with a wallet: one statement, sent until it is acknowledged.
func (i *incident) wishes(key *ecdsa.PrivateKey, in Intent) (id string) {
	i.t.Helper()
	in.Reason = "drill"
	data, err := i.c.IntentData(i.t.Context(), in)
	if err != nil {
		i.t.Fatal(err)
	}
	sig, at := i.wallet(key, data)
	i.insist("the signed intent", func() error {
		p, err := i.c.ProposeSigned(i.t.Context(), in, at, sig)
		id = p.View.ID
		return err
	})
	return id
}

// calmly mines until something is true. No window opens meanwhile.
func (i *incident) calmly(what string, is func() bool) {
	i.t.Helper()
	for n := 0; !is(); n++ {
		if n > 40 {
			i.t.Fatalf("never: %s", what)
		}
		for range 2 {
			i.pass(6 * time.Second)
			i.again()
		}
		i.chain.mine()
	}
}

func against(n int) func(governance.Proposal) bool {
	return func(p governance.Proposal) bool { return len(p.Against()) == n }
}

// walletStories are those of statements, of the veto, and of a configuration that changes.
var walletStories = []story{
	{"what wallets say", func(i *incident) {
		ltv := map[string]string{"asset": "usdc", "ltv": "4000"}
		alarm := i.wishes(alice, Intent{Playbook: "pause", Params: map[string]string{"asset": "weth"}})
		i.signed(alarm, alice)
		i.spoken(bob, alarm, governance.ActionObject, against(1))
		i.spoken(carol, alarm, governance.ActionObject, in(governance.StateCanceled))
		i.comes(alarm, "two of three owners ended it", in(governance.StateCanceled))
		void := i.opens(Intent{Playbook: VoidPlaybook, Params: map[string]string{"proposal": alarm}})
		i.signed(void, alice, bob)
		i.executed(void)
		id := i.wishes(bob, Intent{Playbook: "approved-ltv", Params: ltv})
		i.spoken(carol, id, governance.ActionApprove, func(p governance.Proposal) bool { return len(p.Approvals) == 1 })
		i.spoken(carol, id, governance.ActionObject, against(1))
		i.signed(id, alice, bob)
		i.comes(id, "it is held back", func(governance.Proposal) bool { return i.heldFor(id, "carol objects")() })
		i.spoken(carol, id, governance.ActionLift, against(0))
		i.executed(id, "ltv 4000")
		other := i.wishes(alice, Intent{Playbook: "manual-ltv", Params: ltv})
		i.spoken(alice, other, governance.ActionWithdraw, in(governance.StateCanceled))
		i.settled(4, 2)
		if p := i.stored(id); len(p.Objections) != 1 || p.Objections[0].What != "lift" || len(p.Approvals) != 1 {
			i.t.Errorf("said was %+v, approved %+v", p.Objections, p.Approvals)
		}
	}, slices.Concat(always, proven, []string{"objected", "objected, withdrawn", "endorsed", "lifted", "withdrawn", "submission held", "nonce_used", "final, executed"})},
	{"a veto", func(i *incident) {
		id := i.opens(Intent{Playbook: "slow-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		i.signed(id, alice, bob)
		i.calmly("it is queued", func() bool { return i.stored(id).State == governance.StateQueued })
		veto := i.opens(Intent{Playbook: VetoPlaybook, Params: map[string]string{"operation": id}})
		i.signed(veto, alice, bob)
		i.calmly("it is vetoed", func() bool {
			return in(governance.StateCanceled)(i.stored(id)) && in(governance.StateExecuted)(i.stored(veto))
		})
		i.settled(2, 2)
		if deeds := i.chain.deeds(); len(deeds) != 0 {
			i.t.Errorf("the market felt %q", deeds)
		}
	}, slices.Concat(always, proven, []string{"scheduled", "window", "canceled"})},
	{"a playbook that a reload takes away and another brings back", func(i *incident) {
		id := i.opens(Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		all := i.base.Playbooks
		i.reloads(func(c *Config) {
			c.Playbooks = maps.Clone(all)
			delete(c.Playbooks, "set-ltv")
		})
		i.signed(id, alice, bob)
		i.comes(id, "it is held back", func(governance.Proposal) bool { return i.heldFor(id, "is not configured any more")() })
		if deeds := i.chain.deeds(); len(deeds) != 0 {
			i.t.Errorf("the market felt %q", deeds)
		}
		i.reloads(func(c *Config) { c.Playbooks = all })
		i.executed(id, "ltv 4000")
		i.settled(1, 1)
	}, slices.Concat(always, proven, []string{"submission held"})},
}

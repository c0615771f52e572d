package coordinator

import (
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// standing is a configuration that takes signatures and has as many.
func standing(require int, members ...string) governance.Vouched {
	v := governance.Vouched{Manifest: common.Hash{1}, Require: require}
	for _, m := range members {
		v.Signed = append(v.Signed, governance.Vouch{Manifest: v.Manifest, Member: m, At: time.Unix(1_700_000_000, 0)})
	}
	return v
}

// strange is a configuration that met its own rule by signatures of which too few are by wallets of the last accepted set.
func strange(require, asked, known int, members ...string) governance.Vouched {
	v := standing(require, members...)
	v.Asked, v.Known = asked, known
	return v
}

// TestAnUnsignedConfigurationServesNoEmergency: where it takes signatures, a pause cannot even be looked at before members gave them.
// What is no emergency needs nothing more than before, and says how the configuration stands.
func TestAnUnsignedConfigurationServesNoEmergency(t *testing.T) {
	pause := Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "alice", Reason: "drill"}
	for name, c := range map[string]struct {
		manifest governance.Vouched
		refused  bool
		note     string
	}{
		"nobody signed, and nobody has to": {standing(0), false, "is unsigned"},
		"one signed, and nobody has to":    {standing(0, "alice"), false, ""},
		"nobody signed":                    {standing(1), true, "signed by 0 of the 1 member that"},
		"too few signed":                   {standing(2, "alice"), true, "signed by 1 of the 2 members"},
		"enough signed":                    {standing(2, "alice", "bob"), false, ""},
		"enough signed, by new wallets":    {strange(2, 2, 1, "alice", "bob"), true, "signed by 1 of the 2 members that it takes by the last accepted set"},
		"the rule was taken out":           {strange(0, 2, 0), true, "signed by 0 of the 2 members that it takes by the last accepted set"},
		"enough signed, by known wallets":  {strange(1, 2, 2, "alice", "bob"), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.cfg.Manifest = c.manifest
				r.start()
				_, err := r.c.Preview(t.Context(), pause)
				if c.refused {
					refused(t, err, governance.CodeNotPermitted, "the configuration 0x01", "nobody vouches for pause")
					_, err = r.c.Propose(t.Context(), pause)
					refused(t, err, governance.CodeNotPermitted, "the configuration 0x01", "belay config sign")
				} else if err != nil {
					t.Errorf("a preview: %v", err)
				} else if v := r.pause("usdc"); c.note != "" && !noted(v, c.note) || c.note == "" && len(v.Notes) > 0 {
					t.Errorf("the pause's card says %q, want %q", v.Notes, c.note)
				}
				v := r.setLtv("7000")
				if c.note != "" && !noted(v, c.note) || v.Manifest == nil || v.Manifest.Hash != c.manifest.Manifest.Hex() || len(v.Manifest.SignedBy) != len(c.manifest.Signed) {
					t.Errorf("a routine card says %q with %+v, want %q", v.Notes, v.Manifest, c.note)
				}
			})
		})
	}
}

// TestAnOpenEmergencyOutlivesItsConfiguration: it was proposed under a signed set, and goes on being joined, signed and sent under one
// that only wallets signed which nobody knew before.
func TestAnOpenEmergencyOutlivesItsConfiguration(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.cfg.Manifest = standing(1, "alice")
		r.start()
		v := r.pause("usdc")
		r.sign(v, v.SafeTxHash, alice)
		r.stop()
		r.cfg.Manifest = strange(1, 1, 0, "alice")
		r.start()
		again, err := r.c.Propose(t.Context(), Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "alice", Reason: "drill"})
		if err != nil || !again.Joined || again.View.ID != v.ID {
			t.Fatalf("asked for again: %+v, %v", again, err)
		}
		_, err = r.c.Propose(t.Context(), Intent{Playbook: "pause", Params: map[string]string{"asset": "weth"}, Member: "alice", Reason: "drill"})
		refused(t, err, governance.CodeNotPermitted)
		r.sign(v, v.SafeTxHash, bob)
		r.blocks("it is executed", r.is(v.ID, governance.StateExecuted))
	})
}

// TestAVetoNeedsASignedConfigurationToo: it takes the emergency lane, and the timelock that it cancels in stands in the same files. One
// that is open already is joined.
func TestAVetoNeedsASignedConfigurationToo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		under := func(m governance.Vouched) {
			r.stop()
			r.cfg.Manifest = m
			r.start()
		}
		under(standing(1))
		v := r.queued()
		_, err := r.vetoes(v.ID, "alice")
		refused(t, err, governance.CodeNotPermitted, "nobody vouches for veto")
		under(standing(1, "alice"))
		veto, err := r.vetoes(v.ID, "bob")
		if err != nil {
			t.Fatal(err)
		}
		under(standing(1))
		if again, err := r.vetoes(v.ID, "alice"); err != nil || !again.Joined || again.View.ID != veto.View.ID {
			t.Errorf("asked for again: %+v, %v", again, err)
		}
	})
}

// TestWhatWasDraftedUnderPlantedFilesIsNotShownAsSigned: whoever can write the server's files plants a playbook, proposes, and puts the
// signed files back. The card goes on telling the set that it was drafted under, and nothing of it is sent.
func TestWhatWasDraftedUnderPlantedFilesIsNotShownAsSigned(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		planted, signed := standing(1), standing(1, "alice")
		signed.Manifest = common.Hash{2}
		own := r.cfg.Playbooks["set-ltv"]
		under := func(m governance.Vouched, pb *governance.Playbook) {
			r.stop()
			r.cfg.Manifest, r.cfg.Playbooks["set-ltv"] = m, pb
			r.start()
		}
		under(planted, ltvBook(t, "Change a loan-to-value", "setLtv(address asset, uint256 ltv)"))
		v := r.setLtv("4000")
		under(signed, own)
		card := r.show(v.ID)
		if !noted(card, "signed by 0 of the 1 member that") || !noted(card, "changed since this was drafted") || card.Manifest.Hash != planted.Manifest.Hex() || len(card.Manifest.SignedBy) > 0 {
			t.Errorf("the card says %q with %+v", card.Notes, card.Manifest)
		}
		if fresh := r.show(r.setLtv("4100").ID); noted(fresh, "members") || len(fresh.Manifest.SignedBy) != 1 {
			t.Errorf("what is drafted under the signed set says %q with %+v", fresh.Notes, fresh.Manifest)
		}
	})
}

// TestAPlaybookThatCallsSomethingElseNowSendsNothingOfBefore; one of which only words changed does.
func TestAPlaybookThatCallsSomethingElseNowSendsNothingOfBefore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		under := func(pb *governance.Playbook) {
			r.stop()
			r.cfg.Playbooks["set-ltv"] = pb
			r.start()
		}
		under(ltvBook(t, "Change a loan-to-value", "setReserveFactor(address asset, uint256 factor)"))
		r.sign(v, v.SafeTxHash, alice, bob)
		r.until("it is held back", r.heldFor(v.ID, "would call something else: propose it again"))
		r.quiet("its playbook calls something else now")
		under(ltvBook(t, "Change how much can be borrowed", "setLtv(address asset, uint256 ltv)"))
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// ltvBook is a playbook called set-ltv.
func ltvBook(t *testing.T, title, function string) *governance.Playbook {
	t.Helper()
	pb, err := governance.CompilePlaybook(governance.PlaybookSpec{Name: "set-ltv", Title: title, Kind: "parameter", Safe: "guardian",
		Params: []governance.ParamSpec{{Name: "asset", Type: "address", Required: true, Choices: []governance.ChoiceSpec{{Name: "usdc", Value: usdc.Hex()}}},
			{Name: "ltv", Type: "uint256", Required: true, Sample: "6000"}},
		Calls:  []governance.CallSpec{{To: market1.Hex(), Function: function, Args: []any{"{{asset}}", "{{ltv}}"}}},
		Policy: governance.PolicySpec{Propose: []string{"guardian"}}})
	if err != nil {
		t.Fatal(err)
	}
	return pb
}

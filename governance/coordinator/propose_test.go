package coordinator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

func dangers(v governance.View) (codes []string) {
	for _, d := range v.Dangers {
		codes = append(codes, d.Code)
	}
	return codes
}

func noted(v governance.View, words string) bool {
	return slices.ContainsFunc(v.Notes, func(n string) bool { return strings.Contains(n, words) })
}

func TestAProposalShowsWhatItWillDo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		if v.ID != "P-1" || v.State != governance.StateProposed || v.Status != "Needs 2 more" || v.Proposer != "alice" {
			t.Errorf("got %s %s %q by %s", v.ID, v.State, v.Status, v.Proposer)
		}
		if v.Simulation == nil || !v.Simulation.OK || len(v.Simulation.Changes) != 1 || v.Simulation.Changes[0].Before != "false" || v.Simulation.Changes[0].After != "true" {
			t.Errorf("simulation %+v", v.Simulation)
		}
		if v.Nonce != 7 || len(v.SafeTxs) != 2 || v.SafeTxs[1].Purpose != governance.PurposeSpare || v.SafeTxs[1].Nonce != 8 {
			t.Errorf("nonces %+v", v.SafeTxs)
		}
		want := safe.Hash(safe.Domain{ChainID: testChainID, Safe: guardianSafe, Version: safe.V1_4_1}, r.stored("P-1").SafeTxs[0].Tx).SafeTx
		if v.SafeTxHash != want.Hex() {
			t.Errorf("safeTxHash %s, want %s", v.SafeTxHash, want)
		}
	})
}

func TestTheSameIntentIsJoined(t *testing.T) {
	for name, c := range map[string]struct {
		second Intent
		before func(*rig)
		joined bool
	}{
		"the same values in other words":     {Intent{Playbook: "pause", Params: map[string]string{"ASSET": "\"USDC\""}, Member: "bob"}, nil, true},
		"another asset is another intent":    {Intent{Playbook: "pause", Params: map[string]string{"asset": "weth"}}, nil, false},
		"an effect that is mined is not it":  {Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Force: true}, func(r *rig) { r.signAll(r.show("P-1"), alice, bob); r.sent(1); r.chain.mine(); r.pass(3 * time.Second) }, false},
		"one that was withdrawn is not open": {Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, func(r *rig) { _, _ = r.c.Withdraw(r.t.Context(), "P-1", "alice") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.start()
				r.pause("usdc")
				if c.before != nil {
					c.before(r)
				}
				if c.second.Member == "" {
					c.second.Member = "alice"
				}
				p, err := r.c.Propose(t.Context(), c.second)
				if err != nil {
					t.Fatal(err)
				}
				if want := map[bool]string{true: "P-1", false: "P-2"}[c.joined]; p.Joined != c.joined || p.View.ID != want {
					t.Errorf("joined %v as %s", p.Joined, p.View.ID)
				}
			})
		})
	}
}

func TestTwoWhoAskAtOnceGetOneProposal(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		got := make(chan Proposed, 2)
		for range 2 {
			go func() {
				p, err := r.c.Propose(t.Context(), Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "alice"})
				if err != nil {
					t.Error(err)
				}
				got <- p
			}()
		}
		a, b := <-got, <-got
		if a.View.ID != "P-1" || b.View.ID != "P-1" || a.Joined == b.Joined {
			t.Errorf("got %s (joined %v) and %s (joined %v)", a.View.ID, a.Joined, b.View.ID, b.Joined)
		}
	})
}

func TestAPauseDoesNotWaitForAnotherDraft(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.set(func(s *scripted) { s.latency = time.Second })
		began := time.Now()
		go func() {
			_, _ = r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Reason: "slow"})
		}()
		r.pass(500 * time.Millisecond)
		alone := time.Now()
		r.pause("usdc")
		if took := time.Since(alone); took > 7*time.Second {
			t.Errorf("the pause took %s, which is its own readings and those of another", took)
		}
		r.pass(20*time.Second - time.Since(began))
	})
}

func TestRefusedProposalsLeaveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		in    Intent
		setup func(*rig)
		code  governance.Code
		words string
	}{
		"an unknown playbook":         {Intent{Playbook: "pasue"}, nil, governance.CodeUnknownPlaybook, "pasue"},
		"someone nobody knows":        {Intent{Playbook: "pause", Member: "eve", Params: map[string]string{"asset": "usdc"}}, nil, governance.CodeNotPermitted, "eve"},
		"a member without the role":   {Intent{Playbook: "pause", Member: "carol", Params: map[string]string{"asset": "usdc"}}, nil, governance.CodeNotPermitted, "guardian"},
		"no reason for a change":      {Intent{Playbook: "set-ltv", Reason: " ", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, nil, governance.CodeMissingParam, "reason"},
		"a missing value":             {Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc"}}, nil, governance.CodeMissingParam, "ltv"},
		"a value out of bounds":       {Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "9001"}}, nil, governance.CodeOutOfBounds, "9000"},
		"a change that reverts":       {Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "6666"}}, nil, governance.CodeSimulationReverted, "LtvOutOfRange"},
		"a pause that reverts":        {Intent{Playbook: "pause-wrong", Params: map[string]string{"asset": "usdc"}}, nil, governance.CodeSimulationReverted, "force"},
		"a pause of what is paused":   {Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, func(r *rig) { r.chain.alter(func(w *world) { w.paused[usdc] = true }) }, governance.CodeInvariant, ""},
		"no gas money for a change":   {Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, func(r *rig) { r.chain.alter(func(w *world) { w.balances = map[common.Address]uint256.Int{} }) }, governance.CodeRelayerUnfunded, "gas"},
		"a Safe without the role":     {Intent{Playbook: "slow-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, func(r *rig) { r.chain.alter(func(w *world) { w.roles = map[string]bool{} }) }, governance.CodeNotPermitted, "PROPOSER_ROLE"},
		"a change without agreement":  {Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, func(r *rig) { r.chain.set(func(s *scripted) { s.down = true }) }, governance.CodeNoAgreement, "guardian"},
		"a pause without any answers": {Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, func(r *rig) { r.chain.set(func(s *scripted) { s.down = true; s.fails["AnySafeState"] = errDown }) }, governance.CodeNoAgreement, "nothing to sign"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				if c.setup != nil {
					c.setup(r)
				}
				r.start()
				if c.in.Member == "" {
					c.in.Member = "alice"
				}
				switch c.in.Reason {
				case "":
					c.in.Reason = "drill"
				case " ":
					c.in.Reason = ""
				}
				_, err := r.c.Propose(t.Context(), c.in)
				refused(t, err, c.code, c.words)
				_, previewed := r.c.Preview(t.Context(), c.in)
				refused(t, previewed, c.code)
				if n, _ := r.store.LastNumber(); n != 0 {
					t.Errorf("%d proposals are stored", n)
				}
			})
		})
	}
}

// TestAPauseThatNobodyAnswersNamesTheWayWithoutBelay: nobody is told that providers disagree who are all silent, or to try again.
func TestAPauseThatNobodyAnswersNamesTheWayWithoutBelay(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.set(func(s *scripted) {
			s.down = true
			s.fails["AnySafeState"] = fmt.Errorf("read safe state from anyone: %w", errDown)
		})
		_, err := r.c.Propose(t.Context(), Intent{Playbook: "pause", Member: "alice", Params: map[string]string{"asset": "usdc"}})
		var told *governance.Refusal
		if !errors.As(err, &told) || told.Title() != "None of the chain's providers answers" || !strings.Contains(told.Hint, "the Safe's own app, or from a wallet") || strings.Contains(told.Detail, "from anyone") {
			t.Errorf("told %+v", told)
		}
		r.chain.set(func(s *scripted) {
			s.fails["AnySafeState"] = fmt.Errorf("read safe state from anyone: %w", safe.ErrNotSafe)
		})
		if _, err = r.c.Propose(t.Context(), Intent{Playbook: "pause", Member: "alice", Params: map[string]string{"asset": "usdc"}}); !errors.As(err, &told) || !strings.Contains(told.Detail, safe.ErrNotSafe.Error()) {
			t.Errorf("an answer that it is no Safe is told as %+v", told)
		}
	})
}

func TestAnEmergencyIsForcedPastARevert(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "pause-wrong", Params: map[string]string{"asset": "usdc"}, Force: true})
		if v.Simulation == nil || v.Simulation.OK || !noted(v, "alice forced this") {
			t.Errorf("simulation %+v, notes %q", v.Simulation, v.Notes)
		}
	})
}

func TestAnEmergencyIsDraftedBlindWithARedMark(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.pass(time.Second)
		r.chain.set(func(s *scripted) { s.down = true })
		v := r.pause("usdc")
		if !noted(v, "NOT VERIFIED: the providers do not agree") || v.Nonce != 7 || len(v.Owners) != 3 {
			t.Errorf("nonce %d, owners %v, notes %q", v.Nonce, v.Owners, v.Notes)
		}
		if v.Safe.Verified {
			t.Error("one provider's word is shown as verified")
		}
	})
}

func TestABlindPauseIsSignedAndSentWhileNobodyAgrees(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.set(func(s *scripted) { s.down = true })
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.sent(1)
		r.chain.mine()
		if got := r.chain.deeds(); len(got) != 1 {
			t.Fatalf("the market felt %q", got)
		}
		if s := r.stored(v.ID).State; s != governance.StateApproved {
			t.Errorf("claimed %s while nobody agrees", s)
		}
		r.chain.set(func(s *scripted) { s.down = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestABatchPauseNeedsNoAgreementOnceItsLibraryIsKnown(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		if _, err := r.c.Preview(t.Context(), Intent{Playbook: "pause-both", Member: "alice"}); err != nil {
			t.Fatal(err)
		}
		r.chain.set(func(s *scripted) { s.down = true })
		v := r.propose(Intent{Playbook: "pause-both"})
		if v.SafeTx.Operation != 1 || len(v.Calls) != 2 {
			t.Errorf("operation %d, %d calls", v.SafeTx.Operation, len(v.Calls))
		}
	})
}

func TestAPreviewStoresNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v, err := r.c.Preview(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Reason: "look"})
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Calls) != 1 || v.Simulation == nil || !v.Simulation.OK || v.SafeTxHash == "" {
			t.Errorf("calls %v, simulation %v, hash %s", v.Calls, v.Simulation, v.SafeTxHash)
		}
		duties, _ := r.store.Duties()
		if n, _ := r.store.LastNumber(); n != 0 || len(duties) != 0 {
			t.Errorf("%d proposals, %d duties", n, len(duties))
		}
	})
}

func TestACoolDownHoldsForTheSameTarget(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		ask := Intent{Playbook: "cool-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Reason: "again"}
		v := r.propose(ask)
		r.sign(v, v.SafeTxHash, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		_, err := r.c.Propose(t.Context(), ask)
		refused(t, err, governance.CodeCoolingDown, "P-1", "possible at")
		other := ask
		other.Params = map[string]string{"asset": "weth", "ltv": "4000"}
		r.propose(other)
		r.pass(10 * time.Minute)
		r.propose(ask)
	})
}

func TestNonces(t *testing.T) {
	nonces := func(v governance.View) (n []uint64) {
		for _, s := range v.SafeTxs {
			n = append(n, s.Nonce)
		}
		return n
	}
	for name, c := range map[string]struct {
		before func(*rig)
		in     Intent
		want   []uint64
		danger string
	}{
		"a routine change takes the Safe's nonce":                          {func(*rig) {}, Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, []uint64{7}, ""},
		"a routine change stands behind what is open":                      {func(r *rig) { r.setLtv("4000"); r.setLtv("4100") }, Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, []uint64{9}, ""},
		"a routine change stands behind spares":                            {func(r *rig) { r.pause("weth") }, Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, []uint64{9}, ""},
		"a schedule is routine":                                            {func(r *rig) { r.setLtv("4000") }, Intent{Playbook: "slow-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}}, []uint64{8}, ""},
		"an emergency takes the current nonce, and says whom it displaces": {func(r *rig) { r.setLtv("4000") }, Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, []uint64{7, 8}, "displaces"},
		"a signed rival asks for one spare more": {func(r *rig) {
			r.chain.set(func(s *scripted) { s.deaf = true })
			v := r.setLtv("4000")
			r.sign(v, v.SafeTxHash, alice, bob)
		}, Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, []uint64{7, 8, 9}, "displaces"},
		"two emergencies stand side by side, and neither can hold back the other": {func(r *rig) { r.pause("weth") }, Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, []uint64{8, 7, 9}, ""},
		"an emergency of another Safe is no neighbour": {func(r *rig) {
			r.propose(Intent{Playbook: "pause-wrong", Params: map[string]string{"asset": "usdc"}, Force: true})
		}, Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, []uint64{7, 8}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.start()
				c.before(r)
				v := r.propose(c.in)
				if got := nonces(v); !slices.Equal(got, c.want) {
					t.Errorf("nonces %v, want %v", got, c.want)
				}
				if c.danger != "" && !slices.Contains(dangers(v), c.danger) {
					t.Errorf("dangers %v", v.Dangers)
				}
				if c.danger == "" && slices.Contains(dangers(v), "displaces") {
					t.Errorf("displaces somebody: %v", v.Dangers)
				}
			})
		})
	}
}

func TestWhatIsTrueAlreadyIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("5000")
		if !slices.Contains(dangers(v), "already_true") {
			t.Errorf("dangers %v", v.Dangers)
		}
	})
}

// TestWhatCanBeBurntIsToldAndSentWithEnoughGas: three answers of a sweep, and the gas that the relayer then sends with.
func TestWhatCanBeBurntIsToldAndSentWithEnoughGas(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		sweep *safe.Sweep
		want  *bool
		gas   uint64
	}{
		"it burns":                 {&safe.Sweep{BurnsAt: 900_000, WholeFrom: 1_000_000}, &yes, 1_000_000},
		"it does not":              {&safe.Sweep{}, &no, 120_000},
		"nobody could find it out": {nil, nil, 120_000},
		"it does something else":   {&safe.Sweep{BurnsAt: 900_000, WholeFrom: 1_000_000, Doubtful: true}, nil, 1_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.chain.set(func(s *scripted) { s.sweep = c.sweep })
				r.start()
				v := r.pause("usdc")
				if got := v.Simulation.Burnable; (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
					t.Errorf("burnable is %v", got)
				}
				if told := slices.Contains(dangers(v), "burnable"); told != (c.sweep != nil && c.sweep.BurnsAt > 0) {
					t.Errorf("dangers %v", v.Dangers)
				}
				r.signAll(v, alice, bob)
				r.sent(1)
				if gas := r.submissions(v.ID)[0].Gas; gas < c.gas || gas > 2*c.gas {
					t.Errorf("sent with %d gas, which is to be a little more than %d", gas, c.gas)
				}
			})
		})
	}
}

// TestAnOldSafeIsGivenAGate: before 1.3.0 a failed call costs the nonce anyway, so that too little gas must not get so far.
func TestAnOldSafeIsGivenAGate(t *testing.T) {
	for version, gated := range map[safe.Version]bool{safe.V0_1_0: true, safe.V1_1_1: true, safe.V1_2_0: true, safe.V1_3_0: false, safe.V1_5_0: false} {
		t.Run(version.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.chain.set(func(s *scripted) { s.head().world.version, s.sweep = version, &safe.Sweep{} })
				r.start()
				v := r.pause("usdc")
				if want := map[bool]string{true: "180000", false: "0"}[gated]; v.SafeTx.SafeTxGas != want {
					t.Errorf("safeTxGas is %s, want %s", v.SafeTx.SafeTxGas, want)
				}
				if slices.Contains(dangers(v), "safe_tx_gas") != gated {
					t.Errorf("dangers %v", v.Dangers)
				}
			})
		})
	}
}

func TestAStoreThatCannotCommitSaysNotRecorded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cfg.Store = failing{r.store}
		r.start()
		_, err := r.c.Propose(t.Context(), Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "alice"})
		refused(t, err, governance.CodeNotRecorded, "wallet")
	})
}

func TestAConfigurationWhoseJointsDoNotFitIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"a Safe on a chain that is not there":     func(c *Config) { c.Safes["guardian"] = SafeConfig{Chain: "gnosis"} },
		"a timelock on a chain that is not there": func(c *Config) { c.Timelocks["core"] = TimelockConfig{Chain: "gnosis"} },
		"a timelock of a kind that is not built": func(c *Config) {
			c.Timelocks["core"] = TimelockConfig{Chain: "test", Kind: "compound", Address: timelock1}
		},
		"a playbook without its Safe":     func(c *Config) { delete(c.Safes, "other") },
		"a playbook without its timelock": func(c *Config) { delete(c.Timelocks, "core") },
		"a timelock on another chain than the Safe": func(c *Config) {
			c.Chains["second"] = c.Chains["test"]
			c.Timelocks["core"] = TimelockConfig{Chain: "second", Kind: "openzeppelin", Address: timelock1}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newRig(t, newMemory(t)).cfg
			spoil(&cfg)
			if _, err := New(cfg); err == nil {
				t.Error("taken")
			}
		})
	}
}

func TestViewsAreJSONWithoutSecrets(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice)
		b, err := json.Marshal(r.show(v.ID))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), r.c.ReadKey(v.ID)) {
			t.Error("the view holds the read key")
		}
	})
}

func TestACallThatReachesNoContractIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.set(func(s *scripted) { s.razed = market1 })
		v := r.pause("usdc")
		if !slices.ContainsFunc(v.Dangers, func(d governance.DangerView) bool {
			return d.Code == "no_code" && strings.Contains(d.Text, market1.Hex())
		}) {
			t.Errorf("dangers %+v", v.Dangers)
		}
		r.chain.set(func(s *scripted) { s.fails["CodeHashes"] = errDown })
		_, err := r.c.Propose(t.Context(), Intent{Member: "alice", Playbook: "set-ltv", Reason: "drill", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		refused(t, err, governance.CodeNoAgreement, "code")
		blind := r.pause("weth")
		if !noted(blind, "could not be read") {
			t.Errorf("an emergency with unread targets says %q", blind.Notes)
		}
	})
}

func TestTheSameAgainWhileOldSignaturesWorkIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.set(func(s *scripted) { s.fails["Broadcast"] = errDown })
		first := r.setLtv("4000")
		r.signAll(first, alice, bob)
		for _, member := range []string{"alice", "bob"} {
			if _, err := r.c.Withdraw(t.Context(), first.ID, member); err != nil {
				t.Fatal(err)
			}
		}
		again := r.setLtv("4000")
		if !slices.ContainsFunc(again.Dangers, func(d governance.DangerView) bool {
			return d.Code == "signed_before" && strings.Contains(d.Text, first.ID)
		}) {
			t.Errorf("%s is %s; dangers of the next %+v", first.ID, r.stored(first.ID).State, again.Dangers)
		}
		if other := r.setLtv("4100"); slices.ContainsFunc(other.Dangers, func(d governance.DangerView) bool { return d.Code == "signed_before" }) {
			t.Errorf("another value: dangers %+v", other.Dangers)
		}
	})
}

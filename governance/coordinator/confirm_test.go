package coordinator

import (
	"crypto/ecdsa"
	"errors"
	"slices"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func TestASignatureIsTakenOnceAndKnownAfterwards(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		hash := common.HexToHash(v.SafeTxHash)
		yes, err := r.confirm(alice, v.ID, hash)
		if err != nil || !yes.New || yes.View.Status != "Needs 1 more" || len(yes.View.Confirmations) != 1 || yes.View.Confirmations[0].Member != "alice" {
			t.Fatalf("got %+v, %v", yes, err)
		}
		version := r.stored(v.ID).Version
		again, err := r.confirm(alice, v.ID, hash)
		if err != nil || again.New || r.stored(v.ID).Version != version {
			t.Errorf("the same again: new %v, %v", again.New, err)
		}
	})
}

func TestASignatureThatIsKnownIsKnownInEveryState(t *testing.T) {
	for name, end := range map[string]func(r *rig, v governance.View){
		"executed": func(r *rig, v governance.View) {
			r.signAll(v, bob)
			r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		},
		"expired": func(r *rig, v governance.View) { r.pass(21 * time.Minute) },
		"canceled": func(r *rig, v governance.View) {
			_, _ = r.c.Withdraw(r.t.Context(), v.ID, "alice")
			_, _ = r.c.Withdraw(r.t.Context(), v.ID, "bob")
		},
		"superseded": func(r *rig, v governance.View) {
			r.chain.byHand(guardianSafe, foreign(7))
			r.blocks("superseded", r.is(v.ID, governance.StateSuperseded))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.setLtv("4000")
				r.signAll(v, alice)
				end(r, v)
				if s := r.stored(v.ID).State; string(s) != name {
					t.Fatalf("it is %s", s)
				}
				yes, err := r.confirm(alice, v.ID, common.HexToHash(v.SafeTxHash))
				if err != nil || yes.New {
					t.Errorf("new %v, %v", yes.New, err)
				}
				_, err = r.confirm(carol, v.ID, common.HexToHash(v.SafeTxHash))
				refused(t, err, governance.CodeNotOpen)
			})
		})
	}
}

func TestTwoPostsOfOneSignatureAreNewOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		fresh := make(chan bool, 4)
		for range 4 {
			go func() {
				yes, err := r.confirm(alice, v.ID, common.HexToHash(v.SafeTxHash))
				if err != nil {
					t.Error(err)
				}
				fresh <- yes.New
			}()
		}
		n := 0
		for range 4 {
			if <-fresh {
				n++
			}
		}
		if n != 1 {
			t.Errorf("new %d times", n)
		}
	})
}

func TestRefusedSignatures(t *testing.T) {
	other := common.HexToHash("0x01")
	for name, c := range map[string]struct {
		in    func(v governance.View) Signed
		code  governance.Code
		words string
	}{
		"malformed bytes": {func(v governance.View) Signed { return Signed{Signature: []byte("hello")} }, governance.CodeMalformedSignature, "65 bytes"},
		"of a stranger":   {func(v governance.View) Signed { return signedBy(mallory, v.SafeTxHash, "") }, governance.CodeNotOwner, addressOf(mallory).Hex()},
		"over a hash that the proposal never had": {func(v governance.View) Signed {
			return Signed{SafeTxHash: other, Signature: signature(alice, other)}
		}, governance.CodeWrongHash, "P-1"},
		"over the spare, named as the active one": {func(v governance.View) Signed {
			return signedBy(alice, v.SafeTxs[1].SafeTxHash, v.SafeTxHash)
		}, governance.CodeWrongHash, "nonce 8"},
		"of an owner who signed something else": {func(v governance.View) Signed {
			return Signed{SafeTxHash: common.HexToHash(v.SafeTxHash), Owner: addressOf(alice), Signature: signature(alice, other)}
		}, governance.CodeWrongHash, addressOf(alice).Hex()},
		"of another owner than said": {func(v governance.View) Signed {
			s := signedBy(alice, v.SafeTxHash, v.SafeTxHash)
			s.Owner = addressOf(bob)
			return s
		}, governance.CodeNotOwner, "signature of " + addressOf(alice).Hex()},
		"of a contract that is no owner": {func(v governance.View) Signed {
			return Signed{SafeTxHash: common.HexToHash(v.SafeTxHash), Kind: safe.KindEIP1271, Owner: market1, Signature: []byte("yes")}
		}, governance.CodeNotOwner, market1.Hex()},
		"that the contract does not vouch for": {func(v governance.View) Signed {
			return Signed{SafeTxHash: common.HexToHash(v.SafeTxHash), Kind: safe.KindEIP1271, Owner: nested, Signature: []byte("no")}
		}, governance.CodeContractRejected, "does not vouch"},
		"of a contract, longer than any Safe is given": {func(v governance.View) Signed {
			return Signed{SafeTxHash: common.HexToHash(v.SafeTxHash), Kind: safe.KindEIP1271, Owner: nested, Signature: make([]byte, safe.MaxContractSignature+1)}
		}, governance.CodeMalformedSignature, "4096"},
		"an approved hash that is posted": {func(v governance.View) Signed {
			return Signed{SafeTxHash: common.HexToHash(v.SafeTxHash), Kind: safe.KindApprovedHash, Owner: addressOf(alice)}
		}, governance.CodeBadValue, "on chain"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.chain.alter(joinedBy(nested))
				r.start()
				v := r.pause("usdc")
				in := c.in(v)
				in.Proposal = v.ID
				_, err := r.c.Confirm(t.Context(), in)
				refused(t, err, c.code, c.words)
				if p := r.stored(v.ID); len(p.SafeTxs[0].Confirmations)+len(p.SafeTxs[1].Confirmations) != 0 {
					t.Error("something was recorded")
				}
			})
		})
	}
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		for _, id := range []string{"P-9", "", "nonsense"} {
			_, err := r.confirm(alice, id, other)
			refused(t, err, governance.CodeNotFound)
		}
	})
}

// signedBy is a signature over signed, handed in as one over said.
func signedBy(key *ecdsa.PrivateKey, signed, said string) Signed {
	s := Signed{Signature: signature(key, common.HexToHash(signed))}
	if said != "" {
		s.SafeTxHash = common.HexToHash(said)
	}
	return s
}

func TestASignatureWithoutAHashFindsItsSafeTx(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		for _, s := range v.SafeTxs {
			in := signedBy(alice, s.SafeTxHash, "")
			in.Proposal = v.ID
			if yes, err := r.c.Confirm(t.Context(), in); err != nil || !yes.New {
				t.Errorf("nonce %d: new %v, %v", s.Nonce, yes.New, err)
			}
		}
		if p := r.stored(v.ID); len(p.SafeTxs[0].Confirmations) != 1 || len(p.SafeTxs[1].Confirmations) != 1 {
			t.Errorf("confirmations %+v", p.SafeTxs)
		}
	})
}

func TestAnOwnerWhoWasRemovedMeanwhileDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice)
		r.chain.alter(func(w *world) {
			w.safes[guardianSafe] = vault{owners: []common.Address{addressOf(bob), addressOf(carol)}, threshold: 2, nonce: 7}
		})
		_, err := r.confirm(alice, v.ID, common.HexToHash(v.SafeTxs[1].SafeTxHash))
		if yes := err == nil; yes { // it was known before; but it must not count
			r.sign(v, v.SafeTxHash, bob)
		}
		if p := r.stored(v.ID); p.State != governance.StateProposed || p.Yes(&p.SafeTxs[0]) != 1 {
			t.Errorf("%s with %d of %d", p.State, p.Yes(&p.SafeTxs[0]), p.Threshold)
		}
		r.sign(v, v.SafeTxHash, carol)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestANewSignatureOfAFormerOwnerIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.alter(func(w *world) {
			w.safes[guardianSafe] = vault{owners: []common.Address{addressOf(bob), addressOf(carol)}, threshold: 2, nonce: 7}
		})
		_, err := r.confirm(alice, v.ID, common.HexToHash(v.SafeTxHash))
		refused(t, err, governance.CodeNotOwner)
	})
}

func TestALowerThresholdMakesTheQuorum(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice)
		r.chain.alter(func(w *world) {
			g := w.safes[guardianSafe]
			g.threshold = 1
			w.safes[guardianSafe] = g
		})
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestOwnersThatCannotBeReadAreJudgedByTheLastReading(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		for name, spoil := range map[string]func(s *scripted){
			"providers disagree": func(s *scripted) { s.down = true },
			"providers hang":     func(s *scripted) { s.latency = time.Hour },
		} {
			r.chain.set(spoil)
			began := time.Now()
			key := map[string]*ecdsa.PrivateKey{"providers disagree": alice, "providers hang": bob}[name]
			if _, err := r.confirm(key, v.ID, common.HexToHash(v.SafeTxs[1].SafeTxHash)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took > 2*refreshPatience {
				t.Errorf("%s: a signature waited %s", name, took)
			}
			r.chain.set(func(s *scripted) { s.down, s.latency = false, 0 })
		}
	})
}

func TestTheTypedDataIsThatOfTheActiveOrTheNamedSafeTx(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		for hash, nonce := range map[string]uint64{"": 7, v.SafeTxHash: 7, v.SafeTxs[1].SafeTxHash: 8} {
			data, err := r.c.TypedData(t.Context(), v.ID, common.HexToHash(hash), common.Address{})
			if err != nil {
				t.Fatal(err)
			}
			want := text(safe.TypedData(safe.Domain{ChainID: testChainID, Safe: guardianSafe, Version: safe.V1_4_1}, txAt(r.stored(v.ID), nonce)))
			if string(data) != want {
				t.Errorf("typed data %s, want %s", data, want)
			}
		}
		_, err := r.c.TypedData(t.Context(), v.ID, common.HexToHash("0x99"), common.Address{})
		refused(t, err, governance.CodeWrongHash)
	})
}

// TestAnEmergencyIsSignedAlsoWhileTheProvidersDoNotAgree: what a wallet signs follows from the proposal alone. What is no emergency waits
// until it is known what its owner is.
func TestAnEmergencyIsSignedAlsoWhileTheProvidersDoNotAgree(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		pause, change := r.pause("usdc"), r.setLtv("4000")
		plain, err := r.c.TypedData(t.Context(), pause.ID, common.Hash{}, common.Address{})
		if err != nil {
			t.Fatal(err)
		}
		for how, breaks := range map[string]func(*scripted){
			"they contradict each other": func(s *scripted) { s.down = true },
			"they hang":                  func(s *scripted) { s.latency = time.Hour },
		} {
			r.pass(2 * time.Second)
			r.chain.set(func(s *scripted) { s.down, s.latency = false, 10*time.Millisecond; breaks(s) })
			began := time.Now()
			got, err := r.c.TypedData(t.Context(), pause.ID, common.Hash{}, addressOf(alice))
			if err != nil || string(got) != string(plain) || time.Since(began) > ownerPatience {
				t.Errorf("%s: a pause is signed as %s, %v, after %s", how, got, err, time.Since(began))
			}
			_, err = r.c.TypedData(t.Context(), change.ID, common.Hash{}, addressOf(alice))
			refused(t, err, governance.CodeNoAgreement)
			_, err = r.c.TypedData(t.Context(), pause.ID, common.Hash{}, addressOf(mallory))
			refused(t, err, governance.CodeNotOwner)
		}
	})
}

func txAt(p governance.Proposal, nonce uint64) safe.Tx {
	for _, t := range p.SafeTxs {
		if t.Tx.Nonce == nonce {
			return t.Tx
		}
	}
	return safe.Tx{}
}

func TestTheReadyTransactionWorksFromAnyWallet(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) { clear(w.balances) }) // the relayer cannot
		r.start()
		v := r.pause("usdc")
		_, err := r.c.Execution(t.Context(), v.ID)
		refused(t, err, governance.CodeNotOpen)
		r.signAll(v, alice, carol)
		ready, err := r.c.Execution(t.Context(), v.ID)
		if err != nil || ready.To != guardianSafe || ready.ChainID != testChainID || ready.Value != "0" {
			t.Fatalf("got %+v, %v", ready, err)
		}
		r.chain.byHand(ready.To, ready.Data)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestASignatureThatCannotBeStoredIsNotAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.stop()
		r.cfg.Store = failing{r.store}
		var err error
		if r.c, err = New(r.cfg); err != nil {
			t.Fatal(err)
		}
		_, err = r.confirm(alice, v.ID, common.HexToHash(v.SafeTxHash))
		refused(t, err, governance.CodeNotRecorded)
		if !errors.Is(err, errDisk) {
			t.Errorf("the operator's log will not say why: %v", err)
		}
	})
}

// joinedBy makes a contract a fourth owner of the guardian.
func joinedBy(owner common.Address) func(*world) {
	return func(w *world) {
		one := w.safes[guardianSafe]
		one.owners = append(slices.Clone(one.owners), owner)
		w.safes[guardianSafe] = one
	}
}

func TestAContractOwnerSigns(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.alter(joinedBy(nested))
		r.chain.alter(func(w *world) { w.vouches = "yes" })
		r.start()
		v := r.pause("usdc")
		hash := common.HexToHash(v.SafeTxHash)
		word := Signed{Proposal: v.ID, SafeTxHash: hash, Kind: safe.KindEIP1271, Owner: nested, Signature: []byte("yes")}
		first, err := r.c.Confirm(t.Context(), word)
		if err != nil || !first.New {
			t.Fatalf("the contract's word: %+v, %v", first, err)
		}
		if again, err := r.c.Confirm(t.Context(), word); err != nil || again.New {
			t.Errorf("said again: new %t, %v", again.New, err)
		}
		r.signAll(v, alice)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestAContractThatChangedItsMindIsLeftOut(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.alter(joinedBy(nested))
		r.chain.alter(func(w *world) { w.vouches = "yes" })
		r.start()
		v := r.setLtv("4000")
		hash := common.HexToHash(v.SafeTxHash)
		if _, err := r.c.Confirm(t.Context(), Signed{Proposal: v.ID, SafeTxHash: hash, Kind: safe.KindEIP1271, Owner: nested, Signature: []byte("yes")}); err != nil {
			t.Fatal(err)
		}
		r.chain.alter(func(w *world) { w.vouches = "" })
		r.pass(2 * time.Second)
		r.sign(v, v.SafeTxHash, alice)
		r.until("the card says so", func() bool { return noted(r.show(v.ID), "does not vouch") })
		if n := len(r.broadcasts()); n != 0 {
			t.Errorf("%d transactions that the Safe refuses were sent", n)
		}
		r.sign(v, v.SafeTxHash, bob)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAnApprovedHashOnChainIsAConfirmation(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		hash := common.HexToHash(v.SafeTxHash)
		r.chain.alter(func(w *world) { w.approved = map[approval]bool{{guardianSafe, addressOf(carol), hash}: true} })
		r.until("it counts", func() bool { return len(r.stored(v.ID).SafeTxs[0].Confirmations) == 1 })
		yes := r.stored(v.ID).SafeTxs[0].Confirmations[0]
		if yes.Kind != safe.KindApprovedHash || yes.Owner != addressOf(carol) || yes.Via != governance.ViaChain || yes.Member != "carol" {
			t.Errorf("recorded %+v", yes)
		}
		r.sign(v, v.SafeTxHash, alice)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

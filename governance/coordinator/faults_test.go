package coordinator

import (
	"context"
	"errors"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

var errDisk = errors.New("no space left on device")

// failing is a store whose disk is full.
type failing struct{ Store }

func (f failing) Commit(context.Context, governance.Record) (uint64, error) { return 0, errDisk }

func powersOf(ask func() ([]Power, error)) func(context.Context) ([]Power, error) {
	return func(context.Context) ([]Power, error) { return ask() }
}

// TestAPauseThatAProviderMisledFindsItsWay: drafted while nobody agreed, at a height, a nonce and a version that one provider made up.
// Once the providers agree it is asked again where the Safe really is.
func TestAPauseThatAProviderMisledFindsItsWay(t *testing.T) {
	for name, lie := range map[string]func(*safe.State){
		"about the nonce":   func(s *safe.State) { s.Nonce = 5000 },
		"about the height":  func(s *safe.State) { s.Nonce, s.Block.Number = 5000, 1<<62 },
		"about the version": func(s *safe.State) { s.Version, s.Block.Number = safe.V1_1_1, 1<<62 },
		"about the owners":  func(s *safe.State) { s.Owners, s.Threshold = s.Owners[:1], 1 },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				r.pass(time.Second)
				r.chain.set(func(s *scripted) { s.down, s.lie = true, lie })
				v := r.pause("usdc")
				r.chain.set(func(s *scripted) { s.down = false })
				r.blocks("it stands where the Safe is", func() bool { p := r.stored(v.ID); return !p.Unagreed && p.Active().Tx.Nonce == 7 })
				again := r.show(v.ID)
				if again.Safe.Version != "1.4.1" || again.Threshold != 2 || len(again.Owners) != 3 {
					t.Errorf("it believes %+v, %d of %d", again.Safe, again.Threshold, len(again.Owners))
				}
				r.signAll(again, alice, bob)
				r.ends(v.ID, governance.StateExecuted, "pause usdc true")
			})
		})
	}
}

// TestASafeThatTurnsIntoUnknownCodeIsToldLoudly, whatever it answers to VERSION().
func TestASafeThatTurnsIntoUnknownCodeIsToldLoudly(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.head().world.version, s.odd = safe.Version{Major: 1, Minor: 6}, true })
		r.blocks("it is told", func() bool { return !r.show(v.ID).Safe.Verified })
		told := r.stored(v.ID).Version
		for range 3 {
			r.chain.mine()
			r.pass(slot)
		}
		if n := r.stored(v.ID).Version - told; n > 0 {
			t.Errorf("it is told %d times more", n)
		}
		if got := r.stored(v.ID).Safe; got.Version != safe.V1_4_1 {
			t.Errorf("the Safe is %+v", got)
		}
	})
}

// TestAContractsStaleWordCanBeRenewed: by a newer one, or by a hash that it approves on chain.
func TestAContractsStaleWordCanBeRenewed(t *testing.T) {
	for name, renew := range map[string]func(r *rig, v governance.View, say func(string)){
		"by a newer word": func(_ *rig, _ governance.View, say func(string)) { say("new") },
		"by an approved hash": func(r *rig, v governance.View, _ func(string)) {
			r.chain.alter(func(w *world) {
				w.approved = map[approval]bool{{guardianSafe, nested, common.HexToHash(v.SafeTxHash)}: true}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.chain.alter(joinedBy(nested))
				r.chain.alter(func(w *world) { w.vouches = "yes" })
				r.start()
				v := r.setLtv("4000")
				say := func(word string) {
					if _, err := r.c.Confirm(t.Context(), Signed{Proposal: v.ID, SafeTxHash: common.HexToHash(v.SafeTxHash), Kind: safe.KindEIP1271, Owner: nested, Signature: []byte(word)}); err != nil {
						t.Fatal(err)
					}
				}
				say("yes")
				r.chain.alter(func(w *world) { w.vouches = "new" }) // its own owners changed
				r.pass(2 * time.Second)
				r.sign(v, v.SafeTxHash, alice)
				r.until("the card says so", func() bool { return noted(r.show(v.ID), "does not vouch") })
				renew(r, v, say)
				r.ends(v.ID, governance.StateExecuted, "ltv 4000")
				if n := len(r.stored(v.ID).SafeTxs[0].Confirmations); n != 2 {
					t.Errorf("%d confirmations of two owners", n)
				}
			})
		})
	}
}

package governance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// told counts what was recorded.
func (s *tale) told(what governance.EventType) (n int) {
	for _, e := range s.events {
		if e.Type == what {
			n++
		}
	}
	return n
}

// TestNoWordsKeepOwnersFromSigning: a commit carries the whole proposal and has its limit, and whatever anybody says, a signature must fit.
func TestNoWordsKeepOwnersFromSigning(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	refused := 0
	say := func(in governance.Input) {
		if s.tries(in) != nil {
			refused++
		}
	}
	for n := range 300 {
		for size := 3_000; size > 0; size /= 3 {
			text := strings.Repeat("\x01", size)
			say(governance.Speak{Opinion: governance.Opinion{Member: fmt.Sprint("m", n), What: "object", Text: text}})
			say(governance.Speak{Opinion: governance.Opinion{Member: fmt.Sprint("m", n), What: "onit", Text: text}})
			say(governance.Stated{Opinion: governance.Opinion{What: "object", Text: text, Wallet: common.Address{byte(n), byte(n >> 8), 7}, Signed: s.now}})
		}
		say(governance.Withdraw{Member: fmt.Sprint("m", n)})
		say(governance.Extend{Member: fmt.Sprint("m", n)})
		say(governance.Join{Member: fmt.Sprint("m", n), Reason: strings.Repeat("\x01", 9_000)})
	}
	if s.is(governance.StateProposed); refused == 0 {
		t.Error("nothing was refused")
	}
	if b, err := json.Marshal(s.p); err != nil || len(b) > 600_000 {
		t.Errorf("the proposal has %d bytes of the 1 MiB that a commit takes: %v", len(b), err)
	}
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).is(governance.StateApproved)
}

// TestOneVoiceHasTwentyWords: everything is recorded once, and somewhere it is enough.
func TestOneVoiceHasTwentyWords(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	for n := range 20 {
		s.does(governance.Speak{Opinion: governance.Opinion{Member: "bob", What: "object", Text: fmt.Sprint("because of ", n)}})
	}
	s.refused(governance.Speak{Opinion: governance.Opinion{Member: "bob", What: "object", Text: "and"}}, governance.CodeNotPermitted)
	s.does(governance.Speak{Opinion: governance.Opinion{Member: "carol", What: "object", Text: "and"}})
	if len(s.p.Objections) != 2 || s.p.Objections[0].Text != "because of 19" {
		t.Errorf("what stands is %+v", s.p.Objections)
	}
	s.refused(governance.Speak{Opinion: governance.Opinion{Member: "erin", What: "object", Text: strings.Repeat("long ", 300)}}, governance.CodeBadValue)
}

// TestAnOwnerIsHeardHoweverManySpokeBefore: a blocking minority must be able to object.
func TestAnOwnerIsHeardHoweverManySpokeBefore(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	for n := range 100 {
		s.does(governance.Speak{Opinion: governance.Opinion{Member: fmt.Sprint("m", n), What: "object"}})
	}
	s.refused(governance.Speak{Opinion: governance.Opinion{Member: "late", What: "object"}}, governance.CodeNotPermitted)
	for _, owner := range owners[:2] {
		s.does(governance.Stated{Opinion: governance.Opinion{What: "object", Wallet: owner, Signed: s.now}})
	}
	s.is(governance.StateCanceled)
}

// TestWhatTwoAskedForIsNotOnePersonsToTakeDown: a thief of the account that asked first must not end what another wants.
func TestWhatTwoAskedForIsNotOnePersonsToTakeDown(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false) // by alice
	s.p.Crowd = governance.Crowded
	s.does(governance.Join{Member: "bob", Reason: "I see it, too"}).does(governance.Join{Member: "bob"}).does(governance.Join{Member: "alice"})
	if len(s.p.Askers) != 1 || s.told(governance.EventJoined) != 1 || s.p.Crowd != 0 {
		t.Errorf("asked by alice and %v, recorded %d times, crowd %d", s.p.Askers, s.told(governance.EventJoined), s.p.Crowd)
	}
	s.does(governance.Withdraw{Member: "alice"}).is(governance.StateProposed)
	s.does(governance.Withdraw{Member: "alice"}).is(governance.StateProposed)
	s.refused(governance.Withdraw{Member: "carol"}, governance.CodeNotPermitted)
	s.does(governance.Withdraw{Member: "bob"}).is(governance.StateCanceled)
	s.does(governance.Join{Member: "carol"}) // too late, and no error: it is told as it is
	if len(s.p.Askers) != 1 {
		t.Errorf("asked by %v", s.p.Askers)
	}
}

// TestTwoWalletsClearAwayWhatNobodySigned, and one does not, whoever's it is.
func TestTwoWalletsClearAwayWhatNobodySigned(t *testing.T) {
	word := func(s *tale, member string, wallet common.Address) governance.Stated {
		return governance.Stated{Opinion: governance.Opinion{Member: member, What: "withdraw", Wallet: wallet, Signed: s.now}}
	}
	s := proposed(t, governance.KindPause, 0, false)
	s.does(word(s, "bob", owners[1])).is(governance.StateProposed)
	s.does(word(s, "bob", common.Address{51})).is(governance.StateProposed) // the same person's second wallet
	s.does(word(s, "carol", owners[2])).is(governance.StateCanceled)
	signed := proposed(t, governance.KindPause, 0, false)
	signed.does(word(signed, "bob", owners[1])).does(signed.yes(0, 0))
	signed.refused(word(signed, "carol", owners[2]), governance.CodeNotPermitted)
}

// TestAWishToWithdrawTakesNoObjectionBack: both are said against it, and both count.
func TestAWishToWithdrawTakesNoObjectionBack(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(s.objects(1)).does(s.word(governance.ActionWithdraw, "bob", owners[1])).is(governance.StateProposed)
	s.does(s.objects(2)).is(governance.StateCanceled)
	lifted := proposed(t, governance.KindPause, 0, false)
	lifted.does(lifted.objects(1)).does(lifted.word(governance.ActionWithdraw, "bob", owners[1])).does(lifted.word(governance.ActionLift, "", owners[1]))
	lifted.does(lifted.objects(2)).is(governance.StateProposed)
}

// TestOneOwnerEndsNoEmergency, also where all must sign.
func TestOneOwnerEndsNoEmergency(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(seen(7, 101, 3, owners...))
	s.does(governance.Stated{Opinion: governance.Opinion{What: "object", Wallet: owners[2], Signed: s.now}}).is(governance.StateProposed)
	s.does(governance.Stated{Opinion: governance.Opinion{What: "object", Wallet: owners[1], Signed: s.now}}).is(governance.StateCanceled)
}

func TestExtendingTwiceIsExtendingOnce(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.now = s.now.Add(time.Hour)
	s.does(governance.Extend{Member: "alice"}).does(governance.Extend{Member: "bob"})
	if n := s.told(governance.EventExtended); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

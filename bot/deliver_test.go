package bot

import (
	"strings"
	"testing"
	"time"

	"belay/bot/internal/testdesk"
	"belay/governance"
)

func event(seq uint64, kind governance.EventType, by, text string) governance.EventView {
	return governance.EventView{Seq: seq, At: "2026-11-20T13:00:00Z", Type: kind, By: by, Text: governance.Untrusted(text), Ours: text}
}

func TestOneCardIsPostedAndThenEditedInPlace(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	s.desk.Put(v)
	s.must(s.delivers("P-12", 1))
	if ids := s.pad.in("W1"); len(ids) != 1 {
		t.Fatalf("cards: %v", ids)
	}
	card := s.pad.messages["m1"]
	s.contains(card.card, "P-12 · ⏳ ASKING 1/2 · Pause a reserve (ethereum)", "Needs 1 more", "getPaused(usdc): false → true", testdesk.SafeAddress,
		"chain id 1", "nonce 7", testdesk.SafeTxHash, "[x] alice "+testdesk.AliceWallet, "[ ] bob "+testdesk.BobWallet, "oracle off by 9 %",
		"[Review & sign]", "[I'm on it]", "[I can't]", "[Object]", "[Details]")

	s.must(s.delivers("P-12", 1))
	if card.edits != 0 {
		t.Error("an unchanged card was edited")
	}
	v.State, v.Status = governance.StateExecuted, "USDC is paused, checked at block 7"
	s.desk.Put(v)
	s.must(s.delivers("P-12", 2))
	if ids := s.pad.in("W1"); len(ids) != 1 || card.edits != 1 {
		t.Errorf("cards %v, edits %d", ids, card.edits)
	}
	s.contains(card.card, "✅ EXECUTED", "USDC is paused, checked at block 7")
	if len(card.card.Buttons) != 0 {
		t.Errorf("a final card offers %+v", card.card.Buttons)
	}
}

func TestTheThreadTellsEachEventOnce(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	v.Events = []governance.EventView{event(10, governance.EventProposed, "alice", "x"), event(11, governance.EventConfirmed, "alice", "signed")}
	s.desk.Put(v)
	s.must(s.delivers("P-12", 2))
	s.must(s.delivers("P-12", 2))
	v.Events = append(v.Events, event(15, governance.EventConfirmed, "bob", "signed"), event(16, governance.EventQuorum, "belay", "enough signatures: 2 of 2"), event(17, governance.EventFinal, "chain", "0x12 is final"))
	s.desk.Put(v)
	s.must(s.delivers("P-12", 4))
	s.restart()
	s.must(s.delivers("P-12", 4))
	told := s.pad.threads["tm1"]
	if len(told) != 2 || s.pad.opened["tm1"] != "P-12 Pause a reserve" {
		t.Fatalf("threads %v hold %d messages", s.pad.opened, len(told))
	}
	s.contains(told[0], "alice signed")
	s.contains(told[1], "bob signed", "Enough signatures: 2 of 2")
	if strings.Contains(textOf(told[0]), "proposed") || strings.Contains(textOf(told[1]), "final") {
		t.Error("the thread repeats the card, or tells what nobody needs")
	}
}

func TestTheCommunityIsToldOnlyWhatThePublicMaySee(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	v.Public = &governance.PublicView{What: "USDC is paused", UsersCan: "nothing until unpaused"}
	s.desk.Put(v)
	s.must(s.delivers("P-12", 1))
	if ids := s.pad.in("C1"); len(ids) != 0 {
		t.Fatalf("an embargoed proposal is public: %v", ids)
	}
	v.State, v.IsPublic = governance.StateExecuted, true
	s.desk.Put(v)
	s.must(s.delivers("P-12", 2))
	ids := s.pad.in("C1")
	if len(ids) != 1 {
		t.Fatalf("community cards: %v", ids)
	}
	card := s.pad.messages[ids[0]].card
	s.contains(card, "USDC is paused", "Users can: nothing until unpaused", "kq3v", "[Details]")
	for _, secret := range []string{"P-12", "alice", "oracle", "readkey", "/sign"} {
		if strings.Contains(textOf(card)+card.Buttons[0].URL, secret) {
			t.Errorf("the community reads %q:\n%s", secret, textOf(card))
		}
	}
	if len(s.pad.threads) != 0 {
		t.Error("the community has a thread")
	}
}

func TestWhatIsPublicOnlyOnceDoneIsNotClaimedBefore(t *testing.T) {
	v := testdesk.Sample()
	v.IsPublic, v.Public = true, &governance.PublicView{What: "USDC is paused"}
	for state, claimed := range map[governance.State]bool{governance.StateProposed: false, governance.StateApproved: false, governance.StateIneffective: false, governance.StateExecuted: true} {
		v.State = state
		if got := strings.Contains(textOf(Draw(v, Reader{})), "USDC is paused"); got != claimed {
			t.Errorf("%s: claimed %v, want %v", state, got, claimed)
		}
	}
}

func TestADeletedCardIsPostedAgain(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	s.desk.Put(v)
	s.must(s.delivers("P-12", 1))
	delete(s.pad.messages, "m1")
	v.Status = "Needs 0 more"
	s.desk.Put(v)
	s.must(s.delivers("P-12", 2))
	if ids := s.pad.in("W1"); len(ids) != 1 || ids[0] != "m2" {
		t.Errorf("cards: %v", ids)
	}
}

func TestAFailureKeepsWhatWasDone(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	v.Events = []governance.EventView{event(3, governance.EventConfirmed, "alice", "1 of 2")}
	s.desk.Put(v)
	s.pad.fail["tell"] = []error{&Failure{Class: Retryable, After: time.Second, Detail: "busy"}}
	err := s.delivers("P-12", 1)
	if ClassOf(err) != Retryable || RetryAfter(err) != time.Second {
		t.Fatalf("delivered with %v", err)
	}
	s.must(s.delivers("P-12", 1))
	if ids := s.pad.in("W1"); len(ids) != 1 || len(s.pad.threads["tm1"]) != 1 {
		t.Errorf("cards %v, thread %v", ids, s.pad.threads)
	}
}

func TestACardOfAnEarlierLifeIsFoundAndNotDoubled(t *testing.T) {
	s := newStage(t)
	s.desk.Put(testdesk.Sample())
	duty := governance.Duty{Kind: governance.DutyCard, Proposal: "P-12", Version: 1, Target: "pad", Due: time.Now()}
	if _, err := s.bot.Deliver(t.Context(), duty); err != nil { // and the process dies before the reference is stored
		t.Fatal(err)
	}
	s.restart()
	refs, err := s.bot.Deliver(t.Context(), duty)
	s.must(err)
	if ids := s.pad.in("W1"); len(ids) != 1 || len(refs) != 1 || refs[0].Message != "m1" {
		t.Errorf("cards %v, references %+v", ids, refs)
	}
}

func TestADeletedThreadDoesNotHoldTheCardBack(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	v.Events = []governance.EventView{event(3, governance.EventConfirmed, "alice", "")}
	s.desk.Put(v)
	s.pad.fail["tell"] = []error{&Failure{Class: Gone}}
	s.must(s.delivers("P-12", 1))
}

func TestDangersComeFirstAndNothingToCompareIsShortened(t *testing.T) {
	v := testdesk.Sample()
	v.Simulation = nil
	v.Dangers = []governance.DangerView{{Code: "owner_change", Text: "adds an owner"}}
	card := Draw(v, Reader{Audience: governance.AudienceWarRoom})
	text := textOf(card)
	if !strings.Contains(text, "NOT SIMULATED") || !strings.Contains(text, "OWNER CHANGE: adds an owner") || strings.Index(text, "OWNER CHANGE") > strings.Index(text, "Calls") {
		t.Errorf("card:\n%s", text)
	}
	v.Simulation = &governance.SimulationView{Error: "reverted: paused"}
	if text = textOf(Draw(v, Reader{Audience: governance.AudienceWarRoom})); !strings.Contains(text, "THE SIMULATION REVERTS: reverted: paused") {
		t.Errorf("card:\n%s", text)
	}
	for range 40 {
		v.Owners = append(v.Owners, testdesk.SafeAddress)
	}
	if text = textOf(Draw(v, Reader{Audience: governance.AudienceWarRoom})); !strings.Contains(text, "more owners") {
		t.Errorf("many owners are not summarised:\n%s", text)
	}
}

func TestDutiesThatAreNotChatsAreRefused(t *testing.T) {
	s := newStage(t)
	if _, err := s.bot.Deliver(t.Context(), governance.Duty{Kind: governance.DutySubmit, Target: "pad"}); err == nil {
		t.Error("a submission was delivered")
	}
	if refs, err := s.bot.Deliver(t.Context(), governance.Duty{Kind: governance.DutyCard, Target: "irc"}); err != nil || refs != nil {
		t.Errorf("a platform that is gone gives %v, %v", refs, err)
	}
}

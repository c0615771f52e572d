package governance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// telling is one event in words: our own, which go on after the name of who did it, and behind them what people or the chain
// said. Both empty: there is nothing that anybody needs to be told.
type telling struct{ ours, quoted string }

func (t telling) text() Untrusted {
	return Untrusted(strings.TrimSuffix(strings.TrimPrefix(t.ours+": "+t.quoted, ": "), ": "))
}

// events tells the story. The public reads neither names nor people's words, and numbers of its own: the log's sequence
// would betray what else is going on.
func (l look) events() []EventView {
	told := make([]EventView, 0, len(l.f.Events))
	for _, r := range l.f.Events {
		if !l.open && r.Event.Opinion != nil && r.Event.Type != EventWithdrawn {
			continue // what members said to each other
		}
		words := l.tell(r.Event)
		if words == (telling{}) {
			continue
		}
		v := EventView{Seq: r.Seq, At: instant(r.Event.At), Type: r.Event.Type, By: l.by(r.Event.By), Text: words.text(), Ours: words.ours, Quoted: Untrusted(words.quoted)}
		if !l.open {
			v.Seq = uint64(len(told)) + 1
		}
		told = append(told, v)
	}
	return told
}

// by names who did it: a member where names are shown, else only that it was one.
func (l look) by(who string) string {
	if common.IsHexAddress(who) {
		if m := l.f.Members[common.HexToAddress(who)]; m != "" && l.names(m) {
			return m // signed with a wallet that is known by now
		}
		return who
	}
	if l.names(who) || who == "chain" || who == "belay" {
		return who
	}
	return "a member"
}

func (l look) headline() string { return View{Title: l.p.Title, Subject: l.subject()}.Headline() }

// tell puts one event in words.
func (l look) tell(e Event) telling {
	switch {
	case e.Type == EventProposed && l.open:
		return telling{"proposed " + l.headline(), l.p.Reason}
	case e.Type == EventProposed:
		return telling{ours: "proposed " + l.headline()}
	case !e.complete():
		return telling{quoted: e.Text}
	}
	switch e.Type {
	case EventConfirmed:
		return telling{ours: "signed" + l.which(e, " the %s, nonce %d")}
	case EventQuorum:
		return telling{ours: "enough signatures" + l.which(e, " for the %s, nonce %d") + ": " + e.Text}
	case EventQuorumLost:
		return telling{ours: "no longer enough signatures" + l.which(e, " for the %s, nonce %d") + ": " + e.Text}
	case EventSetup:
		if e.Text == "" {
			return telling{ours: "the Safe's modules, guards and handler are again as they were when this was proposed"}
		}
		return telling{ours: "THE SAFE WAS CHANGED: " + e.Text}
	case EventUpgraded:
		return telling{ours: e.Text}
	case EventSubmitted, EventMined, EventFinal, EventUnmined:
		return telling{ours: carried(e)}
	case EventScheduled:
		return telling{ours: strings.TrimSuffix("in the timelock, opens "+chainTime(e.Operation.OpensAt)+"; "+e.Text, "; ")}
	case EventWindow:
		return telling{windowWords[e.Operation.State], e.Operation.Blocked}
	case EventPostcondition:
		if e.Text != "" {
			return telling{ours: e.Text}
		}
		return findings(e.Postconditions)
	case EventUndone:
		return telling{"UNDONE", listed(e.Postconditions)}
	case EventIneffective:
		return telling{"EXECUTED WITHOUT EFFECT", e.Text}
	case EventFailed:
		return telling{"failed", e.Text}
	case EventRebuilt:
		return telling{"drafted again, and asks again", e.Text}
	case EventExtended, EventWithdrawn, EventDisclosed, EventReleased, EventObjected, EventResponded, EventLifted, EventEndorsed, EventJoined:
		return spoken(e)
	}
	return telling{ours: e.Text}
}

// which names the SafeTx that an event is about, where it is not the one that everybody means: a spare, or what follows a
// schedule.
func (l look) which(e Event, format string) string {
	t := l.p.SafeTx(e.SafeTxHash)
	if t == nil || t.Purpose == PurposeDirect || t.Purpose == PurposeSchedule {
		return ""
	}
	what := string(t.Purpose)
	if t.Purpose == PurposeExecute {
		what = "execution"
	}
	return fmt.Sprintf(format, what, t.Tx.Nonce)
}

// carried follows a transaction on its way.
func carried(e Event) string {
	t := e.Transaction
	what := map[Purpose]string{PurposeSchedule: "the schedule was ", PurposeExecute: "the execution was "}[t.Role]
	switch e.Type {
	case EventSubmitted:
		return what + "sent as " + t.TxHash.Hex()
	case EventMined:
		return what + fmt.Sprintf("mined in block %d as %s", t.Block.Number, t.TxHash.Hex())
	case EventUnmined:
		return e.Text + ": " + t.TxHash.Hex()
	}
	return t.TxHash.Hex() + " is final"
}

var windowWords = map[OperationState]string{
	OperationUnset:    "not in the timelock any more",
	OperationWaiting:  "waits in the timelock again",
	OperationReady:    "the timelock's window is open",
	OperationDone:     "the timelock has executed it",
	OperationExpired:  "the timelock's window has closed",
	OperationCanceled: "canceled in the timelock, not final yet",
	OperationBlocked:  "the timelock blocks it",
	OperationUnknown:  "the timelock could not be read",
}

// spoken is what people did.
func spoken(e Event) telling {
	switch e.Type {
	case EventWithdrawn:
		if strings.HasSuffix(e.Text, "two members") {
			return telling{ours: "withdrew it, the second member to ask for that"}
		}
		if strings.Contains(e.Text, "wallet") {
			return telling{ours: "took it down: " + e.Text}
		}
		return telling{ours: "withdrew it"}
	case EventDisclosed:
		return telling{ours: "made it public"}
	case EventReleased:
		return telling{ours: "gave the word to send it"}
	case EventExtended:
		if e.Text != "" {
			return telling{ours: "open until " + instant(*e.Until) + ", for " + e.Text}
		}
		return telling{ours: "extended it until " + instant(*e.Until)}
	}
	switch e.Opinion.What {
	case "onit":
		return telling{"is on it", e.Opinion.Text}
	case "cant":
		return telling{"cannot sign now", e.Opinion.Text}
	case "withdraw":
		return telling{ours: "asks to withdraw it, which is not enough alone"}
	case "join":
		return telling{"asks for the same", e.Opinion.Text}
	case "lift":
		return telling{"takes the objection back", e.Opinion.Text}
	case "approve":
		return telling{"approves it with a wallet, as " + strings.Join(e.Opinion.Roles, ", "), e.Opinion.Text}
	}
	if e.Opinion.Wallet != (common.Address{}) {
		return telling{"objects with the wallet " + e.Opinion.Wallet.Hex(), e.Opinion.Text}
	}
	return telling{"objects", e.Opinion.Text}
}

// findings tells what a reading found that nothing follows from yet. One that decides is told by what it decided.
func findings(conditions []Postcondition) telling {
	switch {
	case !slices.ContainsFunc(conditions, func(c Postcondition) bool { return c.Value == "" || !c.Final }):
		return telling{}
	case slices.ContainsFunc(conditions, func(c Postcondition) bool { return !c.OK }):
		return telling{"the chain does not say yet what it should", listed(conditions)}
	}
	return telling{"the chain says already what it should, not final yet", listed(conditions)}
}

// listed quotes postconditions with what was read.
func listed(conditions []Postcondition) string {
	lines := make([]string, 0, len(conditions))
	for _, c := range conditions {
		switch {
		case c.OK:
			lines = append(lines, c.Text)
		case c.Value == "":
			lines = append(lines, c.Text+": could not be read")
		default:
			lines = append(lines, c.Text+": NO, it is "+c.Value)
		}
	}
	return strings.Join(lines, "; ")
}

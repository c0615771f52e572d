package relay_test

import (
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

var (
	firstHash  = common.Hash{0x01}
	secondHash = common.Hash{0x02}
	theirs     = common.Hash{0xff}
)

const headNumber = 100

// scene is a submission with two attempts at nonce 7, both sent one block ago, and a chain that knows nothing of them.
type scene struct {
	s governance.Submission
	f relay.Facts
}

func newScene() scene {
	return scene{
		s: governance.Submission{
			ID: "P-1/direct/0x01", Relayer: normalKey, Nonce: 7, Gas: 200_000, State: governance.SubmissionAccepted, CreatedAt: start,
			Attempts: []governance.Attempt{
				{Hash: firstHash, FeeCap: gweiText(20), TipCap: gweiText(1), Block: headNumber - 4, At: start.Add(-time.Minute), Taken: true},
				{Hash: secondHash, FeeCap: gweiText(30), TipCap: gweiText(2), Block: headNumber - 1, At: start, Taken: true},
			},
		},
		f: relay.Facts{
			Head: safe.Block{Number: headNumber}, Account: safe.Account{Nonce: 7, Balance: gwei(1e9)}, Confirmations: 2,
			Receipts: map[common.Hash]*safe.Receipt{firstHash: nil, secondHash: nil},
			Fees:     safe.Fees{BaseFee: gwei(10), Tip: gwei(1)}, Caps: caps,
		},
	}
}

func gweiText(n uint64) string { g := gwei(n); return g.Dec() }

// minedIn puts the second attempt into a block.
func (c *scene) minedIn(block uint64, succeeded bool) {
	c.f.Account.Nonce = 8
	c.f.Receipts[secondHash] = &safe.Receipt{TxHash: secondHash, Block: safe.Block{Number: block}, Succeeded: succeeded}
}

// known records that the second attempt was seen mined.
func (c *scene) known() { c.s.State, c.s.Mined = governance.SubmissionMined, secondHash }

// rival lets another submission of the key want the same nonce, with a higher bid.
func (c *scene) rival(id string, emergency, spent bool) {
	c.f.Others = append(c.f.Others, relay.Carried{Spent: spent, Submission: governance.Submission{
		ID: id, Relayer: normalKey, Nonce: 7, Emergency: emergency, State: governance.SubmissionAccepted, CreatedAt: start.Add(time.Minute),
		Attempts: []governance.Attempt{{Hash: theirs, FeeCap: gweiText(80), TipCap: gweiText(8)}},
	}})
}

func TestNext(t *testing.T) {
	for _, row := range []struct {
		name string
		set  func(*scene)
		at   time.Duration // wall time since the last attempt
		want string        // the action's type and what it must say
	}{
		// Its signatures.
		{"signatures of owners who left are exchanged at once", func(c *scene) { c.f.Bundle = relay.BundleAnew }, 0, "Replace its signatures were collected anew"},
		{"what the Safe would refuse is not sent again", func(c *scene) { c.f.Bundle = relay.BundleShort }, 0, "Wait owners changed"},
		{"nor signed with another nonce", func(c *scene) { c.f.Bundle = relay.BundleShort; c.f.Account.Nonce = 8 }, 0, "Wait owners changed"},
		{"nor signed again after it was refused", func(c *scene) { c.f.Bundle = relay.BundleShort; c.minedIn(headNumber, false); c.known() }, 0, "Wait owners changed"},
		{"nor sent on a guess", func(c *scene) { c.f.Bundle = relay.BundleShort; delete(c.f.Receipts, firstHash) }, 0, "Wait not every receipt"},
		// On its way.
		{"on every block the last bytes are sent again", func(*scene) {}, 0, "Broadcast 02"},
		{"stored bytes that nobody has seen are sent", func(c *scene) { c.s.State = governance.SubmissionSigned }, 0, "Broadcast 02"},
		{"a routine transaction waits three blocks", func(c *scene) { c.f.Head.Number += 1 }, time.Minute, "Broadcast 02"},
		{"and on a fast chain 36 seconds", func(c *scene) { c.f.Head.Number += 200 }, 35 * time.Second, "Broadcast 02"},
		{"then it is replaced", func(c *scene) { c.f.Head.Number += 2 }, 36 * time.Second, "Replace not mined for 3 blocks"},
		{"a clock that was set back holds nothing up", func(c *scene) { c.f.Head.Number += 2 }, -time.Hour, "Replace not mined"},
		{"an emergency is replaced on the next block", func(c *scene) { c.s.Emergency = true }, 0, "Replace emergency, not in block 100"},
		{"what no provider took is not paid more for", func(c *scene) { c.s.Emergency, c.s.Attempts[1].Taken = true, false }, time.Hour, "Broadcast 02"},
		{"unless its fee is what they find wrong", func(c *scene) {
			c.s.Emergency, c.s.Attempts[1].Taken, c.s.Attempts[1].TooLow = true, false, true
		}, 0, "Replace emergency, not in block 100"},
		{"but not twice on one block", func(c *scene) { c.s.Emergency = true; c.f.Head.Number-- }, 0, "Broadcast 02"},
		{"a head that lags is no new block", func(c *scene) { c.s.Emergency = true; c.f.Head.Number -= 50 }, 0, "Broadcast 02"},
		// keep-common's MiningWaiter gives up here without a word.
		{"at the cap the last bytes go on being sent, and people are told", func(c *scene) { c.f.Head.Number += 2; c.f.Caps.MaxFee = gwei(30) }, time.Minute, "Hold 02 the fee cap leaves no room"},
		{"an emergency at the cap is told too", func(c *scene) { c.s.Emergency = true; c.f.Caps.EmergencyMaxFee = gwei(30) }, 0, "Hold 02 the fee cap leaves no room"},
		{"what the balance does not pay is no replacement", func(c *scene) { c.f.Head.Number += 2; c.f.Account.Balance = gwei(31 * 200_000) }, time.Minute, "Hold 02 31 gwei per gas"},
		{"an unfunded relayer is told, and sent for all the same", func(c *scene) { c.f.Account.Balance = gwei(29 * 200_000) }, 0, "Hold 02 holds 0.0058 ether: not enough for 200000 gas at 30 gwei"},
		{"a relayer that was delegated is told", func(c *scene) { c.f.Account.HasCode = true }, 0, "Hold 02 EIP-7702"},
		{"a stored fee that cannot be read is told", func(c *scene) { c.s.Attempts[1].FeeCap = "?" }, 0, "Hold 02 stored fee cap"},
		{"an earlier stored fee that cannot be read is told", func(c *scene) { c.s.Attempts[0].TipCap = "?"; c.f.Head.Number += 2 }, time.Minute, "Hold 02 stored tip cap"},
		{"what makes room for an emergency is not sent again", func(c *scene) { c.f.Yields = "room" }, 0, "Yield room"},
		{"nor raised", func(c *scene) { c.f.Yields = "room"; c.f.Head.Number += 20 }, time.Hour, "Yield room"},
		{"nor signed for the first time", func(c *scene) { c.f.Yields = "room"; c.s.Attempts = nil }, 0, "Yield room"},
		{"nor sent on a guess while it makes room", func(c *scene) { c.f.Yields = "room"; delete(c.f.Receipts, firstHash) }, 0, "Wait not every receipt"},
		{"what is mined all the same is told", func(c *scene) { c.f.Yields = "room"; c.minedIn(100, true) }, 0, "MarkMined 02"},
		{"without stored bytes it is signed anew", func(c *scene) { c.s.Attempts = nil }, 0, "Renonce no signed transaction"},
		{"one that has ended is left alone", func(c *scene) { c.s.State = governance.SubmissionFinal }, 0, "Wait no transaction"},

		// Mined.
		{"a receipt is told at once", func(c *scene) { c.minedIn(100, true) }, 0, "MarkMined 02"},
		{"any attempt may be the one", func(c *scene) {
			c.f.Receipts[firstHash] = &safe.Receipt{TxHash: firstHash, Block: safe.Block{Number: 99}, Succeeded: true}
		}, 0, "MarkMined 01"},
		{"a reverted one is mined too", func(c *scene) { c.minedIn(100, false) }, 0, "MarkMined 02 reverted"},
		{"one confirmation of two is not final", func(c *scene) { c.minedIn(100, true); c.known() }, 0, "Wait mined, 1 confirmations"},
		{"two of two are", func(c *scene) { c.minedIn(99, true); c.known() }, 0, "MarkFinal"},
		{"a receipt above our head counts nothing", func(c *scene) { c.minedIn(101, true); c.known() }, 0, "Wait mined, 0 confirmations"},
		{"with finality asked for, depth is not enough", func(c *scene) { c.minedIn(50, true); c.known(); c.f.Confirmations = 0; c.f.Finalized = 49 }, 0, "Wait mined"},
		{"the finalized block is", func(c *scene) { c.minedIn(50, true); c.known(); c.f.Confirmations = 0; c.f.Finalized = 50 }, 0, "MarkFinal"},
		{"a reorganisation that took it is noticed", func(c *scene) { c.known() }, 0, "Unmined 02"},
		{"after one, another attempt may be in", func(c *scene) { c.minedIn(100, true); c.s.State, c.s.Mined = governance.SubmissionMined, firstHash }, 0, "MarkMined 02"},
		{"reverted, and the subject still wanted: again, once it simulates", func(c *scene) { c.minedIn(100, false); c.known() }, 0, "Renonce! was mined in block 100 and reverted"},
		{"reverted, because another did it: moot", func(c *scene) {
			c.minedIn(99, false)
			c.known()
			c.f.Subject = relay.Subject{Done: true, By: theirs, Block: 98}
		}, 0, "Moot done by transaction 0xff"},
		{"but not before that is deep enough", func(c *scene) { c.minedIn(99, false); c.known(); c.f.Subject = relay.Subject{Done: true, Block: 100} }, 0, "Wait done by another transaction, not deep enough"},
		{"nor before ours is", func(c *scene) { c.minedIn(100, false); c.known(); c.f.Subject = relay.Subject{Done: true, Block: 98} }, 0, "Wait mined, 1 confirmations"},
		{"mined, but the Safe says it failed: final without effect", func(c *scene) { c.minedIn(99, true); c.known(); c.f.Subject = relay.Subject{Dead: true, Block: 99} }, 0, "MarkFinal"},

		// The nonce went elsewhere.
		{"nonce used by another transaction, subject wanted: a fresh nonce", func(c *scene) { c.f.Account.Nonce = 8 }, 0, "Renonce relayer nonce 7 went to another transaction"},
		{"seen mined, then replaced by a stranger in a reorganisation: a fresh nonce", func(c *scene) { c.known(); c.f.Account.Nonce = 8 }, 0, "Renonce relayer nonce 7"},
		{"nonce used, subject done by whomever: success", func(c *scene) { c.f.Account.Nonce = 8; c.f.Subject = relay.Subject{Done: true, By: theirs, Block: 99} }, 0, "Moot done by transaction"},
		{"once it is deep enough", func(c *scene) { c.f.Account.Nonce = 8; c.f.Subject = relay.Subject{Done: true, Block: 100} }, 0, "Wait not deep enough"},
		{"nonce used, subject dead: moot", func(c *scene) {
			c.f.Account.Nonce = 8
			c.f.Subject = relay.Subject{Dead: true, Why: "the operation was cancelled"}
		}, 0, "Moot the operation was cancelled"},
		{"receipts that could not be read prove nothing", func(c *scene) { c.f.Account.Nonce = 8; delete(c.f.Receipts, firstHash) }, 0, "Wait not every receipt"},
		{"and do not unmine", func(c *scene) { c.known(); delete(c.f.Receipts, secondHash) }, 0, "Wait not every receipt"},
		{"but sending goes on", func(c *scene) { c.f.Receipts = nil }, 0, "Broadcast 02"},

		// Nobody needs it any more.
		{"done by another while ours is on its way: it is not sent again", func(c *scene) { c.f.Subject = relay.Subject{Done: true, By: theirs, Block: 90} }, time.Hour, "Wait its nonce goes to the next submission"},
		{"a bid too high to be outbid is sent on", func(c *scene) { c.f.Subject.Done = true; c.s.Attempts[1].FeeCap = gweiText(299) }, time.Hour, "Broadcast 02"},
		{"after three hours it is closed", func(c *scene) { c.f.Subject = relay.Subject{Done: true, By: theirs, Block: 90} }, 3 * time.Hour, "Moot done by transaction"},
		{"not while what did it is shallow", func(c *scene) { c.f.Subject = relay.Subject{Done: true, Block: 100} }, 3 * time.Hour, "Wait not deep enough"},
		{"dead without a reason says so in words", func(c *scene) { c.f.Subject = relay.Subject{Dead: true} }, 3 * time.Hour, "Moot it cannot happen any more"},

		// Other submissions of the key.
		{"an emergency took the nonce: it waits", func(c *scene) { c.rival("P-2/direct/0x", true, false) }, time.Hour, "Wait given to another submission"},
		{"even when receipts could not be read", func(c *scene) { c.rival("P-2/direct/0x", true, false); c.f.Receipts = nil }, 0, "Wait not every receipt"},
		{"the emergency turned out unneeded: its bid is outbid", func(c *scene) { c.rival("P-2/direct/0x", true, true) }, 0, "Replace nobody needs"},
		{"an emergency does not leave its nonce to a routine one", func(c *scene) { c.s.Emergency = true; c.f.Head.Number--; c.rival("P-2/direct/0x", false, false) }, 0, "Replace"},
		{"the emergency was mined: a fresh nonce", func(c *scene) { c.rival("P-2/direct/0x", true, false); c.f.Account.Nonce = 8 }, 0, "Renonce"},

		// The chain went back behind our nonce.
		{"an earlier submission comes first", func(c *scene) {
			c.f.Account.Nonce = 6
			c.rival("P-2/direct/0x", false, false)
			c.f.Others[0].Submission.Nonce = 6
		}, time.Hour, "Broadcast 02"},
		{"none does: sign at the chain's nonce", func(c *scene) { c.f.Account.Nonce = 6 }, 0, "Renonce went back to relayer nonce 6"},
		{"one that nobody needs does not count", func(c *scene) {
			c.f.Account.Nonce = 6
			c.rival("P-2/direct/0x", false, true)
			c.f.Others[0].Submission.Nonce = 6
		}, 0, "Renonce"},
		{"a reading no newer than our signature proves nothing", func(c *scene) { c.f.Account.Nonce = 6; c.f.Head.Number-- }, 0, "Broadcast 02"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newScene()
			row.set(&c)
			got := describe(relay.Next(c.s, c.f, start.Add(row.at)))
			kind, rest, _ := strings.Cut(row.want, " ")
			if !strings.HasPrefix(got, kind+" ") && got != kind {
				t.Fatalf("got %q, want %q", got, row.want)
			}
			if attempt, text, ok := strings.Cut(rest, " "); ok && len(attempt) == 2 {
				if !strings.Contains(got, " "+attempt+" ") {
					t.Errorf("got %q, want %q", got, row.want)
				}
				rest = text
			}
			if !strings.Contains(got, rest) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// describe writes an action as the table does: type, first byte of a hash, text.
func describe(a relay.Action) string {
	id := func(h common.Hash) string { return strings.TrimPrefix(h.Hex(), "0x")[:2] }
	switch a := a.(type) {
	case relay.Wait:
		return "Wait " + a.Why
	case relay.Broadcast:
		return "Broadcast " + id(a.Attempt.Hash)
	case relay.Replace:
		return "Replace " + a.Why
	case relay.Renonce:
		if a.Simulate {
			return "Renonce! " + a.Why
		}
		return "Renonce " + a.Why
	case relay.MarkMined:
		if a.Reverted {
			return "MarkMined " + id(a.Hash) + " reverted"
		}
		return "MarkMined " + id(a.Hash)
	case relay.Unmined:
		return "Unmined " + strings.ReplaceAll(a.Why, "0x", "")
	case relay.MarkFinal:
		return "MarkFinal"
	case relay.Moot:
		return "Moot " + a.Why
	case relay.Yield:
		return "Yield " + a.Why
	case relay.Hold:
		return "Hold " + id(a.Attempt.Hash) + " " + a.Why
	default:
		return "nothing"
	}
}

func TestAReplacementOutbidsEveryRivalAtTheNonce(t *testing.T) {
	c := newScene()
	c.rival("P-2/direct/0x", true, true)
	got, ok := relay.Next(c.s, c.f, start).(relay.Replace)
	if !ok {
		t.Fatal("no replacement")
	}
	raised(t, c.f.Others[0].Submission.Attempts[0], got.Bid)
}

func TestAfter(t *testing.T) {
	s := newScene().s
	s.State = governance.SubmissionSigned
	s.Problem = "some"
	accepted := relay.Broadcast{Attempt: s.Attempts[1]}.After(s)
	if accepted.State != governance.SubmissionAccepted || accepted.Problem != "" {
		t.Errorf("a provider took it: %q, %q", accepted.State, accepted.Problem)
	}
	mined := relay.MarkMined{Hash: secondHash}.After(accepted)
	if mined.State != governance.SubmissionMined || mined.Mined != secondHash || mined.Problem != "" {
		t.Errorf("mined: %+v", mined)
	}
	if again := (relay.Broadcast{}).After(mined); again.State != governance.SubmissionMined {
		t.Errorf("a late acceptance took a mined one back to %q", again.State)
	}
	if reverted := (relay.MarkMined{Hash: secondHash, Reverted: true}).After(accepted); !reverted.Open() || reverted.Problem == "" {
		t.Errorf("mined and reverted: %+v", reverted)
	}
	if back := (relay.Unmined{Why: "reorganised"}).After(mined); back.State != governance.SubmissionAccepted || back.Mined != (common.Hash{}) {
		t.Errorf("unmined: %+v", back)
	}
	if final := (relay.MarkFinal{}).After(mined); final.State != governance.SubmissionFinal || final.Open() {
		t.Errorf("final: %+v", final)
	}
	if moot := (relay.Moot{Why: "done"}).After(accepted); moot.State != governance.SubmissionMoot || moot.Open() || moot.Problem != "done" {
		t.Errorf("moot: %+v", moot)
	}
	if held := (relay.Hold{Why: "no gas"}).After(accepted); held.State != governance.SubmissionAccepted || held.Problem != "no gas" {
		t.Errorf("held: %+v", held)
	}
}

func TestAReplacementKeepsEveryEarlierAttempt(t *testing.T) {
	s := newScene().s
	third := governance.Attempt{Hash: common.Hash{3}}
	one, other := relay.Replace{}.After(s, third), relay.Replace{}.After(s, governance.Attempt{Hash: common.Hash{4}})
	if len(one.Attempts) != 3 || one.Attempts[2].Hash != third.Hash || len(s.Attempts) != 2 {
		t.Errorf("attempts are %v", one.Attempts)
	}
	if other.Attempts[2].Hash == one.Attempts[2].Hash {
		t.Error("two copies of a submission share their attempts")
	}
}

func TestANewNonceDropsTheAttemptsOfTheOldOne(t *testing.T) {
	s := newScene().s
	s.State, s.Mined = governance.SubmissionMined, firstHash
	fresh := governance.Attempt{Hash: common.Hash{3}}
	got := relay.Renonce{Why: "used up"}.After(s, relay.KeyChoice{Address: emergencyOne, Nonce: 9}, fresh)
	if got.Relayer != emergencyOne || got.Nonce != 9 || len(got.Attempts) != 1 || got.State != governance.SubmissionSigned || got.Mined != (common.Hash{}) {
		t.Errorf("got %+v", got)
	}
}

func TestTheOrderIsTheSubmissionAtTheBid(t *testing.T) {
	s := newScene().s
	s.To, s.Data = common.Address{5}, []byte{1, 2}
	bid := relay.Bid{FeeCap: gwei(9), TipCap: gwei(1)}
	order := relay.Order(s, 1, bid)
	if order.ChainID != 1 || order.To != s.To || string(order.Data) != string(s.Data) || order.Nonce != 7 || order.Gas != s.Gas ||
		order.FeeCap != bid.FeeCap || order.TipCap != bid.TipCap {
		t.Errorf("order is %+v", order)
	}
	a := relay.Attempt([]byte{9}, firstHash, bid, safe.Block{Number: 5}, start)
	if a.FeeCap != "9000000000" || a.TipCap != "1000000000" || a.Block != 5 || !a.At.Equal(start) || a.Hash != firstHash || string(a.Raw) != "\x09" {
		t.Errorf("attempt is %+v", a)
	}
}

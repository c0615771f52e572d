package governance_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

var updateViews = flag.Bool("update", false, "write the golden views anew")

// facts are what a View of the tale needs besides the proposal.
func (s *tale) facts() governance.Facts {
	f := governance.Facts{PublicID: "kq3vd", PublicURL: "https://belay.example.org", Explorer: "https://etherscan.io", Confirmations: 2,
		Head: safe.Block{Number: 102}, Members: map[common.Address]string{owners[0]: "alice", owners[1]: "bob"}}
	for i, e := range s.events {
		f.Events = append(f.Events, governance.Recorded{Seq: uint64(100 + 3*i), Proposal: "P-1", Event: e})
	}
	return f
}

func (s *tale) view(a governance.Audience) governance.View {
	s.t.Helper()
	v, ok := governance.NewView(s.p, s.facts(), governance.Viewer{Audience: a})
	if !ok {
		s.t.Fatalf("audience %d may not see it in %s", a, s.p.State)
	}
	return v
}

// lives are one proposal in each state that people look at.
func lives(t *testing.T) map[string]*tale {
	t.Helper()
	pause := func() *tale { return signed(t, governance.KindPause, 1, false) }
	mined := func() *tale { s := pause(); return s.does(s.ran(0, true, 101)) }
	final := func() *tale { s := mined(); return s.does(s.deep()) }
	late := signed(t, governance.KindParameter, 0, false)
	late.does(seen(7, 101, 3, owners...))
	late.now = late.p.ExpiresAt
	ready := queued(t).does(window(governance.OperationReady))
	blind := proposed(t, governance.KindPause, 1, false)
	blind.p.Blind, blind.p.Safe.Verified, blind.p.Simulation = "the providers do not agree on the Safe (2 of 3 are silent); its nonce and owners are one provider's word", safe.VerifiedByProvider, nil
	agreed := proposed(t, governance.KindPause, 1, false)
	agreed.p.Blind, agreed.p.Unagreed, agreed.p.Simulation = blind.p.Blind, true, nil
	agreed.does(seen(7, 120, 2, owners...))
	forced := proposed(t, governance.KindPause, 1, false).does(governance.Speak{Opinion: governance.Opinion{Member: "bob", What: "onit"}})
	forced.p.Forced, forced.p.Simulation = "alice", &safe.Simulation{Block: 100, Error: "Error: paused already"}
	loaded := signed(t, governance.KindParameter, 0, false).does(governance.Withdraw{Member: "alice"}).does(governance.Withdraw{Member: "bob"})
	withdrawn := proposed(t, governance.KindPause, 0, false).does(governance.Withdraw{Member: "alice"})
	return map[string]*tale{
		"proposed":    proposed(t, governance.KindPause, 1, false).does(governance.Speak{Opinion: governance.Opinion{Member: "carol", What: "object", Text: "are we sure?"}}),
		"approved":    pause(),
		"blind":       blind,
		"agreed":      agreed,
		"forced":      forced,
		"loaded":      loaded,
		"scheduling":  proposed(t, governance.KindParameter, 0, true),
		"mined":       mined(),
		"executed":    final().proves("true"),
		"undone":      final().proves("true").reread("false", 140),
		"ineffective": final().proves("false"),
		"unproven":    final().proves(""),
		"queued":      queued(t),
		"ready":       ready,
		"canceled":    withdrawn,
		"expired":     late.does(governance.Tick{}),
		"superseded":  signed(t, governance.KindParameter, 0, false).loses(0),
	}
}

func TestViewsAreWhatWasReviewed(t *testing.T) {
	for name, s := range lives(t) {
		s.golden(name+".war_room", governance.AudienceWarRoom)
		s.p.Disclosed = true
		s.golden(name+".public", governance.AudiencePublic)
	}
}

func (s *tale) golden(name string, a governance.Audience) {
	s.t.Helper()
	got, err := json.MarshalIndent(s.view(a), "", "  ")
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join("testdata", "views", name+".json")
	if *updateViews {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(want), got) {
		s.t.Errorf("%s is not what was reviewed; run with -update and review the difference\n%s", path, got)
	}
}

func TestTheStatusLineSaysWhereItStands(t *testing.T) {
	want := map[string]string{
		"proposed": "Needs 2 more", "blind": "Needs 2 more", "agreed": "Needs 2 more", "forced": "Needs 2 more", "scheduling": "Needs 2 more", "loaded": "Canceled: withdrawn by two members", "approved": "Quorum reached, sending", "mined": "Mined, 2 of 2",
		"executed": "USDC is paused, checked at block 101", "undone": "UNDONE: it took effect, and at block 140 it does not hold any more", "ineffective": "EXECUTED WITHOUT EFFECT: it is final on chain, and the chain does not say what it should",
		"unproven": "Final, checking the effect", "queued": "Waiting in the timelock, opens 1970-01-01T00:33:20Z", "ready": "The window is open. Sending",
		"canceled": "Canceled: withdrawn by its proposer", "expired": "Expired: nobody completed the signatures in time",
		"superseded": "Superseded: transaction " + common.Hash{66}.Hex() + " used nonce 7 of the Safe",
	}
	for name, s := range lives(t) {
		if got := s.view(governance.AudienceWarRoom).Status; got != want[name] {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
}

func TestTheStatusLineFollowsWhatIsSentNow(t *testing.T) {
	s := signed(t, governance.KindPause, 1, false)
	s.does(governance.Sent{Transaction: governance.Transaction{TxHash: common.Hash{42}, Role: governance.PurposeDirect, SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx}})
	if got := s.view(governance.AudienceWarRoom).Status; got != "Sent, not mined yet" {
		t.Errorf("sent: %q", got)
	}
	s.loses(0) // what was sent for the lost nonce says nothing of the spare
	if got := s.view(governance.AudienceWarRoom).Status; got != "Needs 2 more" {
		t.Errorf("on its spare: %q", got)
	}
	q := queued(t).does(governance.Final{Transaction: governance.Transaction{}}).does(window(governance.OperationReady)).runs(102)
	if got := q.view(governance.AudienceWarRoom).Status; got != "The window is open. Mined, 1 of 2" {
		t.Errorf("run: %q", got)
	}
}

func TestLoadedSignaturesAreTold(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, false).does(governance.Withdraw{Member: "alice"}).does(governance.Withdraw{Member: "bob"})
	told := func() bool {
		return slices.ContainsFunc(s.view(governance.AudienceWarRoom).Notes, func(n string) bool { return strings.HasPrefix(n, "LOADED") })
	}
	if !told() {
		t.Error("a withdrawn proposal whose signatures work says nothing")
	}
	if s.does(seen(8, 130, 2, owners...)); told() {
		t.Error("its nonce is gone, and it is still called loaded")
	}
}

func TestAYesOfSomeoneWhoIsNoOwnerAnyMoreIsNotShown(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false).does(seen(7, 101, 2, owners[0], owners[2]))
	if v := s.view(governance.AudienceWarRoom); len(v.Confirmations) != 1 || v.Status != "Needs 1 more" {
		t.Errorf("%d confirmations, %q", len(v.Confirmations), v.Status)
	}
}

// contractFields are the public contract's paragraph "A proposal".
const contractFields = `id public_id state kind playbook playbook_hash title reason proposer created_at expires_at visibility
safe.name safe.chain_id safe.address safe.version safe.verified calls dangers simulation safe_txs
nonce safe_tx domain_hash message_hash safe_tx_hash confirmations threshold owners timelock transactions execution postconditions undo events
safe_tx.to safe_tx.value safe_tx.data safe_tx.operation safe_tx.safe_tx_gas safe_tx.base_gas safe_tx.gas_price safe_tx.gas_token safe_tx.refund_receiver safe_tx.nonce
calls[].to calls[].label calls[].value calls[].data calls[].function calls[].args calls[].text dangers[].code dangers[].text
simulation.ok simulation.block simulation.provider simulation.changes simulation.error simulation.burnable
simulation.changes[].what simulation.changes[].before simulation.changes[].after
safe_txs[].purpose safe_txs[].state safe_txs[].nonce safe_txs[].safe_tx safe_txs[].domain_hash safe_txs[].message_hash safe_txs[].safe_tx_hash
safe_txs[].confirmations safe_txs[].transaction confirmations[].owner confirmations[].member confirmations[].kind confirmations[].at confirmations[].via
timelock.name timelock.kind timelock.operation_id timelock.state timelock.opens_at timelock.closes_at
transactions[].role transactions[].tx_hash transactions[].status transactions[].block transactions[].at
postconditions[].text postconditions[].value postconditions[].ok postconditions[].block
events[].seq events[].at events[].type events[].by events[].text`

func TestEveryFieldOfTheContractIsThere(t *testing.T) {
	names := map[string]bool{}
	jsonNames(reflect.TypeFor[governance.View](), "", names)
	for _, want := range strings.Fields(contractFields) {
		if !names[want] {
			t.Errorf("a proposal has no %s", want)
		}
	}
}

// jsonNames collects the path of every JSON field of a type.
func jsonNames(t reflect.Type, path string, into map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer:
		jsonNames(t.Elem(), path, into)
	case reflect.Slice:
		jsonNames(t.Elem(), path+"[]", into)
	case reflect.Struct:
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			at := strings.TrimPrefix(path+"."+name, ".")
			if into[at] = true; !strings.Contains(path, "inner") {
				jsonNames(t.Field(i).Type, at, into)
			}
		}
	}
}

func TestAbsentObjectsAreNullAndAbsentListsEmpty(t *testing.T) {
	p := governance.Apply(governance.Proposal{}, governance.Event{Type: governance.EventProposed, Draft: &governance.Proposal{ID: "P-1"}})
	v, _ := governance.NewView(p, governance.Facts{}, governance.Viewer{Audience: governance.AudienceWarRoom})
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for _, list := range strings.Fields("calls dangers safe_txs confirmations owners transactions postconditions events notes objections responders") {
		if string(got[list]) != "[]" {
			t.Errorf("%s is %s, want []", list, got[list])
		}
	}
	for _, object := range strings.Fields("simulation timelock execution undo public") {
		if string(got[object]) != "null" {
			t.Errorf("%s is %s, want null", object, got[object])
		}
	}
}

// hostile is what people and contracts say when they mean harm.
const hostile = "<script>@everyone\u202e</script>"

// dataFields hold values as data, not as sentences; every renderer escapes them like Untrusted.
var dataFields = []string{"calls[].args[].value", "simulation.changes[].before", "simulation.changes[].after", "undo.params"}

func TestHostileTextPassesOnlyAsUntrusted(t *testing.T) {
	draft := drafted(governance.KindPause, 0, false)
	draft.Reason = hostile
	draft.Calls = []governance.CallView{{Text: hostile, Args: []governance.ArgView{{Value: hostile}}}}
	draft.Simulation = &safe.Simulation{Error: hostile}
	draft.Changes = []governance.Change{{What: "x", Before: hostile, After: hostile}}
	draft.Effects = []string{hostile}
	draft.Undo, draft.UndoParams = "unpause", map[string]string{"x": hostile}
	draft.Expect[0].Text = hostile
	s := &tale{t: t, now: start}
	s.does(governance.Propose{Draft: draft}).does(governance.Speak{Opinion: governance.Opinion{Member: "bob", What: "object", Text: hostile}})
	s.does(s.ran(0, true, 101)).does(s.deep())
	p := s.reads("x" + hostile)
	p.Postconditions[0].Text = hostile
	s.does(p).is(governance.StateIneffective)
	walk(t, reflect.ValueOf(s.view(governance.AudienceWarRoom)), "")
}

// walk finds hostile text in a string that is not marked as such.
func walk(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(t, v.Elem(), path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(t, v.Index(i), path+"[]")
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walk(t, v.MapIndex(key), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			walk(t, v.Field(i), strings.TrimPrefix(path+"."+name, "."))
		}
	case reflect.String:
		if strings.Contains(v.String(), "script") && v.Type() != reflect.TypeFor[governance.Untrusted]() && !slices.Contains(dataFields, path) {
			t.Errorf("%s carries what people or contracts said, and is not Untrusted: %q", path, v)
		}
	}
}

func TestThePublicNeverReadsWhatIsOurs(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false).does(governance.Speak{Opinion: governance.Opinion{Member: "carol", What: "object", Text: "x"}})
	s.p.Disclosed, s.p.Blind, s.p.Forced = true, "https://rpc.example/key", "alice"
	f := s.facts()
	f.Submissions = []governance.Submission{{Problem: "key file /run/secrets/r1"}}
	v, _ := governance.NewView(s.p, f, governance.Viewer{})
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"P-1", "alice", "carol", "/run/secrets", "rpc.example", "objected"} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the public can read %q in %s", secret, text)
		}
	}
	for i, e := range v.Events {
		if e.Seq != uint64(i)+1 {
			t.Errorf("the public's event %d has number %d", i+1, e.Seq)
		}
	}
}

func TestWhatWasScheduledStaysShownWhenItIsVetoed(t *testing.T) {
	s := queued(t).does(vetoed()).is(governance.StateCanceled)
	if !s.p.Visible(governance.AudiencePublic) {
		t.Error("it was public while it waited, and is hidden now")
	}
}

func TestTheStoryTellsNothingTwiceAndNothingThatNobodyNeeds(t *testing.T) {
	s := signed(t, governance.KindPause, 1, false)
	s.does(governance.Confirm{SafeTxHash: s.p.SafeTxs[1].Hashes.SafeTx, Confirmation: governance.Confirmation{Owner: owners[0], Member: "alice", Kind: safe.KindECDSA}})
	s.does(s.ran(0, true, 101)).does(seen(8, 102, 2, owners...)).proves("true").does(s.deep()).proves("true")
	var story []string
	for _, e := range s.view(governance.AudienceWarRoom).Events {
		story = append(story, e.By+" "+e.Text.Raw())
	}
	tx := s.p.Transactions[0].TxHash.Hex()
	want := []string{"alice proposed Pause USDC: oracle is off", "alice signed", "bob signed", "belay enough signatures: 2 of 2", "alice signed the spare, nonce 8",
		"chain mined in block 101 as " + tx, "chain the chain says already what it should, not final yet: getPaused(usdc) = true", "chain " + tx + " is final",
		"chain final on chain, and what it should do is done"}
	if !slices.Equal(story, want) {
		t.Errorf("the story is\n%s\nwant\n%s", strings.Join(story, "\n"), strings.Join(want, "\n"))
	}
}

func TestABlindDraftSaysNothingOfCodeThatNobodyRead(t *testing.T) {
	v := lives(t)["blind"].view(governance.AudienceWarRoom)
	if len(v.Notes) != 1 || !strings.HasPrefix(v.Notes[0], "NOT VERIFIED: the providers do not agree") || v.Safe.VerifiedBy != governance.VerifiedUnread || v.Safe.Verified {
		t.Errorf("notes %q, verified by %q", v.Notes, v.Safe.VerifiedBy)
	}
}

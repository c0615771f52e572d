package governance

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Visible decides, alone in the whole program, whether an audience may see the proposal now.
func (p *Proposal) Visible(a Audience) bool {
	if a >= AudienceKey || p.Disclosed {
		return true
	}
	switch p.Policy.Visibility {
	case VisiblePublic:
		return true
	case VisibleAfterExecution:
		return p.shown()
	}
	return false
}

// shown reports whether what the embargo waits for has happened: execution, or with a timelock the schedule. What was scheduled
// once stays shown, also when it is vetoed: the chain has told it.
func (p *Proposal) shown() bool {
	switch p.State {
	case StateExecuted, StateIneffective, StateQueued, StateReady:
		return true
	}
	return p.Timelock != nil && p.Timelock.OpensAt != 0
}

// NewView makes the one picture of a proposal that a viewer may have now; false when there is none.
func NewView(p Proposal, f Facts, viewer Viewer) (View, bool) {
	if !p.Visible(viewer.Audience) {
		return View{}, false
	}
	l := look{p: p, f: f, open: viewer.Audience > AudiencePublic}
	return l.view(), true
}

// look holds what one rendering needs. Open: the war room's own words are shown, and everybody's name.
type look struct {
	p    Proposal
	f    Facts
	open bool
}

func (l look) view() View {
	p := l.p
	v := View{
		ID: p.ID, PublicID: l.f.PublicID, State: p.State, Kind: p.Kind, Playbook: p.Playbook, PlaybookHash: hash(p.PlaybookHash),
		Title: p.Title, Subject: l.subject(), Proposer: l.member(p.Proposer), CreatedAt: instant(p.CreatedAt), ExpiresAt: instant(l.until()),
		Visibility: p.Policy.Visibility, IsPublic: p.Visible(AudiencePublic),
		Safe: SafeView{Name: p.Safe.Name, Chain: p.Safe.Chain, ChainID: p.Safe.ChainID, Address: p.Safe.Address.Hex(),
			Version: p.Safe.Version.String(), Verified: p.Safe.Verified == safe.VerifiedByAddress || p.Safe.Verified == safe.VerifiedByCode, VerifiedBy: l.verifiedBy()},
		Calls: list(p.Calls), Expect: []Untrusted{}, Dangers: l.dangers(), Simulation: l.simulation(),
		Askers: []string{}, SafeTxs: []SafeTxView{}, Confirmations: []ConfirmationView{}, Threshold: p.Threshold, Owners: addresses(p.Owners), OwnerNames: l.ownerNames(),
		Timelock: l.timelock(), Transactions: []TransactionView{}, Postconditions: []PostconditionView{}, Events: l.events(),
		Objections: l.opinions(p.Objections), Responders: l.opinions(p.Responders), Approve: list(p.Policy.Approve), Approvals: l.opinions(p.Approvals), Unapproved: list(p.Unapproved()), Public: l.public(), Explorer: l.f.Explorer,
		Status: l.status(), Notes: l.notes(), Stuck: l.stuck(), Manifest: l.manifest(),
	}
	if p.Wallet != (common.Address{}) && l.names(p.Proposer) {
		v.Wallet = p.Wallet.Hex()
	}
	for _, asker := range p.Askers {
		if l.names(asker) {
			v.Askers = append(v.Askers, asker)
		}
	}
	if l.open {
		v.Collapsed = p.Crowd >= Crowded && !p.Backed() && !p.State.Ended()
		v.Reason = Untrusted(p.Reason)
	} else {
		v.ID = l.f.PublicID
	}
	v.Links = LinksView{Self: l.f.PublicURL + "/p/" + v.ID, Sign: l.f.PublicURL + "/p/" + v.ID + "/sign"}
	l.mirrorActive(&v)
	for _, e := range p.Expect {
		v.Expect = append(v.Expect, Untrusted(e.Text))
	}
	for _, t := range p.Transactions {
		v.Transactions = append(v.Transactions, transactionView(t))
	}
	if e := p.Effect(); e != nil {
		t := transactionView(*e)
		v.Execution = &t
	}
	v.Undone = len(p.Undone) > 0
	for _, c := range p.proof() {
		v.Postconditions = append(v.Postconditions, PostconditionView{Text: Untrusted(c.Text), Value: Untrusted(c.Value), OK: c.OK, Block: c.Block})
	}
	if t := p.Loaded(); t != nil && p.State.Ended() && (p.Effect() == nil || p.Usable()) {
		void := safe.Hash(p.Safe.Domain(), safe.Void(p.Safe.Address, t.Tx.Nonce)).SafeTx
		v.Loaded = &LoadedView{Nonce: t.Tx.Nonce, Usable: p.Usable(), SafeTxHash: hash(void), CheckWords: safe.CheckWords(void)}
	}
	if p.Undo != "" {
		v.Undo = &UndoView{Playbook: p.Undo, Params: maps.Clone(p.UndoParams)}
	}
	return v
}

// until is when asking ends, or the use of what was signed.
func (l look) until() time.Time {
	if end := l.p.Deadline(); !end.IsZero() {
		return end
	}
	return l.p.ExpiresAt
}

// The dangers that lie in other proposals, which the reader may not be allowed to know of.
const (
	DangerSignedBefore = "signed_before" // the same was asked for before, and its signatures still work
	DangerLoadedRival  = "loaded_rival"  // what ended can be executed in its place
	DangerDisplaces    = "displaces"     // it takes another's nonce
)

var besides = []string{DangerSignedBefore, DangerLoadedRival, DangerDisplaces}

func (l look) dangers() []DangerView {
	told := slices.DeleteFunc(list(slices.Clone(l.p.Dangers)), func(d DangerView) bool { return !l.open && slices.Contains(besides, d.Code) })
	if l.p.SafeChanged != "" {
		told = append(told, DangerView{Code: DangerSafeChanged, Text: "Since this was proposed the Safe was changed: " + l.p.SafeChanged})
	}
	return told
}

// subject is what it is about; the public is not told the inner id of another proposal.
func (l look) subject() string {
	if !l.open && strings.HasPrefix(l.p.Subject, "P-") {
		return ""
	}
	return l.p.Subject
}

// verifiedBy says how the Safe's code was recognised. Where the providers did not agree, it was not looked at.
func (l look) verifiedBy() string {
	if l.p.Blind != "" {
		return VerifiedUnread
	}
	return string(l.p.Safe.Verified)
}

// mirrorActive lays out every SafeTx and repeats the active one on top.
func (l look) mirrorActive(v *View) {
	active := l.p.Active()
	for i := range l.p.SafeTxs {
		t := &l.p.SafeTxs[i]
		s := SafeTxView{Purpose: t.Purpose, State: t.State, Nonce: t.Tx.Nonce, SafeTx: fields(t.Tx),
			DomainHash: hash(t.Hashes.Domain), MessageHash: hash(t.Hashes.Message), SafeTxHash: hash(t.Hashes.SafeTx),
			CheckWords: safe.CheckWords(t.Hashes.SafeTx), Confirmations: []ConfirmationView{}}
		for _, c := range t.Confirmations {
			if !slices.Contains(l.p.Owners, c.Owner) {
				continue // no owner any more: it counts for nothing
			}
			s.Confirmations = append(s.Confirmations, ConfirmationView{Owner: c.Owner.Hex(), Member: l.member(c.Member), Kind: string(c.Kind), At: instant(c.At), Via: c.Via})
		}
		if sent := l.carrier(func(sent Transaction) bool { return sent.SafeTxHash == t.Hashes.SafeTx }); sent != nil {
			x := transactionView(*sent)
			s.Transaction = &x
		}
		v.SafeTxs = append(v.SafeTxs, s)
		if t == active {
			v.Nonce, v.SafeTx, v.Confirmations = s.Nonce, s.SafeTx, s.Confirmations
			v.DomainHash, v.MessageHash, v.SafeTxHash, v.CheckWords = s.DomainHash, s.MessageHash, s.SafeTxHash, s.CheckWords
		}
	}
}

func (l look) simulation() *SimulationView {
	s := l.p.Simulation
	if s == nil {
		return nil
	}
	changes := make([]ChangeView, 0, len(l.p.Changes))
	for _, c := range l.p.Changes {
		changes = append(changes, ChangeView(c))
	}
	view := &SimulationView{OK: s.OK, Block: s.Block, Provider: s.Provider, Changes: changes, Effects: []Untrusted{}, Traced: l.p.Traced, Error: Untrusted(s.Error)}
	for _, e := range l.p.Effects {
		view.Effects = append(view.Effects, Untrusted(e))
	}
	if s.Sweep != nil && !s.Sweep.Doubtful {
		burnable := s.Sweep.BurnsAt != 0
		view.Burnable = &burnable
	}
	return view
}

func (l look) timelock() *TimelockView {
	o := l.p.Timelock
	if o == nil {
		return nil
	}
	return &TimelockView{Name: o.Name, Kind: o.Kind, Address: o.Address.Hex(), OperationID: hash(o.ID), State: o.State, Delay: o.Delay, OpensAt: seconds(o.OpensAt), ClosesAt: seconds(o.ClosesAt)}
}

func (l look) public() *PublicView {
	t := l.p.Public
	if t == (PublicText{}) {
		return nil
	}
	v := &PublicView{What: t.What, UsersCan: t.UsersCan}
	if t.NextUpdate > 0 && !l.p.EndedAt.IsZero() {
		next := instant(l.p.EndedAt.Add(t.NextUpdate))
		v.NextUpdate = &next
	}
	return v
}

func (l look) member(name string) string {
	if l.names(name) {
		return name
	}
	return ""
}

// names reports whether the viewer may read a member's name.
func (l look) names(member string) bool { return l.open || slices.Contains(l.f.PublicNames, member) }

func (l look) ownerNames() map[string]string {
	names := map[string]string{}
	for _, o := range l.p.Owners {
		if m := l.f.Members[o]; m != "" && l.names(m) {
			names[o.Hex()] = m
		}
	}
	return names
}

func (l look) opinions(all []Opinion) []OpinionView {
	views := []OpinionView{}
	if !l.open {
		return views
	}
	for _, o := range all {
		view := OpinionView{Member: o.Member, What: o.What, Text: Untrusted(o.Text), At: instant(o.At)}
		if o.Wallet != (common.Address{}) {
			view.Wallet = o.Wallet.Hex()
		}
		views = append(views, view)
	}
	return views
}

func fields(t safe.Tx) SafeTxFields {
	return SafeTxFields{To: t.To.Hex(), Value: t.Value.Dec(), Data: hexutil.Encode(t.Data), Operation: uint8(t.Operation), SafeTxGas: t.SafeTxGas.Dec(),
		BaseGas: t.BaseGas.Dec(), GasPrice: t.GasPrice.Dec(), GasToken: t.GasToken.Hex(), RefundReceiver: t.RefundReceiver.Hex(), Nonce: t.Nonce}
}

func transactionView(t Transaction) TransactionView {
	role := t.Role
	if role == PurposeSpare {
		role = PurposeDirect // what a reader asks is what it did; that it came from a spare is told in safe_txs
	}
	return TransactionView{Role: role, TxHash: t.TxHash.Hex(), Status: t.Status, Block: t.Block.Number, At: instant(t.At), Failed: t.Failed}
}

func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

func addresses(in []common.Address) []string {
	out := make([]string, len(in))
	for i, a := range in {
		out[i] = a.Hex()
	}
	return out
}

func hash(h common.Hash) string { return h.Hex() }

// instant is RFC 3339 in UTC, or "" for no time.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// lastSecond is the end of the year 9999, the last that RFC 3339 can write.
const lastSecond = 253402300799

// seconds is a chain time; nil for none, and for one beyond writing, which means never.
func seconds(chain uint64) *string {
	if chain == 0 || chain > lastSecond {
		return nil
	}
	s := instant(time.Unix(int64(chain), 0))
	return &s
}

func chainTime(chain uint64) string {
	if s := seconds(chain); s != nil {
		return *s
	}
	return "at chain time " + strconv.FormatUint(chain, 10)
}

package web

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	"github.com/holiman/uint256"
)

const (
	testToken = Secret("0123456789abcdef0123456789abcdef")
	testKey   = "read-capability-of-P-12"
	publicID  = "q7f3kx2m"
)

// signers are three owners of the test Safe, and a stranger.
var signers = func() []*ecdsa.PrivateKey {
	keys := make([]*ecdsa.PrivateKey, 4)
	for i := range keys {
		keys[i], _ = crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "belay test owner %d", i)))
	}
	return keys
}()

func addressOf(i int) common.Address { return crypto.PubkeyToAddress(signers[i].PublicKey) }

var testDomain = safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x5aFE000000000000000000000000000000000aBc"), Version: safe.V1_4_1}

// fake is a coordinator in memory: as strict about signatures, audiences and tokens as the real one, without a chain.
type fake struct {
	mu       sync.Mutex
	order    []string // newest first
	views    map[string]*governance.View
	keys     map[string]string
	links    map[string]bool // token → spent
	site     string          // its origin, where that is not the usual one
	proposed []coordinator.Intent
	vias     []governance.Via
	watchers []chan coordinator.Notice
	broken   error // what every use-case answers, when set
	lies     bool  // typed data is of something else than what is shown
	mute     bool  // typed data is refused: the providers do not agree
}

func newFake(views ...governance.View) *fake {
	f := &fake{views: map[string]*governance.View{}, keys: map[string]string{"P-12": testKey}, links: map[string]bool{"link-token": false}}
	for _, v := range views {
		f.order = append(f.order, v.ID)
		f.views[v.ID] = &v
	}
	return f
}

var errBrokenDisk = errors.New("open /var/lib/belay/belay.db: input/output error")

func (f *fake) find(id string) (*governance.View, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	for _, v := range f.views {
		if v.ID == id || v.PublicID == id {
			return v, nil
		}
	}
	return nil, governance.Refuse(governance.CodeNotFound, "look again", "no proposal %s", id)
}

// seen cuts a view down to its viewer.
func seen(v governance.View, viewer governance.Viewer) governance.View {
	v.SafeTxs = slices.Clone(v.SafeTxs)
	if viewer.Audience == governance.AudiencePublic {
		v.ID, v.Reason, v.Proposer, v.OwnerNames = v.PublicID, "", "", map[string]string{}
	}
	return v
}

func (f *fake) Show(_ context.Context, id string, viewer governance.Viewer) (governance.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, err := f.find(id)
	if err != nil {
		return governance.View{}, err
	}
	if !v.IsPublic && viewer.Audience == governance.AudiencePublic {
		return governance.View{}, governance.Refuse(governance.CodeNotFound, "hidden", "%s is hidden", id)
	}
	return seen(*v, viewer), nil
}

func (f *fake) List(_ context.Context, q coordinator.Query) (coordinator.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return coordinator.Page{}, f.broken
	}
	page := coordinator.Page{}
	for _, id := range f.order {
		v := *f.views[id]
		if (v.IsPublic || q.Viewer.Audience == governance.AudienceOperator) && (q.State == "" || q.State == v.State) {
			page.Views = append(page.Views, seen(v, q.Viewer))
		}
	}
	if q.Cursor == "" && len(page.Views) > 1 {
		page.Next = page.Views[len(page.Views)-1].PublicID
	}
	return page, nil
}

func (f *fake) Propose(_ context.Context, in coordinator.Intent) (coordinator.Proposed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.broken != nil:
		return coordinator.Proposed{}, f.broken
	case in.Member == "":
		return coordinator.Proposed{}, governance.Refuse(governance.CodeNotPermitted, "name a member", "nobody asks")
	case in.Playbook != "pause-reserve":
		return coordinator.Proposed{}, governance.Refuse(governance.CodeUnknownPlaybook, "see /belay help", "there is no playbook %q", in.Playbook)
	}
	joined := slices.ContainsFunc(f.proposed, func(i coordinator.Intent) bool { return i.Params["asset"] == in.Params["asset"] })
	f.proposed = append(f.proposed, in)
	v := pauseView()
	v.ID = "P-13"
	return coordinator.Proposed{View: v, Joined: joined}, nil
}

func (f *fake) Confirm(_ context.Context, in coordinator.Signed) (coordinator.Confirmed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.vias = append(f.vias, in.Via)
	v, err := f.find(in.Proposal)
	if err != nil {
		return coordinator.Confirmed{}, err
	}
	i := slices.IndexFunc(v.SafeTxs, func(t governance.SafeTxView) bool {
		return in.SafeTxHash == (common.Hash{}) || t.SafeTxHash == in.SafeTxHash.Hex()
	})
	if i < 0 {
		return coordinator.Confirmed{}, governance.Refuse(governance.CodeWrongHash, "sign what the page shows", "no such safeTxHash")
	}
	yes, err := confirmAs(in, common.HexToHash(v.SafeTxs[i].SafeTxHash), v.Owners)
	if err != nil {
		return coordinator.Confirmed{}, err
	}
	t := &v.SafeTxs[i]
	if slices.ContainsFunc(t.Confirmations, func(c governance.ConfirmationView) bool { return c.Owner == yes.Owner.Hex() }) {
		return coordinator.Confirmed{View: *v}, nil
	}
	if v.State.Ended() {
		return coordinator.Confirmed{}, governance.Refuse(governance.CodeNotOpen, "see the board", "%s has ended", v.ID)
	}
	t.Confirmations = append(slices.Clone(t.Confirmations), governance.ConfirmationView{Owner: yes.Owner.Hex(), Member: v.OwnerNames[yes.Owner.Hex()], Kind: string(yes.Kind), At: "2026-03-01T12:05:00Z", Via: in.Via})
	if i == 0 {
		v.Confirmations = t.Confirmations
		if missing := v.Threshold - len(t.Confirmations); missing > 0 {
			v.Status = fmt.Sprintf("Needs %d more", missing)
		} else {
			v.State, v.Status, t.State = governance.StateApproved, "Quorum reached, sending", governance.TxApproved
		}
	}
	return coordinator.Confirmed{View: *v, New: true}, nil
}

func confirmAs(in coordinator.Signed, hash common.Hash, owners []string) (safe.Confirmation, error) {
	all := make([]common.Address, len(owners))
	for i, o := range owners {
		all[i] = common.HexToAddress(o)
	}
	var yes safe.Confirmation
	var err error
	if in.Owner == (common.Address{}) {
		yes, err = safe.Confirm(hash, in.Signature, all)
	} else {
		yes, err = safe.ConfirmAs(in.Owner, hash, in.Signature, all)
	}
	var stranger *safe.NotOwnerError
	switch {
	case errors.As(err, &stranger):
		return yes, governance.Refuse(governance.CodeNotOwner, "sign with an owner", "this recovers to %s", stranger.Typed.Hex())
	case err != nil:
		return yes, governance.Refuse(governance.CodeMalformedSignature, "paste it whole", "%v", err)
	}
	return yes, nil
}

func (f *fake) TypedData(_ context.Context, id string, hash common.Hash, _ common.Address) (coordinator.TypedData, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, err := f.find(id)
	if err != nil {
		return nil, err
	}
	if f.mute {
		return nil, governance.Refuse(governance.CodeNoAgreement, "try again", "the providers do not agree")
	}
	for _, t := range v.SafeTxs {
		if hash == (common.Hash{}) || t.SafeTxHash == hash.Hex() {
			version, err := safe.ParseVersion(v.Safe.Version)
			if err != nil {
				return nil, err
			}
			tx := txOf(t.SafeTx)
			if f.lies {
				tx.Nonce++
			}
			return json.Marshal(safe.TypedData(safe.Domain{ChainID: v.Safe.ChainID, Safe: common.HexToAddress(v.Safe.Address), Version: version}, tx))
		}
	}
	return nil, governance.Refuse(governance.CodeWrongHash, "leave it out", "no such safeTxHash")
}

func (f *fake) Execution(_ context.Context, id string) (coordinator.Execution, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, err := f.find(id)
	if err != nil {
		return coordinator.Execution{}, err
	}
	if v.State != governance.StateApproved {
		return coordinator.Execution{}, governance.Refuse(governance.CodeNotOpen, "wait for quorum", "%s is not ready", v.ID)
	}
	return coordinator.Execution{ChainID: v.Safe.ChainID, To: common.HexToAddress(v.Safe.Address), Data: safe.EncodeExec(txOf(v.SafeTx), make([]byte, 130)), Value: "0"}, nil
}

func (f *fake) Timelocks(context.Context, governance.Viewer) ([]coordinator.Timelock, error) {
	opens := "2026-03-03T12:00:00Z"
	return []coordinator.Timelock{{Name: "core-timelock", Kind: "openzeppelin", Chain: "ethereum", Address: addressOf(3).Hex(), MinDelay: 172800,
		Operations: []coordinator.TimelockOperation{{Proposal: publicID, TimelockView: governance.TimelockView{State: governance.OperationWaiting, OperationID: common.Hash{7}.Hex(), OpensAt: &opens}}}}}, f.broken
}

func (f *fake) Nonces(context.Context) ([]governance.NonceMap, error) {
	return []governance.NonceMap{{Safe: "guardian", Nonce: 7, Free: 8, Nonces: []governance.NoncePlace{{Nonce: 7, State: governance.NonceOpen, Stands: []governance.Standing{{Proposal: "P-12"}}}}}}, f.broken
}

func (f *fake) ReadKey(id string) string { return f.keys[id] }

func (f *fake) KeyOpens(id, key string) bool { return f.keys[id] == key && key != "" }

func (f *fake) LinkData(_ context.Context, token string, wallet common.Address) (coordinator.TypedData, error) {
	if spent, ok := f.links[token]; !ok || spent {
		return nil, governance.Refuse(governance.CodeNotFound, "type /belay link again", "this link is not good any more")
	}
	document := linkDocument(wallet)
	if f.lies {
		document.Types["EIP712Domain"] = append(document.Types["EIP712Domain"], apitypes.Type{Name: "verifyingContract", Type: "address"})
		document.Domain.VerifyingContract = testDomain.Safe.Hex()
	}
	return json.Marshal(document)
}

// linkDocument is what the coordinator makes, with the empty fields that come of its type.
func linkDocument(wallet common.Address) apitypes.TypedData {
	return apitypes.TypedData{
		Types: apitypes.Types{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}},
			"Link": {{Name: "statement", Type: "string"}, {Name: "platform", Type: "string"}, {Name: "account", Type: "string"},
				{Name: "wallet", Type: "address"}, {Name: "nonce", Type: "bytes32"}, {Name: "expires", Type: "uint256"}},
		},
		PrimaryType: "Link",
		Domain:      apitypes.TypedDataDomain{Name: "Belay", Version: "1"},
		Message: apitypes.TypedDataMessage{"statement": "It moves nothing. Phrase: amber otter climbs north", "platform": "slack", "account": "U1", "wallet": wallet.Hex(),
			"nonce": common.Hash{4}.Hex(), "expires": "0x69a42e80"},
	}
}

func (f *fake) Link(ctx context.Context, token string, wallet common.Address, signature []byte) (coordinator.Member, error) {
	document, err := f.LinkData(ctx, token, wallet)
	if err != nil {
		return coordinator.Member{}, err
	}
	if signer := recoverTyped(document, signature); signer != wallet {
		return coordinator.Member{}, governance.Refuse(governance.CodeNotOwner, "sign with the wallet that you connected", "signed by %s", signer.Hex())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.links[token] = true
	return coordinator.Member{Name: "alice", Roles: []string{"signer"}}, nil
}

// spokenAt is when everything is said in these tests.
var spokenAt = time.Unix(1_800_000_000, 0)

func statement(action governance.Action, topic, text string) governance.Statement {
	return governance.Statement{Action: action, Topic: topic, Text: text, Site: "http://belay.test", At: spokenAt}
}

// offered is what this server asks a wallet to sign; a lying one asks for another action.
func (f *fake) offered(action governance.Action, topic, text string) (coordinator.TypedData, error) {
	s := statement(action, topic, text)
	if f.site != "" {
		s.Site = f.site
	}
	if f.lies {
		s.Action = governance.ActionWithdraw
	}
	return json.Marshal(s.TypedData())
}

var shortSignature = governance.Refuse(governance.CodeMalformedSignature, "paste what the wallet returned", "it has not 65 bytes")

func (f *fake) IntentData(_ context.Context, in coordinator.Intent) (coordinator.TypedData, error) {
	if len(in.Reason) > 500 {
		return nil, governance.Refuse(governance.CodeBadValue, "say it shorter", "the reason is too long")
	}
	return json.Marshal(statement(governance.ActionPropose, in.Playbook, in.Reason).TypedData())
}

func (f *fake) ProposeSigned(ctx context.Context, in coordinator.Intent, at time.Time, signature []byte) (coordinator.Proposed, error) {
	document, err := f.IntentData(ctx, in)
	if err != nil {
		return coordinator.Proposed{}, err
	}
	if len(signature) != 65 {
		return coordinator.Proposed{}, shortSignature
	}
	if !at.Equal(spokenAt) || recoverTyped(document, signature) != addressOf(0) {
		return coordinator.Proposed{}, governance.Refuse(governance.CodeNotOwner, "sign with a member's wallet", "signed by nobody known")
	}
	in.Member = "alice"
	return f.Propose(ctx, in)
}

func (f *fake) StatementData(_ context.Context, id string, action governance.Action, text string) (coordinator.TypedData, error) {
	if !action.Known() {
		return nil, governance.Refuse(governance.CodeBadValue, "object, lift, withdraw or approve", "%q is nothing that can be said", string(action))
	}
	return f.offered(action, id, text)
}

func (f *fake) State(ctx context.Context, in coordinator.Said) (governance.View, error) {
	document, err := f.StatementData(ctx, in.Proposal, in.Action, in.Text)
	if err != nil {
		return governance.View{}, err
	}
	if len(in.Signature) != 65 {
		return governance.View{}, shortSignature
	}
	wallet := recoverTyped(document, in.Signature)
	if !in.At.Equal(spokenAt) || !slices.Contains([]common.Address{addressOf(0), addressOf(1)}, wallet) {
		return governance.View{}, governance.Refuse(governance.CodeNotOwner, "sign with an owner's wallet", "signed by nobody known")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	v, err := f.find(in.Proposal)
	switch {
	case err != nil:
		return governance.View{}, err
	case f.broken != nil:
		return governance.View{}, f.broken
	case v.State.Ended():
		return governance.View{}, governance.Refuse(governance.CodeNotOpen, "see its state", "it has ended")
	}
	v.Objections = append(v.Objections, governance.OpinionView{What: string(in.Action), Text: governance.Untrusted(in.Text), Wallet: wallet.Hex()})
	return *v, nil
}

func (f *fake) Watch() (<-chan coordinator.Notice, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch := make(chan coordinator.Notice, 1024)
	f.watchers = append(f.watchers, ch)
	return ch, func() {}
}

func (f *fake) tell(notices ...coordinator.Notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range notices {
		for _, ch := range f.watchers {
			ch <- n
		}
	}
}

// change edits a stored view.
func (f *fake) change(id string, edit func(*governance.View)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f.views[id])
}

func (f *fake) view(id string) governance.View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.views[id]
}

func txOf(f governance.SafeTxFields) safe.Tx {
	t := safe.Tx{To: common.HexToAddress(f.To), Data: hexutil.MustDecode(f.Data), Operation: safe.Operation(f.Operation), Nonce: f.Nonce,
		GasToken: common.HexToAddress(f.GasToken), RefundReceiver: common.HexToAddress(f.RefundReceiver)}
	for text, n := range map[*string]interface{ SetFromDecimal(string) error }{&f.Value: &t.Value, &f.SafeTxGas: &t.SafeTxGas, &f.BaseGas: &t.BaseGas, &f.GasPrice: &t.GasPrice} {
		if err := n.SetFromDecimal(*text); err != nil {
			panic(err)
		}
	}
	return t
}

func fieldsOf(t safe.Tx) governance.SafeTxFields {
	return governance.SafeTxFields{To: t.To.Hex(), Value: t.Value.Dec(), Data: hexutil.Encode(t.Data), Operation: uint8(t.Operation), SafeTxGas: t.SafeTxGas.Dec(),
		BaseGas: t.BaseGas.Dec(), GasPrice: t.GasPrice.Dec(), GasToken: t.GasToken.Hex(), RefundReceiver: t.RefundReceiver.Hex(), Nonce: t.Nonce}
}

func safeTxView(d safe.Domain, purpose governance.Purpose, t safe.Tx) governance.SafeTxView {
	h := safe.Hash(d, t)
	return governance.SafeTxView{Purpose: purpose, State: governance.TxAsking, Nonce: t.Nonce, SafeTx: fieldsOf(t), DomainHash: h.Domain.Hex(),
		MessageHash: h.Message.Hex(), SafeTxHash: h.SafeTx.Hex(), Confirmations: []governance.ConfirmationView{}}
}

// setTxs puts SafeTxs into a view and mirrors the first.
func setTxs(v *governance.View, txs ...governance.SafeTxView) {
	v.SafeTxs = txs
	t := txs[0]
	v.Nonce, v.SafeTx, v.DomainHash, v.MessageHash, v.SafeTxHash, v.Confirmations = t.Nonce, t.SafeTx, t.DomainHash, t.MessageHash, t.SafeTxHash, t.Confirmations
}

var pauseCall = safe.Call{
	To:   common.HexToAddress("0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"),
	Data: hexutil.MustDecode("0xad2ee2fc000000000000000000000000a0b86991c6218b36c1d19d4a2e9eb0ce3606eb480000000000000000000000000000000000000000000000000000000000000001"),
}

// pauseView is P-12: a pause of USDC on a Safe of three owners, two of whom must sign, with a spare. It is not public yet.
func pauseView() governance.View {
	reserve := "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
	v := governance.View{
		ID: "P-12", PublicID: publicID, State: governance.StateProposed, Kind: governance.KindPause, Playbook: "pause-reserve", PlaybookHash: common.Hash{1}.Hex(),
		Title: "Pause an Aave reserve", Reason: "oracle off by 9 %", Proposer: "alice", CreatedAt: "2026-03-01T12:00:00Z", ExpiresAt: "2026-03-02T12:00:00Z",
		Visibility: governance.VisibleAfterExecution,
		Safe:       governance.SafeView{Name: "guardian", Chain: "ethereum", ChainID: 1, Address: testDomain.Safe.Hex(), Version: "1.4.1", Verified: true, VerifiedBy: "canonical"},
		Calls: []governance.CallView{{To: pauseCall.To.Hex(), Label: "pool configurator", Value: "0", Data: hexutil.Encode(pauseCall.Data), Function: "setReservePause(address,bool)",
			Args: []governance.ArgView{{Name: "asset", Type: "address", Value: "usdc " + reserve}, {Name: "paused", Type: "bool", Value: "true"}},
			Text: governance.Untrusted("setReservePause(asset: usdc " + reserve + ", paused: true) on pool configurator")}},
		Dangers: []governance.DangerView{},
		Simulation: &governance.SimulationView{OK: true, Block: 24_511_207, Provider: "alchemy", Effects: []governance.Untrusted{}, Changes: []governance.ChangeView{
			{What: "getPaused(asset: usdc)", Before: "false", After: "true"}}},
		Threshold: 2, Owners: []string{addressOf(0).Hex(), addressOf(1).Hex(), addressOf(2).Hex()},
		OwnerNames:   map[string]string{addressOf(0).Hex(): "alice", addressOf(1).Hex(): "bo", addressOf(2).Hex(): "carol"},
		Transactions: []governance.TransactionView{}, Postconditions: []governance.PostconditionView{},
		Undo:   &governance.UndoView{Playbook: "unpause-reserve", Params: map[string]string{"asset": "usdc"}},
		Events: []governance.EventView{{Seq: 1, At: "2026-03-01T12:00:00Z", Type: governance.EventProposed, By: "alice", Text: "Pause an Aave reserve: oracle off by 9 %"}},
		Expect: []governance.Untrusted{}, Status: "Needs 2 more", Notes: []string{}, Objections: []governance.OpinionView{}, Responders: []governance.OpinionView{}, Approve: []string{}, Approvals: []governance.OpinionView{}, Askers: []string{}, Unapproved: []string{},
		Public: &governance.PublicView{What: "USDC is paused", UsersCan: "nothing until unpaused"}, Explorer: "https://etherscan.io",
	}
	direct := safe.Tx{To: pauseCall.To, Data: pauseCall.Data, Nonce: 7}
	spare := direct
	spare.Nonce = 8
	setTxs(&v, safeTxView(testDomain, governance.PurposeDirect, direct), safeTxView(testDomain, governance.PurposeSpare, spare))
	return v
}

// publicView is P-11: a parameter change that everyone may see.
func publicView() governance.View {
	v := pauseView()
	v.ID, v.PublicID, v.State, v.Kind, v.Title = "P-11", "h4zz0ww1", governance.StateExecuted, governance.KindParameter, "Lower the supply cap of WETH"
	v.IsPublic, v.Visibility, v.Status = true, governance.VisiblePublic, "The cap is 1 000 000, checked at block 24511000"
	v.Events = []governance.EventView{{Seq: 1, At: "2026-03-01T12:00:00Z", Type: governance.EventProposed, By: "a member", Text: "Lower the supply cap of WETH"}}
	v.Public = &governance.PublicView{What: "The supply cap of WETH is 1 000 000", UsersCan: "withdraw and repay as before"}
	return v
}

// signHash signs as a wallet does, v 27 or 28.
func signHash(i int, hash string) string {
	signature, err := crypto.Sign(common.HexToHash(hash).Bytes(), signers[i])
	if err != nil {
		panic(err)
	}
	signature[64] += 27
	return hexutil.Encode(signature)
}

// typedHash is what a wallet signs of a document, by another implementation than ours.
func typedHash(document []byte) (common.Hash, error) {
	var typed apitypes.TypedData
	if err := json.Unmarshal(document, &typed); err != nil {
		return common.Hash{}, err
	}
	hash, _, err := apitypes.TypedDataAndHash(typed)
	return common.BytesToHash(hash), err
}

func recoverTyped(document, signature []byte) common.Address {
	hash, err := typedHash(document)
	if err != nil || len(signature) != 65 {
		return common.Address{}
	}
	raw := bytes.Clone(signature)
	raw[64] -= 27
	key, err := crypto.SigToPub(hash[:], raw)
	if err != nil {
		return common.Address{}
	}
	return crypto.PubkeyToAddress(*key)
}

// stubPage stands for a built page where no browser looks at it.
var stubPage = fstest.MapFS{"sign.js": {Data: []byte("//sign")}, "link.js": {Data: []byte("//link")}, "live.js": {Data: []byte("//live")}}

func testConfig() Config {
	return Config{PublicURL: "http://belay.test", APIToken: testToken, Build: Build{Version: "0.2.0", Commit: "abc1234"},
		LogHead: func(context.Context) (any, error) {
			return map[string]string{"seq": strconv.Itoa(3), "hash": common.Hash{9}.Hex()}, nil
		}}
}

func newTestServer(t *testing.T, app App) *Server {
	t.Helper()
	s, err := newServer(testConfig(), app, stubPage)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newInt(n uint64) *uint256.Int { return uint256.NewInt(n) }

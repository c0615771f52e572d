// Package testdesk is a coordinator for tests of chat: it keeps an inbox and proposals in memory and is as strict as the
// real one about members, duplicates, and what exists.
package testdesk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

// Addresses and hashes that fill the views.
const (
	SafeAddress = "0x8ba1f109551bD432803012645Ac136ddd64DBA72"
	AliceWallet = "0x00000000219ab540356cBB839Cbe05303d7705Fa"
	BobWallet   = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
	SafeTxHash  = "0x4d9f1e0c6a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5"
	checkWords  = "kila nafe zega lofa sata gifu loma kete" // made up, as the hash is
	PublicURL   = "https://belay.example.org"
)

// Desk is the coordinator. Its fields may be set before it is used.
type Desk struct {
	Books     []coordinator.PlaybookInfo
	People    map[string]coordinator.Member // by "platform/user"
	Reverting map[string]bool               // playbooks whose simulation reverts
	Uneven    string                        // a value that does not go with the others; "" for none
	Events    map[string][]governance.EventView

	mu       sync.Mutex
	down     error
	inbox    []governance.InboxEntry
	arrived  chan struct{}
	seen     map[string]bool
	views    map[string]governance.View
	intents  map[string]string
	refs     map[string][]governance.MessageRef
	Proposed []coordinator.Intent // guarded by mu
	Spoken   []string             // guarded by mu: "object P-1 alice why"
}

// New makes a desk with two playbooks of each kind, and alice, a guardian, on both platforms.
func New() *Desk {
	alice := coordinator.Member{Name: "alice", Roles: []string{"guardian"}, Discord: "104200000000000001", Slack: "U0000001"}
	return &Desk{
		Books:     Books(),
		People:    map[string]coordinator.Member{"slack/U0000001": alice, "discord/104200000000000001": alice},
		Reverting: map[string]bool{},
		Events:    map[string][]governance.EventView{},
		arrived:   make(chan struct{}, 1000),
		seen:      map[string]bool{}, views: map[string]governance.View{}, intents: map[string]string{},
		refs: map[string][]governance.MessageRef{},
	}
}

// Books are sample playbooks.
func Books() []coordinator.PlaybookInfo {
	asset := coordinator.ParamInfo{Name: "asset", Type: "address", Choices: []string{"usdc", "WETH"}, Sample: "usdc", Required: true}
	return []coordinator.PlaybookInfo{
		{Name: "pause-all", Title: "Pause everything", Kind: governance.KindPause},
		{Name: "pause-reserve", Title: "Pause a reserve", Kind: governance.KindPause, Params: []coordinator.ParamInfo{asset}, Undo: "unpause-reserve"},
		{Name: "set-ltv", Title: "Set a loan-to-value", Kind: governance.KindParameter, Params: []coordinator.ParamInfo{asset,
			{Name: "ltv", Type: "uint256", Min: "0", Max: "8000", Sample: "7500", Required: true}}},
		{Name: "unpause-reserve", Title: "Unpause a reserve", Kind: governance.KindUnpause, Params: []coordinator.ParamInfo{asset}},
	}
}

// Break makes the store refuse everything that arrives; nil mends it.
func (d *Desk) Break(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = err
}

// Receive keeps an entry once.
func (d *Desk) Receive(_ context.Context, e governance.InboxEntry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.down != nil:
		return d.down
	case e.Key == "" || e.Platform == "" || e.Kind == "" || e.ReceivedAt.IsZero():
		return fmt.Errorf("an entry lacks key, platform, kind or time: %+v", e.Key)
	case d.seen[e.Key]:
		return governance.ErrDuplicate
	}
	d.seen[e.Key] = true
	d.inbox = append(d.inbox, e)
	d.arrived <- struct{}{}
	return nil
}

// Next takes the oldest entry out, waiting for one.
func (d *Desk) Next(ctx context.Context) (governance.InboxEntry, error) {
	select {
	case <-ctx.Done():
		return governance.InboxEntry{}, fmt.Errorf("wait for an arrival: %w", ctx.Err())
	case <-d.arrived:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.inbox[0]
	d.inbox = d.inbox[1:]
	return e, nil
}

// Waiting counts the entries that nobody took.
func (d *Desk) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.inbox)
}

// Playbooks lists the sample playbooks.
func (d *Desk) Playbooks() []coordinator.PlaybookInfo { return d.Books }

// Judge knows numbers and their bounds, and that a rule may concern several values.
func (d *Desk) Judge(playbook string, params map[string]string) map[string]*governance.Refusal {
	wrong := map[string]*governance.Refusal{}
	for _, b := range d.Books {
		for _, p := range b.Params {
			value, given := params[p.Name]
			if b.Name != playbook || !given || p.Max == "" {
				continue
			}
			most, _ := strconv.Atoi(p.Max) // ours: it is a number
			if n, err := strconv.Atoi(value); err != nil {
				wrong[p.Name] = governance.Refuse(governance.CodeBadValue, p.Min+" to "+p.Max, "%s = %q cannot be read", p.Name, value)
			} else if n > most {
				wrong[p.Name] = governance.Refuse(governance.CodeOutOfBounds, p.Min+" to "+p.Max, "%s = %d is above its maximum of %s", p.Name, n, p.Max)
			}
			if value == d.Uneven {
				wrong[""] = governance.Refuse(governance.CodeInvariant, "Change one of them", "ltv <= liq_threshold does not hold")
			}
		}
	}
	return wrong
}

// Member knows People.
func (d *Desk) Member(_ context.Context, a coordinator.Actor) (coordinator.Member, []string, error) {
	m, ok := d.People[a.Platform+"/"+a.User]
	if !ok {
		return m, nil, governance.Refuse(governance.CodeNotPermitted, "ask an operator", "the %s account %s is nobody known", a.Platform, a.User)
	}
	return m, m.Roles, nil
}

// Preview drafts.
func (d *Desk) Preview(_ context.Context, in coordinator.Intent) (governance.View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.draft(in)
}

func (d *Desk) draft(in coordinator.Intent) (governance.View, error) {
	if coordinator.IsOwn(in.Playbook) {
		v := Sample()
		v.Kind, v.Title, v.Playbook, v.Proposer = governance.KindCustom, in.Playbook+" "+in.Params["proposal"]+in.Params["operation"], in.Playbook, in.Member
		return v, nil
	}
	i := slices.IndexFunc(d.Books, func(b coordinator.PlaybookInfo) bool { return b.Name == in.Playbook })
	if i < 0 {
		return governance.View{}, governance.Refuse(governance.CodeUnknownPlaybook, "", "no playbook %q", in.Playbook)
	}
	for _, refusal := range d.Judge(in.Playbook, in.Params) {
		return governance.View{}, refusal
	}
	if d.Reverting[in.Playbook] && !in.Force {
		return governance.View{}, governance.Refuse(governance.CodeSimulationReverted, "force it if you must", "at block 7 the transaction reverts: already paused")
	}
	v := Sample()
	v.Kind, v.Title, v.Playbook, v.Proposer, v.Reason, v.ID = d.Books[i].Kind, d.Books[i].Title, in.Playbook, in.Member, governance.Untrusted(in.Reason), ""
	return v, nil
}

// Propose makes a proposal, or joins the open one with the same parameters.
func (d *Desk) Propose(_ context.Context, in coordinator.Intent) (coordinator.Proposed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.draft(in)
	if err != nil {
		return coordinator.Proposed{}, err
	}
	key := in.Playbook + fmt.Sprint(in.Params)
	if id, open := d.intents[key]; open {
		return coordinator.Proposed{View: d.views[id], Joined: true}, nil
	}
	v.ID = fmt.Sprintf("P-%d", len(d.views)+1)
	v.PublicID = "pub" + v.ID
	d.Proposed = append(d.Proposed, in)
	d.views[v.ID], d.intents[key] = v, v.ID
	return coordinator.Proposed{View: v}, nil
}

// Intents gives what was proposed.
func (d *Desk) Intents() []coordinator.Intent {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.Proposed)
}

// Said gives what members said about proposals.
func (d *Desk) Said() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.Spoken)
}

// Put sets a proposal.
func (d *Desk) Put(v governance.View) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.views[v.ID] = v
}

// Show finds by either id; the public sees public ones, without names and words.
func (d *Desk) Show(_ context.Context, id string, viewer governance.Viewer) (governance.View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.views {
		if v.ID != id && v.PublicID != id {
			continue
		}
		if viewer.Audience > governance.AudiencePublic {
			return v, nil
		}
		if v.IsPublic {
			v.ID, v.Reason, v.Proposer, v.OwnerNames, v.Objections, v.Responders = v.PublicID, "", "", map[string]string{}, nil, nil
			return v, nil
		}
	}
	return governance.View{}, governance.Refuse(governance.CodeNotFound, "list what is open with `/belay status`", "there is no proposal %q that you may see", id)
}

// List gives every proposal, newest first.
func (d *Desk) List(context.Context, coordinator.Query) (coordinator.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := slices.Sorted(maps.Keys(d.views))
	slices.Reverse(ids)
	var page coordinator.Page
	for _, id := range ids {
		page.Views = append(page.Views, d.views[id])
	}
	return page, nil
}

func (d *Desk) speak(verb, id, member, text string) (governance.View, error) {
	v, err := d.Show(context.Background(), id, governance.Viewer{Audience: governance.AudienceWarRoom})
	if err != nil {
		return v, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	said := verb + " " + id + " " + member
	if text != "" {
		said += " " + text
	}
	d.Spoken = append(d.Spoken, said)
	return v, nil
}

// Object notes an objection.
func (d *Desk) Object(_ context.Context, id, member, text string) (governance.View, error) {
	return d.speak("object", id, member, text)
}

// Respond notes onit or cant.
func (d *Desk) Respond(_ context.Context, id, member, what string) (governance.View, error) {
	return d.speak(what, id, member, "")
}

// Withdraw notes a withdrawal.
func (d *Desk) Withdraw(_ context.Context, id, member string) (governance.View, error) {
	return d.speak("withdraw", id, member, "")
}

// Extend notes an extension.
func (d *Desk) Extend(_ context.Context, id, member string) (governance.View, error) {
	return d.speak("extend", id, member, "")
}

// Disclose notes a disclosure.
func (d *Desk) Disclose(_ context.Context, id, member string) (governance.View, error) {
	return d.speak("disclose", id, member, "")
}

// Release notes a release.
func (d *Desk) Release(_ context.Context, id, member string) (governance.View, error) {
	return d.speak("execute", id, member, "")
}

// Timelocks lists one.
func (d *Desk) Timelocks(context.Context, governance.Viewer) ([]coordinator.Timelock, error) {
	opens := "2026-11-20T14:02:00Z"
	return []coordinator.Timelock{{Name: "core", Kind: "openzeppelin", Chain: "ethereum", Address: BobWallet, MinDelay: 60,
		Operations: []coordinator.TimelockOperation{{Proposal: "P-1", TimelockView: governance.TimelockView{State: governance.OperationWaiting, OpensAt: &opens}}}}}, nil
}

// Nonces draws one Safe with a gap.
func (d *Desk) Nonces(context.Context) ([]governance.NonceMap, error) {
	return []governance.NonceMap{{Safe: "guardian", Chain: "ethereum", Address: BobWallet, Nonce: 7, Free: 7, Nonces: []governance.NoncePlace{
		{Nonce: 7, State: governance.NonceGap, Text: "Nothing stands here, and what is behind it waits."}, {Nonce: 8, State: governance.NonceOpen, Text: "P-1 stands here, with 0 of 2 signatures."}}}}, nil
}

// ReadKey is recognisable.
func (d *Desk) ReadKey(id string) string { return "readkey-of-" + id }

// BeginLink gives a recognisable token.
func (d *Desk) BeginLink(context.Context, coordinator.Actor) (string, string, error) {
	return PublicURL + "/link#link-token", "correct horse battery staple", nil
}

// Unlink does nothing.
func (d *Desk) Unlink(context.Context, coordinator.Actor) error { return nil }

// Messages gives the stored references.
func (d *Desk) Messages(proposal string) ([]governance.MessageRef, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.refs[proposal]), nil
}

// Remember stores references, as the coordinator's commit does.
func (d *Desk) Remember(refs []governance.MessageRef) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range refs {
		kept := slices.DeleteFunc(d.refs[r.Proposal], func(old governance.MessageRef) bool { return old.Place == r.Place })
		d.refs[r.Proposal] = append(kept, r)
	}
}

// Sample is a pause that asks for two signatures and has one.
func Sample() governance.View {
	expires := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	return SampleAt(expires)
}

// SampleAt is Sample with a fixed expiry, for golden files.
func SampleAt(expires string) governance.View {
	return governance.View{
		ID: "P-12", PublicID: "kq3v", State: governance.StateProposed, Kind: governance.KindPause, Playbook: "pause-reserve", Title: "Pause a reserve",
		Reason: "oracle off by 9 %", Proposer: "alice", CreatedAt: "2026-11-20T13:00:00Z", ExpiresAt: expires, Visibility: governance.VisibleAfterExecution,
		Safe: governance.SafeView{Name: "guardian", Chain: "ethereum", ChainID: 1, Address: SafeAddress, Version: "1.4.1", Verified: true, VerifiedBy: "canonical"},
		Calls: []governance.CallView{{To: BobWallet, Label: "market", Value: "0", Data: "0x1234", Function: "setReservePause(address,bool)",
			Text: "market " + BobWallet + ".setReservePause(asset: usdc " + AliceWallet + ", paused: true)"}},
		Dangers: []governance.DangerView{},
		Simulation: &governance.SimulationView{OK: true, Block: 21000000, Provider: "alchemy", Changes: []governance.ChangeView{{What: "getPaused(usdc)", Before: "false", After: "true"}}, Traced: true,
			Effects: []governance.Untrusted{"market " + BobWallet + " says ReservePaused(asset: usdc " + AliceWallet + ", paused: true)", "market " + BobWallet + ": 1 slot of its storage changes"}},
		SafeTxs: []governance.SafeTxView{{Purpose: governance.PurposeDirect, State: governance.TxAsking, Nonce: 7,
			SafeTx:     governance.SafeTxFields{To: BobWallet, Value: "0", Data: "0x1234", Nonce: 7},
			DomainHash: SafeTxHash, MessageHash: SafeTxHash, SafeTxHash: SafeTxHash, CheckWords: checkWords}},
		Nonce: 7, SafeTx: governance.SafeTxFields{To: BobWallet, Value: "0", Data: "0x1234", Nonce: 7}, SafeTxHash: SafeTxHash, CheckWords: checkWords,
		Confirmations: []governance.ConfirmationView{{Owner: AliceWallet, Member: "alice", Kind: "ecdsa", At: "2026-11-20T13:01:00Z", Via: governance.ViaPage}},
		Threshold:     2, Owners: []string{AliceWallet, BobWallet}, OwnerNames: map[string]string{AliceWallet: "alice", BobWallet: "bob"},
		Status: "Needs 1 more", Explorer: "https://etherscan.io",
	}
}

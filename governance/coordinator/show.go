package coordinator

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"belay/governance"
	"belay/governance/timelock"

	"github.com/ethereum/go-ethereum/common"
)

// pageSize is how many proposals a page holds.
const pageSize = 50

// warRoom is the viewer of everything that members do.
var warRoom = governance.Viewer{Audience: governance.AudienceWarRoom}

// Show gives one proposal by its inner or public id. One that the viewer may not see is not found, as is one that does not
// exist.
func (c *Coordinator) Show(_ context.Context, id string, viewer governance.Viewer) (governance.View, error) {
	p, err := c.load(id)
	if err != nil {
		return governance.View{}, err
	}
	if !p.Visible(viewer.Audience) {
		return governance.View{}, notFound(id)
	}
	return c.look(p, viewer)
}

// load reads a proposal by inner or public id.
func (c *Coordinator) load(id string) (governance.Proposal, error) {
	inner, ok := c.ids.resolve(id)
	if !ok {
		return governance.Proposal{}, notFound(id)
	}
	p, err := c.cfg.Store.Proposal(inner)
	if errors.Is(err, governance.ErrNotFound) {
		return p, notFound(id)
	}
	if err != nil {
		return p, fmt.Errorf("read %s: %w", inner, err)
	}
	return p, nil
}

// List gives a page of the proposals that the viewer may see, newest first. The cursor is the public id of the last one
// given, so that it says nothing about those between.
func (c *Coordinator) List(_ context.Context, q Query) (Page, error) {
	before := ""
	if q.Cursor != "" {
		inner, ok := c.ids.resolve(q.Cursor)
		if !ok {
			return Page{}, governance.Refuse(governance.CodeBadValue, "take next_cursor of the page before", "there is no cursor %q", q.Cursor)
		}
		before = inner
	}
	var page Page
	watched := sync.OnceValues(c.cfg.Store.Watched)
	for {
		some, err := c.cfg.Store.Proposals(before, pageSize)
		if err != nil {
			return Page{}, fmt.Errorf("list proposals: %w", err)
		}
		for _, p := range some {
			before = p.ID
			if !p.Visible(q.Viewer.Audience) || (q.State != "" && p.State != q.State) {
				continue
			}
			if len(page.Views) == pageSize {
				page.Next = page.Views[pageSize-1].PublicID
				return page, nil
			}
			v, err := c.lookAmong(p, q.Viewer, watched)
			if err != nil {
				return Page{}, err
			}
			page.Views = append(page.Views, v)
		}
		if len(some) < pageSize {
			return page, nil
		}
	}
}

// look renders a proposal for a viewer.
func (c *Coordinator) look(p governance.Proposal, viewer governance.Viewer) (governance.View, error) {
	return c.lookAmong(p, viewer, c.cfg.Store.Watched)
}

// lookAmong is look for many: what is watched is asked for only where one waits behind others, and then best read once for all.
func (c *Coordinator) lookAmong(p governance.Proposal, viewer governance.Viewer, watched func() ([]governance.Proposal, error)) (governance.View, error) {
	f := c.plainFacts(p)
	var err error
	if f.Events, err = c.cfg.Store.Events(p.ID); err != nil {
		return governance.View{}, fmt.Errorf("read the story of %s: %w", p.ID, err)
	}
	if f.Submissions, err = c.cfg.Store.SubmissionsOf(p.ID); err != nil {
		return governance.View{}, fmt.Errorf("read the submissions of %s: %w", p.ID, err)
	}
	if viewer.Audience > governance.AudiencePublic {
		if f.Ahead, err = ahead(p, watched); err != nil {
			return governance.View{}, err
		}
	}
	view, ok := governance.NewView(p, f, viewer)
	if !ok {
		return view, notFound(p.ID)
	}
	return view, nil
}

// ahead is what the Safe has to come by before it is the turn of a proposal that waits.
func ahead(p governance.Proposal, watched func() ([]governance.Proposal, error)) ([]governance.NoncePlace, error) {
	t := p.Active()
	if p.State.Ended() || t == nil || !t.Open() || t.Tx.Nonce <= p.SafeNonce {
		return nil, nil
	}
	known, err := watched()
	if err != nil {
		return nil, fmt.Errorf("read what is before %s: %w", p.ID, err)
	}
	places := governance.NewNonceMap(p.Safe, p.SafeNonce, p.ReadAt.Number, known).Nonces
	return slices.DeleteFunc(places, func(place governance.NoncePlace) bool { return place.Nonce < p.SafeNonce || place.Nonce >= t.Tx.Nonce }), nil
}

func (c *Coordinator) plainFacts(p governance.Proposal) governance.Facts {
	chain := c.cfg.Chains[p.Safe.Chain]
	return governance.Facts{
		PublicID: c.ids.publicID(p.ID), PublicURL: c.cfg.PublicURL, Explorer: chain.Explorer, Confirmations: int(chain.Confirmations), //nolint:gosec // a small depth
		Single: chain.Single, Manifest: c.cfg.Manifest, Head: c.hints.head(p.Safe.Chain), Members: c.people.byWallet, PublicNames: c.people.publicNames,
	}
}

// ReadKey is the capability to read a proposal before it is public. It goes into links for members, never into a log.
func (c *Coordinator) ReadKey(id string) string {
	inner, ok := c.ids.resolve(id)
	if !ok {
		return ""
	}
	return c.ids.readKey(inner)
}

// KeyOpens reports whether key is the read capability of the proposal, in constant time.
func (c *Coordinator) KeyOpens(id, key string) bool {
	want := c.ReadKey(id)
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(key)) == 1
}

// Playbooks lists what can be proposed, by name.
func (c *Coordinator) Playbooks() []PlaybookInfo {
	infos := make([]PlaybookInfo, 0, len(c.cfg.Playbooks))
	for _, pb := range c.cfg.Playbooks {
		info := PlaybookInfo{Name: pb.Name, Title: pb.Title, Kind: pb.Kind, Propose: pb.Policy.Propose, Undo: pb.Undo}
		for _, param := range pb.Params {
			known := ParamInfo{Name: param.Name, Type: param.Type, Sample: param.Sample, Min: param.Min, Max: param.Max, Required: param.Required}
			for _, choice := range param.Choices {
				known.Choices = append(known.Choices, choice.Name)
			}
			info.Params = append(info.Params, known)
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b PlaybookInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}

// Judge tells what is wrong with values that a person is still filling in, by parameter; see governance.Playbook.Judge. It asks no
// chain, so that a form can be answered while the person waits.
func (c *Coordinator) Judge(playbook string, params map[string]string) map[string]*governance.Refusal {
	pb, ok := c.cfg.Playbooks[playbook]
	if !ok {
		return map[string]*governance.Refusal{"": governance.Refuse(governance.CodeUnknownPlaybook, "See them with `/belay help`", "There is no playbook %q", playbook)}
	}
	return pb.Judge(params)
}

// Timelocks lists the configured timelocks with the operations that the viewer may see.
func (c *Coordinator) Timelocks(ctx context.Context, viewer governance.Viewer) ([]Timelock, error) {
	open, err := c.unended()
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	watched := sync.OnceValues(c.cfg.Store.Watched)
	out := make([]Timelock, 0, len(c.cfg.Timelocks))
	for _, t := range c.cfg.Timelocks {
		entry := Timelock{Name: t.Name, Kind: t.Kind, Chain: t.Chain, Address: t.Address.Hex(), MinDelay: c.minDelay(ctx, t), Operations: []TimelockOperation{}}
		for _, p := range open {
			if p.Timelock == nil || p.Timelock.Address != t.Address || p.Safe.Chain != t.Chain || !p.Visible(viewer.Audience) {
				continue
			}
			view, err := c.lookAmong(p, viewer, watched)
			if err != nil {
				return nil, err
			}
			entry.Operations = append(entry.Operations, TimelockOperation{Proposal: view.ID, TimelockView: *view.Timelock})
		}
		out = append(out, entry)
	}
	slices.SortFunc(out, func(a, b Timelock) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// minDelay reads a timelock's present delay in seconds, once a block; 0 while it is unknown.
func (c *Coordinator) minDelay(ctx context.Context, t TimelockConfig) uint64 {
	head := c.hints.head(t.Chain)
	if known, ok := c.hints.delay(t.Name, head); ok {
		return known
	}
	adapter, err := timelock.New(t.Kind, t.Address)
	if err != nil {
		return 0
	}
	results, err := c.cfg.Chains[t.Chain].Chain.Read(ctx, head, adapter.Params(timelock.Parties{}))
	if err != nil {
		return 0
	}
	limits, err := adapter.DeriveParams(results)
	if err != nil {
		return 0
	}
	c.hints.keepDelay(t.Name, head, limits.MinDelay)
	return limits.MinDelay
}

func marshal(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
}

func isOwner(owners []common.Address, a common.Address) bool { return slices.Contains(owners, a) }

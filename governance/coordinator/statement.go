package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Said is what a member says with a wallet.
type Said struct {
	Proposal  string // for propose: unused
	Action    governance.Action
	Text      string
	At        time.Time // as in the statement that was signed
	Signature []byte
}

// maxText bounds what a person says, in bytes.
const maxText = 500

// StatementData is what a wallet signs to object, lift, withdraw or approve. Asking changes nothing.
func (c *Coordinator) StatementData(_ context.Context, proposal string, action governance.Action, text string) (TypedData, error) {
	p, err := c.load(proposal)
	if err != nil {
		return nil, err
	}
	s, err := c.statement(p, action, text, time.Now())
	if err != nil {
		return nil, err
	}
	return marshal(s.TypedData())
}

// aboutProposals are the actions that a proposal takes.
var aboutProposals = []governance.Action{governance.ActionObject, governance.ActionLift, governance.ActionWithdraw, governance.ActionApprove}

func (c *Coordinator) statement(p governance.Proposal, action governance.Action, text string, at time.Time) (governance.Statement, error) {
	if !slices.Contains(aboutProposals, action) {
		return governance.Statement{}, governance.Refuse(governance.CodeBadValue, "object, lift, withdraw or approve", "%q is nothing that can be said about a proposal", string(action))
	}
	if len(text) > maxText {
		return governance.Statement{}, governance.Refuse(governance.CodeBadValue, "say it shorter", "the text has %d bytes, at most %d are taken", len(text), maxText)
	}
	return governance.Statement{Action: action, Topic: p.ID, Subject: p.IntentHash(), Text: text, Site: c.cfg.PublicURL, At: at.UTC().Truncate(time.Second)}, nil
}

// State takes what a member said with a wallet. The wallet must be an owner's, or one that the configuration gives to a member: a
// chat account proves nothing here.
func (c *Coordinator) State(ctx context.Context, in Said) (governance.View, error) {
	p, err := c.load(in.Proposal)
	if err != nil {
		return governance.View{}, err
	}
	s, err := c.statement(p, in.Action, in.Text, in.At)
	if err != nil {
		return governance.View{}, err
	}
	wallet, err := c.spoken(s, in.Signature, p.Owners)
	if err != nil {
		return governance.View{}, err
	}
	member := c.people.byName[c.people.byWallet[wallet]]
	return c.say(ctx, p.ID, governance.Stated{Opinion: governance.Opinion{Member: member.Name, What: string(in.Action), Text: in.Text, Wallet: wallet, Signed: s.At, Roles: member.Roles}})
}

// spoken finds who signed a statement, among members and the owners given.
func (c *Coordinator) spoken(s governance.Statement, signature []byte, owners []common.Address) (common.Address, error) {
	if err := s.Fresh(time.Now()); err != nil {
		return common.Address{}, err
	}
	known := slices.Clone(owners)
	for wallet := range c.people.byWallet {
		known = append(known, wallet)
	}
	yes, err := safe.Confirm(s.Hash(), signature, known)
	if errors.Is(err, safe.ErrMalformedSignature) {
		return common.Address{}, governance.Refuse(governance.CodeMalformedSignature, "paste the 65 bytes (130 hex digits) that the wallet returned", "%v", err)
	}
	if err != nil {
		return common.Address{}, governance.Refuse(governance.CodeNotOwner, "sign with a wallet that is an owner's or a member's, and sign what was asked for", "%v", err)
	}
	return yes.Owner, nil
}

// IntentData is what a member's wallet signs to propose without chat and without the operator.
func (c *Coordinator) IntentData(_ context.Context, in Intent) (TypedData, error) {
	s, err := c.intentStatement(in, time.Now())
	if err != nil {
		return nil, err
	}
	return marshal(s.TypedData())
}

func (c *Coordinator) intentStatement(in Intent, at time.Time) (governance.Statement, error) {
	if len(in.Reason) > maxText {
		return governance.Statement{}, governance.Refuse(governance.CodeBadValue, "say it shorter", "the reason has %d bytes, at most %d are taken", len(in.Reason), maxText)
	}
	return governance.Statement{Action: governance.ActionPropose, Topic: in.Playbook, Subject: IntentSubject(in.Params, in.Force), Text: in.Reason,
		Site: c.cfg.PublicURL, At: at.UTC().Truncate(time.Second)}, nil
}

// IntentSubject is the hash that binds a signed intent to its values: Keccak-256 of the parameters as JSON with sorted keys, and a byte
// that is 1 where a reverting simulation is to be forced.
func IntentSubject(params map[string]string, force bool) common.Hash {
	values := []byte("{}")
	if len(params) > 0 {
		values, _ = json.Marshal(params) // cannot fail: texts alone
	}
	if force {
		return crypto.Keccak256Hash(values, []byte{1})
	}
	return crypto.Keccak256Hash(values, []byte{0})
}

// ProposeSigned proposes in the name of the member whose wallet signed the intent. What was signed once opens one proposal: sent
// again, it gives that one, whatever became of it.
func (c *Coordinator) ProposeSigned(ctx context.Context, in Intent, at time.Time, signature []byte) (Proposed, error) {
	s, err := c.intentStatement(in, at)
	if err != nil {
		return Proposed{}, err
	}
	wallet, err := c.spoken(s, signature, nil)
	if err != nil {
		return Proposed{}, err
	}
	name := c.people.byWallet[wallet]
	if in.Member != "" && !strings.EqualFold(in.Member, name) {
		return Proposed{}, governance.Refuse(governance.CodeNotPermitted, "leave member out, or sign with that member's wallet", "%s is the wallet of %s, not of %s", wallet.Hex(), name, in.Member)
	}
	in.Member, in.Roles, in.Wallet, in.stated = name, nil, wallet, s.Hash()
	if opened, err := c.openedBy(name, in.stated, s.At); err != nil || opened != nil {
		return c.join(ctx, in, opened, err)
	}
	return c.Propose(ctx, in)
}

// openedBy finds the proposal that a member's statement opened; nil where it opened none. None is older than the statement itself, but for a
// clock that is ahead.
func (c *Coordinator) openedBy(member string, statement common.Hash, at time.Time) (*governance.Proposal, error) {
	for before := ""; ; {
		page, err := c.cfg.Store.Proposals(before, pageSize)
		if err != nil {
			return nil, fmt.Errorf("read recent proposals: %w", err)
		}
		for i := range page {
			if page[i].Stated == statement && page[i].Proposer == member {
				return &page[i], nil
			}
		}
		if len(page) < pageSize || at.Sub(page[len(page)-1].CreatedAt) > governance.StatementSkew {
			return nil, nil //nolint:nilnil // "none" is an answer
		}
		before = page[len(page)-1].ID
	}
}

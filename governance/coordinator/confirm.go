package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Confirm takes a signature as a wallet gave it. The signer must own the Safe at the latest agreed block and have signed
// exactly this proposal's transaction. The same owner's yes again is known; anything else is refused with its reason.
func (c *Coordinator) Confirm(ctx context.Context, in Signed) (Confirmed, error) {
	p, err := c.load(in.Proposal)
	if err != nil {
		return Confirmed{}, err
	}
	t, err := c.meant(p, in)
	if err != nil {
		return Confirmed{}, err
	}
	yes, known := recovered(p, t, in)
	if known != nil {
		view, err := c.look(p, warRoom)
		return Confirmed{View: view}, err
	}
	p = c.refreshed(ctx, p)
	switch {
	case in.Kind == safe.KindEIP1271:
		yes, err = c.byContract(ctx, p, t, in)
	case in.Kind == safe.KindApprovedHash:
		err = governance.Refuse(governance.CodeBadValue, "call approveHash on the Safe; it is seen on chain", "an approved hash is not posted")
	case !isOwner(p.Owners, yes.Owner) || in.Owner != (common.Address{}) || !yes.Kind.WorksOn(p.Safe.Version):
		yes, err = recoverOwner(p, t, in)
	}
	if err != nil {
		return Confirmed{}, err
	}
	confirmation := governance.Confirmation{Owner: yes.Owner, Member: c.people.byWallet[yes.Owner], Kind: yes.Kind, Via: in.Via, SignatureHash: crypto.Keccak256Hash(yes.Signature)}
	fresh := false
	hold := func(r *governance.Record) {
		if fresh = len(r.Events) > 0; fresh {
			r.Signatures = append(r.Signatures, governance.Signature{SafeTxHash: t.Hashes.SafeTx, Owner: yes.Owner, Bytes: yes.Signature})
		}
	}
	after, err := c.change(ctx, p.ID, governance.Confirm{SafeTxHash: t.Hashes.SafeTx, Confirmation: confirmation}, hold)
	if err != nil {
		return Confirmed{}, recorded(err)
	}
	if almostSigned(&after) != nil {
		nudge(c.headsDue[after.Safe.Chain])
	}
	view, err := c.look(after, warRoom)
	return Confirmed{View: view, New: fresh}, err
}

// recorded turns a store that cannot commit into a plain answer.
func recorded(err error) error {
	if err == nil || isRefusal(err) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", governance.Refuse(governance.CodeNotRecorded, "try again; if it goes on, send the transaction from your own wallet", "the store could not commit this; nothing happened"), err)
}

// meant finds the SafeTx that a signature is for: the one named, else the active one, else the one that it fits. A hash that
// the proposal had before is stale; one that it never had is wrong.
func (c *Coordinator) meant(p governance.Proposal, in Signed) (*governance.SafeTx, error) {
	if in.SafeTxHash == (common.Hash{}) {
		if t := fitting(&p, in.Signature); t != nil {
			return t, nil
		}
		if t := p.Active(); t != nil {
			return t, nil
		}
	}
	t := p.SafeTx(in.SafeTxHash)
	if t == nil {
		return nil, governance.Refuse(governance.CodeWrongHash, "open the signing page again and sign what it shows", "%s has no transaction with the safeTxHash %s", p.ID, in.SafeTxHash)
	}
	if t.State == governance.TxDead && t.ConfirmedBy(in.Owner) == nil && !p.State.Ended() && !alreadyHeld(&p, t, in) {
		return nil, governance.Refuse(governance.CodeStaleHash, "open the signing page again and sign the new one", "nonce %d of the Safe was used by another transaction, or the Safe was upgraded; %s was rebuilt", t.Tx.Nonce, p.ID)
	}
	return t, nil
}

// fitting is the SafeTx still open that an owner signed with these bytes: a spare is told from the active one by its hash.
func fitting(p *governance.Proposal, signature []byte) *governance.SafeTx {
	for i := range p.SafeTxs {
		t := &p.SafeTxs[i]
		if !t.Open() {
			continue
		}
		if _, err := safe.Confirm(t.Hashes.SafeTx, signature, p.Owners); err == nil {
			return t
		}
	}
	return nil
}

// recovered finds who signed t, among the owners and those whose yes is held already, and that yes where there is one. It
// recovers once. The owner is zero where it was nobody of them.
func recovered(p governance.Proposal, t *governance.SafeTx, in Signed) (safe.Confirmation, *governance.Confirmation) {
	if in.Kind == safe.KindEIP1271 {
		held := t.ConfirmedBy(in.Owner)
		if held != nil && held.Kind == safe.KindEIP1271 && held.SignatureHash != crypto.Keccak256Hash(in.Signature) {
			return safe.Confirmation{}, nil // a newer word of the contract
		}
		return safe.Confirmation{}, held
	}
	signers := slices.Clone(p.Owners)
	for _, held := range t.Confirmations {
		signers = append(signers, held.Owner)
	}
	yes, err := safe.Confirm(t.Hashes.SafeTx, in.Signature, signers)
	if err != nil {
		return safe.Confirmation{}, nil
	}
	held := t.ConfirmedBy(yes.Owner)
	asking := !p.State.Ended() && t.Open() && p.Effect() == nil && p.State != governance.StateQueued
	if held != nil && asking && (governance.Confirmation{Kind: yes.Kind}).Replaces(held) {
		return yes, nil // it approved on chain before; a signature outlasts that
	}
	return yes, held
}

// alreadyHeld reports whether the signature is one of an owner whose yes to t is held.
func alreadyHeld(p *governance.Proposal, t *governance.SafeTx, in Signed) bool {
	_, known := recovered(*p, t, in)
	return known != nil
}

// refreshPatience is how long a signature waits for the present owners.
const refreshPatience = 3 * time.Second

// refreshed brings owners, threshold and nonce up to the latest agreed block before a signature is judged. Where the
// providers do not answer in time, the last agreed reading judges: the chain itself checks again when it executes.
func (c *Coordinator) refreshed(ctx context.Context, p governance.Proposal) governance.Proposal {
	chain, err := c.chainOf(p)
	if err != nil || p.State.Ended() {
		return p
	}
	patient, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	state, err := c.newestFor(patient, chain, p)
	if err != nil {
		c.cfg.Logger.Warn("read owners before a signature", "proposal_id", p.ID, "error", err)
		return p
	}
	after, err := c.change(ctx, p.ID, governance.SafeSeen{State: state})
	if err != nil {
		c.cfg.Logger.Error("record owners", "proposal_id", p.ID, "error", err)
		return p
	}
	return after
}

// newestFor reads a proposal's Safe at the newest agreed block, and beside it what sending will read of that block if this is the last
// signature.
func (c *Coordinator) newestFor(ctx context.Context, chain ChainConfig, p governance.Proposal) (state safe.State, err error) {
	head, err := c.newestHead(ctx, chain)
	if err != nil {
		return state, err
	}
	err = beside(ctx,
		func() (err error) { state, err = c.safeAt(ctx, chain, head, p.Safe.Address); return },
		func(ctx context.Context) { c.keysAhead(ctx, chain, p) },
	)
	return state, err
}

// recoverOwner checks a wallet signature over t. What it refuses, it tells apart: malformed, over another transaction of the same
// proposal, by another owner than said, by a stranger.
func recoverOwner(p governance.Proposal, t *governance.SafeTx, in Signed) (safe.Confirmation, error) {
	var yes safe.Confirmation
	var err error
	if in.Owner != (common.Address{}) {
		yes, err = safe.ConfirmAs(in.Owner, t.Hashes.SafeTx, in.Signature, p.Owners)
	} else {
		yes, err = safe.Confirm(t.Hashes.SafeTx, in.Signature, p.Owners)
	}
	var stranger *safe.NotOwnerError
	switch {
	case err == nil && !yes.Kind.WorksOn(p.Safe.Version):
		return yes, governance.Refuse(governance.CodeMalformedSignature, "sign the typed data instead", "a Safe of version %s does not take signatures of kind %s", p.Safe.Version, yes.Kind)
	case errors.Is(err, safe.ErrMalformedSignature):
		return yes, governance.Refuse(governance.CodeMalformedSignature, "paste the 65 bytes (130 hex digits) that the wallet returned", "%v", err)
	case errors.As(err, &stranger):
		if refusal := overAnother(p, t, in.Signature); refusal != nil {
			return yes, refusal
		}
		return yes, byAnother(p, t, in.Owner, stranger)
	}
	return yes, err
}

// overAnother tells a signature over another transaction of the proposal.
func overAnother(p governance.Proposal, t *governance.SafeTx, signature []byte) *governance.Refusal {
	for _, other := range p.SafeTxs {
		if other.Hashes.SafeTx == t.Hashes.SafeTx {
			continue
		}
		if _, err := safe.Confirm(other.Hashes.SafeTx, signature, p.Owners); err != nil {
			continue
		}
		if other.State == governance.TxDead {
			return governance.Refuse(governance.CodeStaleHash, "open the signing page again and sign the new one", "this signs the transaction at nonce %d, which is gone", other.Tx.Nonce)
		}
		return governance.Refuse(governance.CodeWrongHash, "send it with safe_tx_hash "+other.Hashes.SafeTx.Hex(), "this signs the %s at nonce %d, not the one at nonce %d", other.Purpose, other.Tx.Nonce, t.Tx.Nonce)
	}
	return nil
}

// byAnother says whose signature it is, as far as the hash tells: a signature over another text recovers to nobody whom anyone knows.
func byAnother(p governance.Proposal, t *governance.SafeTx, claimed common.Address, stranger *safe.NotOwnerError) *governance.Refusal {
	for _, signer := range []common.Address{stranger.Typed, stranger.Prefixed} {
		if isOwner(p.Owners, signer) {
			return governance.Refuse(governance.CodeNotOwner, "leave owner out, or name the wallet that signed", "this is the signature of %s, not of %s", signer.Hex(), claimed.Hex())
		}
	}
	if isOwner(p.Owners, claimed) {
		return governance.Refuse(governance.CodeWrongHash, "open the signing page again and sign what it shows",
			"%s is an owner of %s but did not sign safeTxHash %s: over that hash this recovers to %s", claimed.Hex(), p.Safe.Name, t.Hashes.SafeTx, stranger.Typed.Hex())
	}
	return governance.Refuse(governance.CodeNotOwner, "sign with a wallet that is an owner, and sign what the page shows",
		"over safeTxHash %s this recovers to %s, which is not an owner of %s (or another text was signed)", t.Hashes.SafeTx, stranger.Typed.Hex(), p.Safe.Name)
}

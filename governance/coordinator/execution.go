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
)

// TypedData is what an owner's wallet signs with eth_signTypedData_v4. Where the owner is a Safe itself, it is what the owners of
// that Safe sign, so that it vouches.
func (c *Coordinator) TypedData(ctx context.Context, id string, safeTxHash common.Hash, owner common.Address) (TypedData, error) {
	p, err := c.load(id)
	if err != nil {
		return nil, err
	}
	t := p.Active()
	if safeTxHash != (common.Hash{}) {
		t = p.SafeTx(safeTxHash)
	}
	if t == nil {
		return nil, governance.Refuse(governance.CodeWrongHash, "leave safe_tx_hash out for the active one", "%s has no transaction with the safeTxHash %s", p.ID, safeTxHash)
	}
	if owner != (common.Address{}) {
		if child, err := c.ownerSafe(ctx, p, owner); err != nil || child != nil {
			return vouching(p, t, child, err)
		}
	}
	return marshal(safe.TypedData(p.Safe.Domain(), t.Tx))
}

// ownerSafe reads an owner that is a Safe; nil where it is none.
func (c *Coordinator) ownerSafe(ctx context.Context, p governance.Proposal, owner common.Address) (*safe.Domain, error) {
	if !isOwner(p.Owners, owner) {
		return nil, governance.Refuse(governance.CodeNotOwner, "name an owner, or leave owner out", "%s is not an owner of %s", owner.Hex(), p.Safe.Name)
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return nil, err
	}
	version, err := versionOf(ctx, chain, owner)
	switch {
	case errors.Is(err, safe.ErrNotSafe):
		return nil, nil //nolint:nilnil // an ordinary account
	case err != nil && p.Kind.Emergency():
		// A pause never waits for providers, and what a wallet signs follows from the proposal alone. Should the owner be a Safe after
		// all, a signature over this is refused, and nothing is lost.
		return nil, nil //nolint:nilnil // taken for an ordinary account
	case err != nil:
		return nil, noAgreement("the owner "+owner.Hex(), err)
	}
	return &safe.Domain{ChainID: p.Safe.ChainID, Safe: owner, Version: version}, nil
}

// ownerPatience is how long somebody who wants to sign waits for what an owner is.
const ownerPatience = 3 * time.Second

// versionOf is the version of an owner that is a Safe itself.
func versionOf(ctx context.Context, chain ChainConfig, owner common.Address) (safe.Version, error) {
	ctx, stop := context.WithTimeout(ctx, ownerPatience)
	defer stop()
	head, _, err := chain.Chain.Recent(ctx)
	if err != nil {
		return safe.Version{}, fmt.Errorf("read head: %w", err)
	}
	state, err := chain.Chain.StateAt(ctx, head, owner)
	return state.Version, err
}

// vouching is what the owners of a Safe sign that is an owner itself.
func vouching(p governance.Proposal, t *governance.SafeTx, child *safe.Domain, err error) (TypedData, error) {
	if err != nil {
		return nil, err
	}
	if !safe.VouchesFor(p.Safe.Version, child.Version) {
		approve := safe.ApproveHashCall(p.Safe.Address, t.Hashes.SafeTx)
		return nil, governance.Refuse(governance.CodeContractRejected, fmt.Sprintf("let it call approveHash: to %s, data 0x%x", approve.To.Hex(), approve.Data),
			"a Safe %s cannot vouch by signatures for a Safe %s", child.Version, p.Safe.Version)
	}
	return marshal(safe.MessageTypedData(*child, safe.OwnerMessage(p.Safe.Version, t.Hashes)))
}

// Execution is the ready transaction of a proven quorum, for any wallet to send.
func (c *Coordinator) Execution(_ context.Context, id string) (Execution, error) {
	p, err := c.load(id)
	if err != nil {
		return Execution{}, err
	}
	return ReadyExecution(c.cfg.Store, p)
}

// signatures is what packing needs of a store.
type signatures interface {
	Signatures(safeTxHash common.Hash) ([]governance.Signature, error)
}

// ReadyExecution builds the transaction from a store alone, so that it is to be had also when nothing runs.
func ReadyExecution(store signatures, p governance.Proposal) (Execution, error) {
	out := Execution{ChainID: p.Safe.ChainID, Value: "0"}
	if p.State == governance.StateReady && p.Timelock.AnyoneMay {
		out.To, out.Data, out.Value = p.Timelock.Execute.To, p.Timelock.Execute.Data, p.Timelock.Execute.Value.Dec()
		return out, nil
	}
	t := p.Active()
	if present := p.SignedAt(p.SafeNonce); present != nil {
		t = present
	}
	if p.State.Ended() && (t == nil || t.State != governance.TxApproved) {
		return out, governance.Refuse(governance.CodeNotOpen, "see what became of it with `belay show "+p.ID+"`", "%s is %s: there is nothing left to send", p.ID, p.State)
	}
	if t == nil || t.State != governance.TxApproved {
		return out, governance.Refuse(governance.CodeNotOpen, "wait for the quorum", "%s has no transaction that is ready to be sent", p.ID)
	}
	data, err := packed(store, p, t)
	out.To, out.Data = p.Safe.Address, data
	return out, err
}

// packed is execTransaction's calldata with exactly threshold signatures of current owners, without those of except.
func packed(store signatures, p governance.Proposal, t *governance.SafeTx, except ...common.Address) ([]byte, error) {
	held, err := store.Signatures(t.Hashes.SafeTx)
	if err != nil {
		return nil, fmt.Errorf("read signatures: %w", err)
	}
	bytesOf := make(map[common.Address][]byte, len(held))
	for _, s := range held {
		bytesOf[s.Owner] = s.Bytes
	}
	var yes []safe.Confirmation
	for _, c := range t.Confirmations {
		if !slices.Contains(p.Owners, c.Owner) || slices.Contains(except, c.Owner) {
			continue
		}
		one := safe.Confirmation{Owner: c.Owner, Kind: c.Kind, Signature: bytesOf[c.Owner]}
		if c.Kind == safe.KindApprovedHash {
			one.Signature = nil // what is held may be the word that the approval replaced
		}
		yes = append(yes, one)
	}
	blob, err := safe.Pack(yes, p.Threshold)
	if err != nil {
		return nil, fmt.Errorf("pack signatures of %s: %w", p.ID, err)
	}
	return safe.EncodeExec(t.Tx, blob), nil
}

package coordinator

import (
	"context"
	"fmt"
	"slices"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// byContract takes the signature of an owner that is a contract: the contract itself is asked, at the latest agreed block.
func (c *Coordinator) byContract(ctx context.Context, p governance.Proposal, t *governance.SafeTx, in Signed) (safe.Confirmation, error) {
	yes, err := safe.ContractSignature(in.Owner, in.Signature)
	if err != nil {
		return yes, governance.Refuse(governance.CodeMalformedSignature, "send what the contract's isValidSignature is to be given", "%v", err)
	}
	if !isOwner(p.Owners, in.Owner) {
		return yes, governance.Refuse(governance.CodeNotOwner, "name the contract that is an owner", "%s is not an owner of %s", in.Owner.Hex(), p.Safe.Name)
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return yes, err
	}
	answers, err := c.ask(ctx, chain, []safe.Call{safe.ContractCheckCall(p.Safe.Version, in.Owner, t.Hashes, in.Signature)})
	if err != nil {
		return yes, noAgreement("what "+in.Owner.Hex()+" says of the signature", err)
	}
	if !safe.DecodeContractCheck(p.Safe.Version, answers[0]) {
		return yes, governance.Refuse(governance.CodeContractRejected, "let the contract's own owners sign what it asks for, or call approveHash from it",
			"%s does not vouch for safeTxHash %s with these %d bytes", in.Owner.Hex(), t.Hashes.SafeTx, len(in.Signature))
	}
	return yes, nil
}

// ask reads at the latest agreed block.
func (c *Coordinator) ask(ctx context.Context, chain ChainConfig, calls []safe.Call) ([]safe.Result, error) {
	head, err := chain.Chain.Newest(ctx)
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	return readAll(ctx, chain, head, calls)
}

// readAll reads at a block, and takes no fewer answers than it asked for.
func readAll(ctx context.Context, chain ChainConfig, at safe.Block, calls []safe.Call) ([]safe.Result, error) {
	answers, err := chain.Chain.Read(ctx, at, calls)
	if err == nil && len(answers) != len(calls) {
		err = fmt.Errorf("%d answers to %d reads", len(answers), len(calls))
	}
	return answers, err
}

// observeApprovals finds owners who called approveHash on the Safe: a confirmation like any other.
func (t *tending) observeApprovals(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	for _, asking := range approvable(p) {
		if err := t.takeApprovals(ctx, chain, head, p, asking); err != nil {
			return fmt.Errorf("read approved hashes: %w", err)
		}
	}
	return nil
}

// approvable are the SafeTxs to which a hash approved on chain would add something.
func approvable(p governance.Proposal) []governance.SafeTx {
	if p.State.Ended() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.SafeTxs), func(t governance.SafeTx) bool {
		contracts := t.State == governance.TxApproved && slices.ContainsFunc(t.Confirmations, byWord)
		return t.State != governance.TxAsking && !contracts
	})
}

// silent are the owners whose approval of a SafeTx would be news.
func silent(p governance.Proposal, asking governance.SafeTx) []common.Address {
	return slices.DeleteFunc(slices.Clone(p.Owners), func(o common.Address) bool {
		held := asking.ConfirmedBy(o)
		return held != nil && !byWord(*held)
	})
}

func approvalCalls(p governance.Proposal, asking governance.SafeTx, owners []common.Address) []safe.Call {
	calls := make([]safe.Call, len(owners))
	for i, owner := range owners {
		calls[i] = safe.ApprovedHashCall(p.Safe.Address, owner, asking.Hashes.SafeTx)
	}
	return calls
}

func (t *tending) takeApprovals(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, asking governance.SafeTx) error {
	owners := silent(p, asking)
	calls := approvalCalls(p, asking, owners)
	if len(calls) == 0 {
		return nil
	}
	answers, err := t.read(ctx, chain, head, calls)
	if err != nil {
		return err
	}
	for i, owner := range owners {
		approved, err := safe.DecodeApproved(answers[i])
		if err != nil {
			return err
		}
		if !approved {
			continue
		}
		yes := governance.Confirmation{Owner: owner, Member: t.people.byWallet[owner], Kind: safe.KindApprovedHash, Via: governance.ViaChain}
		if _, err := t.change(ctx, p.ID, governance.Confirm{SafeTxHash: asking.Hashes.SafeTx, Confirmation: yes}); err != nil && !isRefusal(err) {
			return err
		}
	}
	return nil
}

// byWord reports whether a confirmation is the word of a contract, which a hash approved on chain outlasts.
func byWord(c governance.Confirmation) bool { return c.Kind == safe.KindEIP1271 }

// unvouched gives the owners whose yes no longer holds although they are owners still: contracts that changed their mind, and
// approvals that a reorganisation took away. Only the chain can tell of these; every other signature holds by itself.
func (c *Coordinator) unvouched(ctx context.Context, chain ChainConfig, p governance.Proposal, t *governance.SafeTx) ([]common.Address, error) {
	held, err := c.cfg.Store.Signatures(t.Hashes.SafeTx)
	if err != nil {
		return nil, fmt.Errorf("read signatures: %w", err)
	}
	var calls []safe.Call
	var asked []governance.Confirmation
	for _, yes := range t.Confirmations {
		switch yes.Kind {
		case safe.KindEIP1271:
			i := slices.IndexFunc(held, func(s governance.Signature) bool { return s.Owner == yes.Owner })
			if i < 0 {
				continue
			}
			calls = append(calls, safe.ContractCheckCall(p.Safe.Version, yes.Owner, t.Hashes, held[i].Bytes))
		case safe.KindApprovedHash:
			calls = append(calls, safe.ApprovedHashCall(p.Safe.Address, yes.Owner, t.Hashes.SafeTx))
		default:
			continue
		}
		asked = append(asked, yes)
	}
	if len(calls) == 0 {
		return nil, nil
	}
	answers, err := c.ask(ctx, chain, calls)
	if err != nil {
		return nil, err
	}
	var gone []common.Address
	for i, yes := range asked {
		if !vouches(p.Safe.Version, yes.Kind, answers[i]) {
			gone = append(gone, yes.Owner)
		}
	}
	return gone, nil
}

func vouches(version safe.Version, kind safe.Kind, answer safe.Result) bool {
	if kind == safe.KindEIP1271 {
		return safe.DecodeContractCheck(version, answer)
	}
	approved, err := safe.DecodeApproved(answer)
	return err == nil && approved
}

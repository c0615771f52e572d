package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// playScript plays an incident without anyone. It returns nil only if the chain agrees with everything that was claimed.
func playScript(ctx context.Context, o options, out io.Writer) error {
	if o.delay == 0 {
		o.delay = 15 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, o.within)
	defer cancel()
	p := &play{timeline: newTimeline(out), id: map[string]string{}, told: map[string]string{}}
	p.head("Belay's demo, played by itself. The chain, the contracts and belay are real; nothing has value.\n")
	stage, err := openStage(ctx, o)
	if err != nil {
		return err
	}
	defer stage.close()
	p.stage = stage
	ctx, stopWatching := context.WithCancelCause(ctx)
	defer stopWatching(nil)
	go func() {
		select {
		case err := <-stage.broken:
			stopWatching(err)
		case <-ctx.Done():
		}
	}()
	p.setting(o.delay)
	for _, scene := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"A pause, from a word in chat", p.pause},
		{"A parameter change, through the timelock", p.changeLTV},
		{"The undo of the pause, through the timelock", p.unpause},
		{"What the chain says, read from the chain itself", p.compare},
	} {
		p.head("%s", scene.title)
		if err := scene.play(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = fmt.Errorf("%w (%w)", err, cause)
			}
			p.head("FAILED: %s", err)
			return err
		}
	}
	p.head("The chain agrees, and Belay's API tells the same story. %.1f s in all.", time.Since(p.began).Seconds())
	return nil
}

// play is one performance.
type play struct {
	*timeline
	*stage
	id   map[string]string // of the proposals, by playbook
	told map[string]string // the last status told of each proposal
}

func (p *play) setting(delay time.Duration) {
	now := p.ledger.present()
	p.tell("chain", "id %d at block %d; Safe 1.4.1 %s, %d of %d owners; timelock %s, delay %s", p.chain.ChainID(), now.Number, p.stack.Guardian.Hex(), now.Threshold, len(now.Owners), p.stack.Timelock.Hex(), delay)
	p.tell("chain", "market %s: %s", p.stack.Market.Hex(), marketLine(now))
	p.tell("belay", "pid %d is ready, behind three RPC providers of which two must agree", p.belay.state().PID)
}

func marketLine(m moment) string {
	var parts []string
	for _, r := range m.Reserves {
		open := "open"
		if r.Paused {
			open = "PAUSED"
		}
		parts = append(parts, fmt.Sprintf("%s %s, ltv %d", r.Symbol, open, r.LTV))
	}
	return strings.Join(parts, "; ")
}

// await asks the API until the proposal is as wanted; every change of its status is told.
func (p *play) await(ctx context.Context, id, what string, is func(governance.View) bool) (governance.View, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		v, err := p.api.proposal(ctx, id)
		var refusal *problem
		if errors.As(err, &refusal) {
			return v, err
		}
		if err == nil {
			if now := string(v.State) + ": " + v.Status; now != p.told[id] {
				p.told[id] = now
				p.tell(id, "%s", now)
			}
			if is(v) {
				return v, nil
			}
			if v.State.Ended() {
				return v, fmt.Errorf("%s ended as %s before it was %s", id, v.State, what)
			}
		}
		select {
		case <-ctx.Done():
			return v, fmt.Errorf("%s was never %s: %w", id, what, ctx.Err())
		case <-tick.C:
		}
	}
}

// proposed waits for the newest proposal of a playbook, and for its card.
func (p *play) proposed(ctx context.Context, playbook string) (governance.View, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := p.api.proposals(ctx)
		if err != nil {
			return governance.View{}, err
		}
		if i := slices.IndexFunc(all, func(v governance.View) bool { return v.Playbook == playbook }); i >= 0 {
			v := all[i]
			p.id[playbook] = v.ID
			p.tell(v.ID, "%s: %s, safeTxHash %s at nonce %d", v.State, v.Status, v.SafeTxHash, v.Nonce)
			return v, p.chat.Await(ctx, func() bool { return p.card(v.ID) != nil })
		}
		select {
		case <-ctx.Done():
			return governance.View{}, fmt.Errorf("no proposal of %s came up: %w", playbook, ctx.Err())
		case <-tick.C:
		}
	}
}

// sign signs the active SafeTx as a wallet does: from the typed data, by the hash that the wallet computes itself.
func (p *play) sign(ctx context.Context, v governance.View, who string) error {
	person, _ := p.wallet.person(who)
	document, err := p.api.typedData(ctx, v.ID, v.SafeTxHash)
	if err != nil {
		return fmt.Errorf("ask for typed data: %w", err)
	}
	if document.Hash != common.HexToHash(v.SafeTxHash) || document.Contract != p.stack.Guardian {
		return fmt.Errorf("%s's wallet computes %s for %s, Belay claims %s", who, document.Hash, document.Contract, v.SafeTxHash)
	}
	signature, err := signHash(person.key, document.Hash)
	if err != nil {
		return err
	}
	status, _, err := p.api.hand(ctx, v.ID, v.SafeTxHash, signature)
	if err != nil {
		return fmt.Errorf("hand in %s's signature: %w", who, err)
	}
	if status != 201 {
		return fmt.Errorf("%s's signature was answered with %d, want 201", who, status)
	}
	p.tell(who, "signs %s with the wallet at %s", v.ID, person.Address.Hex())
	return nil
}

// transactions tells every transaction of a proposal with what the chain says of it.
func (p *play) transactions(ctx context.Context, v governance.View) error {
	for _, t := range v.Transactions {
		receipt, err := p.chain.Client().TransactionReceipt(ctx, common.HexToHash(t.TxHash))
		if err != nil {
			return fmt.Errorf("the chain does not know %s, which Belay names as %s: %w", t.TxHash, t.Role, err)
		}
		if receipt.Status != 1 || receipt.BlockNumber.Uint64() != t.Block {
			return fmt.Errorf("the chain has %s in block %d with status %d, Belay says %s in block %d", t.TxHash, receipt.BlockNumber, receipt.Status, t.Status, t.Block)
		}
		p.tell("chain", "%s transaction %s in block %d", t.Role, t.TxHash, t.Block)
	}
	return nil
}

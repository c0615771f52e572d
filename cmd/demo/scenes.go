package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"belay/bot/slack/standin"
	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// The script's parameter change.
const newLTV = 7000 // basis points

// pause: the guardian types, two wallets sign, and Belay is killed in between.
func (p *play) pause(ctx context.Context) error {
	if err := p.types(ctx, "/pause", `usdc "the oracle is off by 9 %"`); err != nil {
		return err
	}
	v, err := p.proposed(ctx, "pause-reserve")
	if err != nil {
		return err
	}
	if err := p.sign(ctx, v, "alice"); err != nil {
		return err
	}
	if err := p.murder(ctx, v); err != nil {
		return err
	}
	if err := p.sign(ctx, v, "bob"); err != nil {
		return err
	}
	if v, err = p.await(ctx, v.ID, "executed", isExecuted); err != nil {
		return err
	}
	if err := p.transactions(ctx, v); err != nil {
		return err
	}
	now, err := p.ledger.until(ctx, "usdc is paused", func(m moment) bool { return m.reserve("usdc").Paused })
	if err != nil {
		return err
	}
	p.tell("chain", "at block %d: %s", now.Number, marketLine(now))
	return nil
}

// murder kills Belay with SIGKILL and checks that what it acknowledged is there when it is back.
func (p *play) murder(ctx context.Context, v governance.View) error {
	before, err := p.api.whole(ctx)
	if err != nil {
		return err
	}
	was, err := p.belay.kill()
	if err != nil {
		return err
	}
	p.tell("demo", "kill -9 %d, between the first and the second signature", was.PID)
	if err := <-p.belay.awaited(ctx, was.Number+1); err != nil {
		return err
	}
	after, err := p.api.whole(ctx)
	if err != nil {
		return err
	}
	p.tell("belay", "pid %d is ready; it knew %s and knows %s", p.belay.state().PID, before, after)
	again, err := p.api.proposal(ctx, v.ID)
	if err != nil {
		return err
	}
	if !before.within(after) || again.State != v.State || again.SafeTxHash != v.SafeTxHash || len(again.Confirmations) != 1 {
		return fmt.Errorf("the kill cost something: %s is %s with %d signatures", v.ID, again.State, len(again.Confirmations))
	}
	return nil
}

// changeLTV: the guardian proposes, sees a private preview, presses Propose; the timelock makes everyone wait.
func (p *play) changeLTV(ctx context.Context) error {
	if err := p.types(ctx, "/propose", fmt.Sprintf(`set-ltv usdc ltv_bps=%d "lend less against it"`, newLTV)); err != nil {
		return err
	}
	if err := p.presses(ctx, "Propose", "the preview", p.preview); err != nil {
		return err
	}
	v, err := p.proposed(ctx, "set-ltv")
	if err != nil {
		return err
	}
	if err := p.throughTimelock(ctx, v, "alice", "carol"); err != nil {
		return err
	}
	now, err := p.ledger.until(ctx, "the ltv is changed", func(m moment) bool { return m.reserve("usdc").LTV == newLTV })
	if err != nil {
		return err
	}
	p.tell("chain", "at block %d: %s", now.Number, marketLine(now))
	return nil
}

// unpause: the undo waits on the card of the pause.
func (p *play) unpause(ctx context.Context) error {
	card := func() *standin.Message { return p.card(p.id["pause-reserve"]) }
	if err := p.presses(ctx, "Undo: unpause-reserve", "the pause's card", card); err != nil {
		return err
	}
	if err := p.presses(ctx, "Propose", "the preview", p.preview); err != nil {
		return err
	}
	v, err := p.proposed(ctx, "unpause-reserve")
	if err != nil {
		return err
	}
	if err := p.throughTimelock(ctx, v, "bob", "carol"); err != nil {
		return err
	}
	now, err := p.ledger.until(ctx, "usdc is open again", func(m moment) bool { return !m.reserve("usdc").Paused })
	if err != nil {
		return err
	}
	p.tell("chain", "at block %d: %s", now.Number, marketLine(now))
	return nil
}

// throughTimelock signs, waits for the window and checks that nothing took effect before it opened.
func (p *play) throughTimelock(ctx context.Context, v governance.View, signers ...string) error {
	before := p.ledger.present()
	for _, who := range signers {
		if err := p.sign(ctx, v, who); err != nil {
			return err
		}
	}
	v, err := p.await(ctx, v.ID, "queued", func(v governance.View) bool {
		return slices.Contains([]governance.State{governance.StateQueued, governance.StateReady, governance.StateExecuted}, v.State)
	})
	if err != nil {
		return err
	}
	if v.Timelock == nil || v.Timelock.OpensAt == nil {
		return fmt.Errorf("%s is %s, and Belay names no window", v.ID, v.State)
	}
	p.tell("timelock", "operation %s opens at %s", v.Timelock.OperationID, *v.Timelock.OpensAt)
	id := common.HexToHash(v.Timelock.OperationID)
	now, err := p.ledger.until(ctx, "the operation is scheduled", func(m moment) bool { return m.operation(id).State != "" })
	if err != nil {
		return err
	}
	if o := now.operation(id); o.State == "waiting" && marketLine(now) != marketLine(before) {
		return errors.New("the market changed before the window opened")
	}
	if v, err = p.await(ctx, v.ID, "executed", isExecuted); err != nil {
		return err
	}
	if _, err := p.ledger.until(ctx, "the operation is done", func(m moment) bool { return m.operation(id).State == "done" }); err != nil {
		return err
	}
	return p.transactions(ctx, v)
}

func isExecuted(v governance.View) bool { return v.State == governance.StateExecuted }

// types sends the guardian's slash command, signed as Slack signs, and tells what came back.
func (p *play) types(ctx context.Context, command, text string) error {
	p.tell("alice", "types %s %s", command, text)
	guardian, _ := p.wallet.person("alice")
	ack, err := p.chat.Slash(ctx, guardian.Slack, warRoom, command, text)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	p.tell("belay", "to alice only: %s", ack)
	return nil
}

// presses presses a button of a message that may still be on its way.
func (p *play) presses(ctx context.Context, label, where string, find func() *standin.Message) error {
	has := func() bool {
		m := find()
		if m == nil {
			return false
		}
		_, err := m.Button(label)
		return err == nil
	}
	if err := p.chat.Await(ctx, has); err != nil {
		return fmt.Errorf("no button %q on %s: %w", label, where, err)
	}
	guardian, _ := p.wallet.person("alice")
	if err := p.chat.Press(ctx, guardian.Slack, *find(), label); err != nil {
		return fmt.Errorf("press %q: %w", label, err)
	}
	p.tell("alice", "presses %q on %s", label, where)
	return nil
}

// preview is the newest private message to the guardian that can be proposed.
func (p *play) preview() *standin.Message {
	guardian, _ := p.wallet.person("alice")
	for _, m := range slices.Backward(p.chat.Private(guardian.Slack)) {
		if _, err := m.Button("Propose"); err == nil {
			return &m
		}
	}
	return nil
}

// card is a proposal's message in the war room.
func (p *play) card(id string) *standin.Message {
	for _, m := range p.chat.Messages(warRoom) {
		if strings.Contains(string(m.Blocks), id+" ·") {
			return &m
		}
	}
	return nil
}

// compare holds everything that Belay's API tells against the chain.
func (p *play) compare(ctx context.Context) error {
	now := p.ledger.present()
	p.line("block %d, %s", now.Number, now.At.Format("2006-01-02 15:04:05 UTC"))
	p.line("market: %s", marketLine(now))
	p.line("Safe: nonce %d, executed %d times", now.Nonce, len(now.Executed))
	for _, o := range now.Operations {
		p.line("timelock: %s is %s", o.Text, o.State)
	}
	usdc := now.reserve("usdc")
	switch {
	case usdc.Paused || usdc.LTV != newLTV:
		return fmt.Errorf("the chain says usdc paused %t with ltv %d, want open with %d", usdc.Paused, usdc.LTV, newLTV)
	case len(now.Executed) != len(p.id) || now.Nonce != uint64(len(p.id)):
		return fmt.Errorf("the Safe executed %d times and is at nonce %d, want %d: one for each proposal", len(now.Executed), now.Nonce, len(p.id))
	case len(now.Operations) != 2 || slices.ContainsFunc(now.Operations, func(o operation) bool { return o.State != "done" }):
		return fmt.Errorf("the timelock has %d operations, want 2, all done", len(now.Operations))
	}
	for _, playbook := range []string{"pause-reserve", "set-ltv", "unpause-reserve"} {
		if err := p.agrees(ctx, now, p.id[playbook]); err != nil {
			return err
		}
	}
	return nil
}

// agrees checks one proposal's end: executed once on chain under its hash, and proven.
func (p *play) agrees(ctx context.Context, now moment, id string) error {
	v, err := p.api.proposal(ctx, id)
	if err != nil {
		return err
	}
	times := now.executions()[common.HexToHash(v.SafeTxHash)]
	proven := len(v.Postconditions) > 0 && !slices.ContainsFunc(v.Postconditions, func(c governance.PostconditionView) bool { return !c.OK })
	if v.State != governance.StateExecuted || times != 1 || v.Execution == nil || !proven {
		return fmt.Errorf("%s: Belay says %s, proven %t; the chain executed its SafeTx %d times", id, v.State, proven, times)
	}
	p.line("%s %s: %s; on chain once, proven at block %d", id, v.Playbook, v.State, v.Postconditions[0].Block)
	return nil
}

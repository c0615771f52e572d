package main

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

func callTo(to common.Address, data []byte) ethereum.CallMsg {
	return ethereum.CallMsg{To: &to, Data: data}
}

// readEvents takes in what Safe and timelock told since the last reading.
func (l *ledger) readEvents(ctx context.Context, was moment, now *moment) error {
	logs, err := l.stack.Chain.Client().FilterLogs(ctx, ethereum.FilterQuery{
		FromBlock: new(big.Int).SetUint64(was.Number + 1), ToBlock: new(big.Int).SetUint64(now.Number),
		Addresses: []common.Address{l.stack.Guardian, l.stack.Timelock}})
	if err != nil {
		return fmt.Errorf("read logs: %w", err)
	}
	now.Executed, now.Operations = slices.Clone(was.Executed), slices.Clone(was.Operations)
	for _, log := range logs {
		switch {
		case len(log.Topics) < 2:
		case log.Topics[0] == l.safe.Events["ExecutionSuccess"].ID:
			now.Executed = append(now.Executed, execution{SafeTxHash: log.Topics[1], Transaction: log.TxHash, Block: log.BlockNumber})
		case log.Topics[0] == l.timelock.Events["CallScheduled"].ID:
			l.scheduled(log, now)
		}
	}
	return nil
}

// scheduled takes in one call of an operation; readOperations asks for its state.
func (l *ledger) scheduled(log types.Log, now *moment) {
	text := "a call that cannot be read"
	if values, err := l.timelock.Unpack("CallScheduled", log.Data); err == nil && len(values) >= 3 {
		target, _ := values[0].(common.Address)
		data, _ := values[2].([]byte)
		text = l.words(target, data)
	}
	for i, o := range now.Operations {
		if o.ID == log.Topics[1] {
			now.Operations[i].Text += ", " + text
			return
		}
	}
	now.Operations = append(now.Operations, operation{ID: log.Topics[1], Text: text, State: "waiting"})
}

// words tells a call to the market, such as "setReserveLtv(usdc, 7000)".
func (l *ledger) words(target common.Address, data []byte) string {
	if target != l.stack.Market || len(data) < 4 {
		return "a call to " + l.name(target)
	}
	method, err := l.market.MethodById(data)
	if err != nil {
		return "an unknown call to the market"
	}
	args, err := method.Inputs.Unpack(data[4:])
	if err != nil {
		return method.Name
	}
	text := method.Name + "("
	for i, a := range args {
		if i > 0 {
			text += ", "
		}
		if address, ok := a.(common.Address); ok {
			a = l.name(address)
		}
		text += fmt.Sprint(a)
	}
	return text + ")"
}

package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// trialGas is what a simulated transaction may use: the most a transaction can have on mainnet (EIP-7825).
const trialGas = 1 << 24

// errUnsupported marks a way to simulate that a provider does not offer.
var errUnsupported = errors.New("not offered by this provider")

// simulate takes the best way that the provider offers: the whole transaction with reads behind it, the whole transaction
// alone, or just the inner calls.
func (p *provider) simulate(ctx context.Context, r run) (trial, error) {
	t, err := p.tryBlock(ctx, r)
	if errors.Is(err, errUnsupported) {
		t, err = p.tryCall(ctx, r)
	}
	if errors.Is(err, errUnsupported) {
		t, err = p.tryInner(ctx, r)
	}
	if err != nil {
		return t, err
	}
	return p.blame(ctx, r, t), nil
}

// tryBlock runs the transaction and then the reads in a simulated next block, by eth_simulateV1.
func (p *provider) tryBlock(ctx context.Context, r run) (trial, error) {
	answers, err := p.call(ctx, r.simulateV1(trialGas))
	if err == nil && r.Effects && answers[0].err != nil && answers[0].err.code == codeInvalidParams {
		r.Effects = false // the method without its extra
		answers, err = p.call(ctx, r.simulateV1(trialGas))
	}
	if err != nil {
		return trial{}, err
	}
	if refused := answers[0].err; refused != nil {
		if isMissingBlock(refused) && !isUnsupported(refused) {
			return trial{}, refused
		}
		return trial{}, errUnsupported // there is another way: why this one was refused does not matter
	}
	calls, err := r.simulated(answers[0])
	if err != nil {
		return trial{}, err
	}
	t, err := p.judgeExec(ctx, r, calls[0].result(), overridesHonoured)
	t.honoured = true
	if err != nil || !t.ok {
		return t, err
	}
	t.logged, t.logs = true, calls[0].Logs.told()
	t.gas = uint64(calls[0].GasUsed)
	t.after = []safe.Result{}
	for _, call := range calls[1:] {
		t.after = append(t.after, call.result())
	}
	if r.Sweep {
		t.sweep = p.sweep(ctx, r, calls)
	}
	return t, nil
}

// simulateV1 asks for the transaction with a gas limit, and the reads behind it.
func (r run) simulateV1(gas uint64) request {
	calls := []any{r.execArgs(gas)}
	for _, read := range r.After {
		calls = append(calls, callQuery(common.Address{}, read).params[0])
	}
	block := map[string]any{"calls": calls}
	if r.overrides != nil {
		block["stateOverrides"] = r.stateOverrides()
	}
	payload := map[string]any{"blockStateCalls": []any{block}}
	if r.Effects {
		payload["traceTransfers"] = true
	}
	return request{"eth_simulateV1", []any{payload, pin(r.At)}}
}

// simulated reads the answer to simulateV1: the transaction and each read.
func (r run) simulated(answer response) ([]simulatedCall, error) {
	var blocks []struct {
		Calls []simulatedCall `json:"calls"`
	}
	if err := answer.decode(&blocks); err != nil {
		return nil, err
	}
	if len(blocks) != 1 || len(blocks[0].Calls) != 1+len(r.After) {
		return nil, &providerError{outcome: Malformed, text: "answered another number of calls than it was asked to simulate"}
	}
	return blocks[0].Calls, nil
}

// simulatedCall is one call of eth_simulateV1's answer.
type simulatedCall struct {
	Status  hexutil.Uint64 `json:"status"`
	Data    hexutil.Bytes  `json:"returnData"`
	GasUsed hexutil.Uint64 `json:"gasUsed"`
	Logs    simulatedLogs  `json:"logs"`
	Error   *struct {
		Data json.RawMessage `json:"data"`
	} `json:"error"`
}

func (c simulatedCall) result() safe.Result {
	if c.Status == 1 {
		return safe.Result{Data: c.Data}
	}
	r := safe.Result{Reverted: true, Data: c.Data}
	if len(r.Data) == 0 && c.Error != nil {
		r.Data = revertData(c.Error.Data)
	}
	return r
}

func (r run) execArgs(gas uint64) map[string]any {
	return map[string]any{"from": r.From, "to": r.exec.To, "data": hexutil.Bytes(r.exec.Data), "gas": hexutil.Uint64(gas)}
}

func (r run) stateOverrides() map[common.Address]any {
	return map[common.Address]any{r.Safe: map[string]any{"stateDiff": maps.Clone(r.overrides)}}
}

// tryCall runs the transaction by eth_call, and asks in the same breath for the gas.
func (p *provider) tryCall(ctx context.Context, r run) (trial, error) {
	params := []any{r.execArgs(trialGas), pin(r.At)}
	if r.overrides != nil {
		params = append(params, r.stateOverrides())
	}
	answers, err := p.call(ctx, request{"eth_call", params}, request{"eth_estimateGas", params})
	if err != nil {
		return trial{}, err
	}
	if refused := answers[0].err; refused != nil && !isRevert(refused) {
		if isUnsupported(refused) {
			return trial{}, errUnsupported
		}
		return trial{}, refused
	}
	results, err := decodeResults([]query{{method: "eth_call"}}, answers[:1])
	if err != nil {
		return trial{}, err
	}
	t, err := p.judgeExec(ctx, r, results[0], overridesDoubted)
	if err != nil || !t.ok {
		return t, err
	}
	var gas hexutil.Uint64
	if !answers[1].isNull() && answers[1].decode(&gas) == nil {
		t.gas = uint64(gas)
	}
	return t, nil
}

// trust says whether a provider that took state overrides can be trusted to have used them. For eth_simulateV1 they are
// part of the method; eth_call is answered without them by some.
type trust bool

const (
	overridesHonoured trust = true
	overridesDoubted  trust = false
)

// judgeExec reads what execTransaction gave back. A bool of false is a failed inner call whose nonce is used up.
func (p *provider) judgeExec(ctx context.Context, r run, got safe.Result, overrides trust) (trial, error) {
	switch {
	case got.Reverted && r.overrides != nil && overrides == overridesDoubted && safe.ErrorCode(got.Data) == "GS025":
		return trial{}, errUnsupported // the approved hashes of the overrides were not there
	case got.Reverted:
		return trial{reason: p.explain(ctx, r, got.Data)}, nil
	case len(got.Data) == 0:
		return trial{reason: "there is no Safe at this address"}, nil
	}
	success, err := safe.DecodeBool(got)
	if err != nil {
		return trial{reason: "the address answers, but not as a Safe does"}, nil //nolint:nilerr // the chain's answer, not a failure to ask
	}
	if success {
		return trial{ok: true}, nil
	}
	reason := "the inner call fails and would use up the nonce"
	if cause := p.innerReason(ctx, r); cause != "" {
		reason += ". " + cause
	}
	return trial{reason: reason}, nil
}

// explain tells the Safe's own refusal from that of the target. Before 1.5.0 the Safe keeps the target's reason to itself
// (GS013); from 1.5.0 on it passes it on, and a GS code may then be the target's.
func (p *provider) explain(ctx context.Context, r run, data []byte) string {
	words := p.words(data)
	code := safe.ErrorCode(data)
	if code != "GS013" && code != "" && r.Version.Less(safe.V1_5_0) {
		return words
	}
	failed, cause, alone := p.replay(ctx, r)
	switch {
	case failed == nil && code == "" && alone:
		return refusedBySafe + words
	case failed == nil:
		return words
	case bytes.Equal(failed.Data, data):
		return cause
	default:
		return words + ". " + cause
	}
}

func (p *provider) innerReason(ctx context.Context, r run) string {
	_, cause, _ := p.replay(ctx, r)
	return cause
}

// replay runs the inner calls one by one, each on the block's state, from the Safe's address, and returns the first that
// fails, with its reason in words. Nothing is returned where none fails, or where they cannot be run that way. alone says
// that there is just one, so that what replay saw is what the transaction would see; calls of a batch may need those before
// them.
func (p *provider) replay(ctx context.Context, r run) (failed *safe.Result, cause string, alone bool) {
	calls, err := innerCalls(r.Tx)
	if err != nil {
		return nil, "", false
	}
	results, err := p.readAt(ctx, r.At, callsFrom(r.Safe, calls))
	if err != nil {
		return nil, "", false
	}
	for i, result := range results {
		if result.Reverted {
			return &result, p.innerFailure(calls, i, result), len(calls) == 1
		}
	}
	return nil, "", len(calls) == 1
}

func callsFrom(from common.Address, calls []safe.Call) []query {
	queries := make([]query, len(calls))
	for i, call := range calls {
		queries[i] = callQuery(from, call)
	}
	return queries
}

func (p *provider) innerFailure(calls []safe.Call, i int, result safe.Result) string {
	which := "the call"
	if len(calls) > 1 {
		which = fmt.Sprintf("call %d of %d", i+1, len(calls))
	}
	return fmt.Sprintf("%s to %s says: %s", which, calls[i].To.Hex(), p.words(result.Data))
}

// innerCalls are the calls that a transaction makes. A delegatecall that is no batch cannot be run from outside.
func innerCalls(tx safe.Tx) ([]safe.Call, error) {
	if tx.Operation == safe.OperationDelegateCall && !safe.IsMultiSend(tx.Data) {
		return nil, errUnsupported
	}
	return tx.Calls()
}

// tryInner runs only what the transaction would call.
func (p *provider) tryInner(ctx context.Context, r run) (trial, error) {
	calls, err := innerCalls(r.Tx)
	if err != nil {
		return trial{}, &providerError{outcome: Refused, text: "takes no state overrides, and the transaction is no plain call or batch"}
	}
	results, err := p.readAt(ctx, r.At, callsFrom(r.Safe, calls))
	if err != nil {
		return trial{}, err
	}
	for i, result := range results {
		if result.Reverted {
			return trial{inner: true, reason: p.innerFailure(calls, i, result)}, nil
		}
	}
	return trial{inner: true, ok: true}, nil
}

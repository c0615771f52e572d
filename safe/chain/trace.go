package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"belay/safe"
)

// What a transaction of trialGas can do at most, by the cheapest way to do it: change a word of storage (EIP-2929: 2,900 gas), emit an
// event (375). Whoever tells more lies, and is not read to the end.
const (
	maxTouched = trialGas / 2900
	maxLogs    = trialGas / 375

	maxDiff = 8 << 20 // bytes: so many changes, and the code of a hundred of the largest contracts
)

// trace is what one provider says that the transaction changes.
type trace struct {
	slots    []safe.SlotChange
	balances []safe.BalanceChange
	codes    []safe.CodeChange
}

// trace runs the transaction with geth's prestateTracer. Many providers do not offer it, or only for money: that is an error here, and
// nothing that anybody waits for.
func (p *provider) trace(ctx context.Context, r run) (trace, error) {
	config := map[string]any{"tracer": "prestateTracer", "tracerConfig": map[string]any{"diffMode": true}}
	if r.overrides != nil {
		config["stateOverrides"] = r.stateOverrides()
	}
	answers, err := p.aside(ctx, []request{{"debug_traceCall", []any{r.execArgs(trialGas), pin(r.At), config}}})
	if err != nil {
		return trace{}, err
	}
	diff, err := decodeDiff(answers[0].result)
	if err != nil {
		return trace{}, &providerError{outcome: Malformed, text: "answered something that is no change of state"}
	}
	t := diff.changes(r.From)
	if len(t.slots) == 0 && len(t.balances) == 0 && len(t.codes) == 0 {
		return trace{}, errUnsupported // a Safe counts its nonce at least: this run reverted, as without the overrides
	}
	return t.ofSafe(r), nil
}

// ofSafe takes the routine of every execution out: the nonce that goes up by one, and what stood in for signatures. A nonce that does
// not go up is told: the signatures could be used again.
func (t trace) ofSafe(r run) trace {
	counted := false
	t.slots = slices.DeleteFunc(t.slots, func(c safe.SlotChange) bool {
		if c.Address != r.Safe {
			return false
		}
		if c.Slot == safe.SlotNonce {
			counted = true
			return c.After == word(r.Tx.Nonce+1)
		}
		_, ours := r.overrides[c.Slot]
		return ours
	})
	if !counted {
		same := word(r.Tx.Nonce)
		t.slots = append(t.slots, safe.SlotChange{Address: r.Safe, Slot: safe.SlotNonce, Before: same, After: same})
	}
	for i, c := range t.slots {
		if c.Address != r.Safe && !safe.Telling(c.Slot) {
			t.slots[i].Before, t.slots[i].After = common.Hash{}, common.Hash{} // one more number that nobody can read, and may hold the time
		}
	}
	return t
}

// stateDiff is the answer of prestateTracer in diffMode: what changed, as it was and as it is. What is in pre alone is gone.
type stateDiff struct{ pre, post map[common.Address]account }

type account struct {
	balance *uint256.Int // nil: not told, so unchanged
	code    []byte
	coded   bool // code is told
	storage map[common.Hash]common.Hash
}

// changes compares the two sides in the order of the addresses. The sender's balance going down is the price of gas.
func (d stateDiff) changes(sender common.Address) (t trace) {
	for _, address := range sortedKeys(d.pre, d.post) {
		pre, post := d.pre[address], d.post[address]
		_, stays := d.post[address]
		if post.balance != nil || !stays && pre.balance != nil {
			c := safe.BalanceChange{Address: address, Before: amount(pre.balance), After: amount(post.balance)}
			if c.Before != c.After && (address != sender || c.After.Gt(&c.Before)) {
				t.balances = append(t.balances, c)
			}
		}
		if post.coded || !stays && len(pre.code) > 0 {
			if c := (safe.CodeChange{Address: address, Before: codeHash(pre.code), After: codeHash(post.code)}); c.Before != c.After {
				t.codes = append(t.codes, c)
			}
		}
		for _, slot := range sortedKeys(pre.storage, post.storage) {
			if c := (safe.SlotChange{Address: address, Slot: slot, Before: pre.storage[slot], After: post.storage[slot]}); c.Before != c.After {
				t.slots = append(t.slots, c)
			}
		}
	}
	return t
}

func amount(n *uint256.Int) uint256.Int {
	if n == nil {
		return uint256.Int{}
	}
	return *n
}

// ordered is what addresses and slots have in common.
type ordered[K any] interface {
	comparable
	Cmp(K) int
}

func sortedKeys[K ordered[K], V any](maps ...map[K]V) (keys []K) {
	for _, m := range maps {
		for k := range m {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, K.Cmp)
	return slices.Compact(keys)
}

var (
	errNoDiff      = errors.New("no change of state")
	errNoLogs      = errors.New("no list of events")
	errTooManyLogs = errors.New("more events than gas can pay for")
)

// decodeDiff reads an answer piece by piece, and gives up where it tells more than can be.
func decodeDiff(text []byte) (stateDiff, error) {
	if len(text) > maxDiff {
		return stateDiff{}, errNoDiff
	}
	var sides struct {
		Pre, Post json.RawMessage
	}
	if err := json.Unmarshal(text, &sides); err != nil {
		return stateDiff{}, err
	}
	left := 2 * maxTouched // a change is told on both sides
	pre, err := decodeAccounts(sides.Pre, &left)
	if err != nil {
		return stateDiff{}, err
	}
	post, err := decodeAccounts(sides.Post, &left)
	return stateDiff{pre, post}, err
}

func decodeAccounts(text []byte, left *int) (map[common.Address]account, error) {
	accounts := map[common.Address]account{}
	err := eachMember(text, left, func(key string, d *json.Decoder) error {
		var address common.Address
		if err := address.UnmarshalText([]byte(key)); err != nil {
			return err
		}
		var told struct {
			Balance *hexutil.U256
			Code    *hexutil.Bytes
			Storage json.RawMessage
		}
		if err := d.Decode(&told); err != nil {
			return err
		}
		a := account{balance: (*uint256.Int)(told.Balance), coded: told.Code != nil}
		if a.coded {
			a.code = *told.Code
		}
		var err error
		a.storage, err = decodeStorage(told.Storage, left)
		accounts[address] = a
		return err
	})
	return accounts, err
}

func decodeStorage(text []byte, left *int) (map[common.Hash]common.Hash, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	storage := map[common.Hash]common.Hash{}
	err := eachMember(text, left, func(key string, d *json.Decoder) error {
		var slot, value common.Hash
		if err := slot.UnmarshalText([]byte(key)); err != nil {
			return err
		}
		err := d.Decode(&value)
		storage[slot] = value
		return err
	})
	return storage, err
}

// eachMember hands over the members of an object one by one. It fails when there are more than are left.
func eachMember(text []byte, left *int, take func(key string, d *json.Decoder) error) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if opening, err := d.Token(); err != nil || opening != json.Delim('{') {
		return errNoDiff
	}
	for d.More() {
		if *left--; *left < 0 {
			return errNoDiff
		}
		name, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := name.(string)
		if !ok {
			return errNoDiff
		}
		if err := take(key, d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

package calldata

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
)

// routine are the events with which a Safe ends every execution.
var routine = map[common.Hash]bool{
	crypto.Keccak256Hash([]byte("ExecutionSuccess(bytes32,uint256)")):                                                                        true,
	crypto.Keccak256Hash([]byte("SafeMultiSigTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes,bytes)")): true,
}

// logs tells what moves, and what contracts say.
func (t *teller) logs() {
	for _, l := range t.ran.Effects.Logs {
		if l.What.Address == t.ran.Safe && len(l.What.Topics) > 0 && routine[l.What.Topics[0]] {
			continue
		}
		e, args, ok := t.book.decodeEvent(l.What)
		switch {
		case !ok:
			t.unread(l.What.Address, l.By).events++
		case !t.moves(l, e, args):
			t.effect(rankSays, l.By, t.book.eventWords(l.What.Address, e, args))
		}
	}
}

// moves tells an event that moves something or lets somebody move it; false for any other.
func (t *teller) moves(l safe.Seen[safe.Log], e Event, args []Arg) bool {
	token, single := l.What.Address, len(l.What.Topics) == 4 // all of an ERC-721's arguments are indexed
	switch e.Signature() {
	case "Transfer(address,address,uint256)":
		t.transferred(l.By, token, addressOf(args[0]), addressOf(args[1]), numberOf(args[2]), single)
	case "TransferSingle(address,address,address,uint256,uint256)":
		t.holding(l.By, token, addressOf(args[1]), addressOf(args[2]), fmt.Sprintf("%s of id %s", numberOf(args[4]), numberOf(args[3])), numberOf(args[4]).String())
	case "TransferBatch(address,address,address,uint256[],uint256[])":
		t.holding(l.By, token, addressOf(args[1]), addressOf(args[2]), fmt.Sprintf("ids %s in amounts %s", args[3].Text(), args[4].Text()), "")
	case "Approval(address,address,uint256)":
		t.approved(l.By, token, addressOf(args[0]), addressOf(args[1]), numberOf(args[2]), single)
	case "ApprovalForAll(address,address,bool)":
		t.approvedAll(l.By, token, addressOf(args[0]), addressOf(args[1]), args[2].Value == true)
	case "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)":
		t.scheduled(l, args)
	case "CallSalt(bytes32,bytes32)":
		// a number beside what is scheduled
	default:
		return false
	}
	return true
}

func addressOf(a Arg) common.Address {
	address, _ := a.Value.(common.Address)
	return address
}

func numberOf(a Arg) *big.Int {
	if n, ok := a.Value.(*big.Int); ok {
		return n
	}
	return new(big.Int)
}

// scheduled tells a call that a timelock will make. One that no call names is as bad as one that is made now.
func (t *teller) scheduled(l safe.Seen[safe.Log], args []Arg) {
	call := safe.Call{To: addressOf(args[2])}
	call.Value.SetFromBig(numberOf(args[3]))
	call.Data, _ = args[4].Value.([]byte)
	named := slices.ContainsFunc(t.calls, func(n named) bool {
		return n.to == call.To && n.value == call.Value.Dec() && bytes.Equal(n.data, call.Data)
	})
	rank := rankMoves
	if !named && t.ours(l.What.Address) {
		rank = rankGrave
	}
	t.effect(rank, l.By, t.name(l.What.Address)+" schedules: "+t.book.Describe(call).Text)
}

// transferred tells an amount of a token, one token of many, or ether.
func (t *teller) transferred(by []string, token, from, to common.Address, amount *big.Int, single bool) {
	what := t.amount(token, amount) + " of " + t.book.Name(token)
	switch {
	case token == safe.EtherLogs:
		wei, _ := uint256.FromBig(amount)
		what = coins(wei)
		t.paid[from] = true
	case single:
		what = "token " + amount.String() + " of " + t.book.Name(token)
	}
	t.holding(by, token, from, to, what, amount.String())
}

// holding tells that something changes hands.
func (t *teller) holding(by []string, token, from, to common.Address, what, amount string) {
	rank := rankMoves
	if from != (common.Address{}) && from != to && t.ours(from) && !t.announced(movement{token, from, to, amount}) {
		rank = t.unexpected(token)
	}
	switch {
	case from == (common.Address{}):
		t.effect(rank, by, fmt.Sprintf("%s made for %s", what, t.name(to)))
	case to == (common.Address{}):
		t.effect(rank, by, fmt.Sprintf("%s of %s destroyed", what, t.name(from)))
	default:
		t.effect(rank, by, fmt.Sprintf("%s from %s to %s", what, t.name(from), t.name(to)))
	}
}

// movement is who gets how much of what from whom.
type movement struct {
	token, from, to common.Address
	amount          string
}

// announced reports whether a call says that this moves. Each call says it once: what moves a second time is not announced.
func (t *teller) announced(m movement) bool {
	calls := 0
	for _, n := range t.calls {
		if n.moves(m.token, m.from, m.to, m.amount) {
			calls++
		}
	}
	t.moved[m]++
	return t.moved[m] <= calls
}

// approved tells who may spend what of whom.
func (t *teller) approved(by []string, token, owner, spender common.Address, amount *big.Int, single bool) {
	what := t.amount(token, amount) + " of " + t.book.Name(token)
	if single {
		what = "token " + amount.String() + " of " + t.book.Name(token)
	}
	gives := spender != (common.Address{}) && (single || amount.Sign() > 0)
	t.allowed(by, token, owner, spender, gives, fmt.Sprintf("%s lets %s take %s", t.name(owner), t.name(spender), what),
		func(n named) bool { return n.addresses[spender] && n.numbers[amount.String()] && n.addresses[token] })
}

func (t *teller) approvedAll(by []string, token, owner, operator common.Address, yes bool) {
	text := fmt.Sprintf("%s lets %s take all of its %s", t.name(owner), t.name(operator), t.book.Name(token))
	if !yes {
		text = fmt.Sprintf("%s no longer lets %s take its %s", t.name(owner), t.name(operator), t.book.Name(token))
	}
	t.allowed(by, token, owner, operator, yes, text, func(n named) bool { return n.addresses[operator] && n.addresses[token] })
}

func (t *teller) allowed(by []string, token, owner, spender common.Address, gives bool, text string, says func(named) bool) {
	rank := rankMoves
	if gives && owner != spender && t.ours(owner) && !slices.ContainsFunc(t.calls, says) {
		rank = t.unexpected(token)
	}
	t.effect(rank, by, text)
}

// unexpected ranks what nobody said by whether the token has a name.
func (t *teller) unexpected(token common.Address) int {
	if token == safe.EtherLogs || t.book.Label(token) != "" {
		return rankGrave
	}
	return rankForeign
}

// amount writes an amount in the token's own unit where that is known, and else as the number that the contract holds.
func (t *teller) amount(token common.Address, n *big.Int) string {
	if decimals, ok := t.ran.Decimals[token]; ok {
		return FormatAmount(n, int(decimals))
	}
	if isMaxUint256(n) {
		return "the maximum"
	}
	return n.String() + " raw units"
}

// maxTokens bounds how many tokens are asked for their decimals.
const maxTokens = 8

// fungible are the events that tell an amount of an ERC-20, where two arguments are indexed.
var fungible = map[string]bool{"Transfer(address,address,uint256)": true, "Approval(address,address,uint256)": true}

// Tokens are the contracts with a label that tell of amounts of an ERC-20. What others say of their decimals is worth nothing: nobody has
// looked at them.
func (b *Book) Tokens(e safe.Effects) (tokens []common.Address) {
	for _, l := range e.Logs {
		event, _, ok := b.decodeEvent(l.What)
		amounts := ok && fungible[event.Signature()] && len(l.What.Topics) == 3
		if amounts && b.Label(l.What.Address) != "" && len(tokens) < maxTokens && !slices.Contains(tokens, l.What.Address) {
			tokens = append(tokens, l.What.Address)
		}
	}
	return tokens
}

// DecimalsCall asks a token how many digits of an amount are behind the point; DecodeDecimals takes the answer.
func DecimalsCall(token common.Address) safe.Call {
	return safe.Call{To: token, Data: crypto.Keccak256([]byte("decimals()"))[:4]}
}

// DecodeDecimals reads the answer of DecimalsCall; false where it is none that makes sense.
func DecodeDecimals(r safe.Result) (uint8, bool) {
	word, err := safe.DecodeHash(r)
	n := new(big.Int).SetBytes(word[:])
	if err != nil || n.BitLen() > 8 || n.Uint64() > maxDecimals {
		return 0, false
	}
	return uint8(n.Uint64()), true //nolint:gosec // at most maxDecimals
}

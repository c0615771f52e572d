package relay

import (
	"errors"
	"fmt"
	"strings"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// KeyState is a relayer key as the chain and the store have it.
type KeyState struct {
	Address   common.Address
	Emergency bool // kept for the emergency lane
	Account   safe.Account
	Open      []Carried // every open submission of the key, but not the one that is to be sent again (Renonce)
}

// Carried is an open submission of a key. Spent: its subject is done or dead, so that nobody needs it mined any more.
type Carried struct {
	Submission governance.Submission
	Spent      bool
}

// KeyChoice says which key sends, with which relayer nonce.
type KeyChoice struct {
	Address common.Address
	Nonce   uint64
	// Replaces holds the submissions that lose their nonce to the new one, if any. They stay open: what an unspent one was
	// for is sent again when the nonce is used up (Renonce).
	Replaces []governance.Submission
}

// Rivals are the attempts that the first bid at this nonce has to outbid, see Price.
func (c KeyChoice) Rivals() []governance.Attempt {
	var attempts []governance.Attempt
	for _, s := range c.Replaces {
		attempts = append(attempts, s.Attempts...)
	}
	return attempts
}

// ErrBusy says that every key has a transaction on its way that may not be replaced. The next block brings another chance.
var ErrBusy = errors.New("every relayer key has a transaction on its way")

// ChooseKey picks the key for a new transaction that needs this much wei to be mined at today's price.
//
// A routine transaction goes by the normal keys alone. An emergency goes by an emergency key, else by a normal one, in
// the order given; when none is free it takes the nonce of something spent, and at last that of a routine transaction. It
// never takes that of another emergency. A key without enough gas money, or with code (an EIP-7702 delegation lets others move
// its nonce and money), is passed over. The error is a sentence that names what is wrong with each key.
func ChooseKey(keys []KeyState, emergency bool, need uint256.Int) (KeyChoice, error) {
	var best *candidate
	var problems refusals
	for i := range keys {
		if keys[i].Emergency && !emergency {
			continue
		}
		if problem := unfit(keys[i], need); problem != nil {
			problems = append(problems, *problem)
			continue
		}
		c, ok := consider(keys[i], emergency)
		if !ok {
			problems = append(problems, refusal{text: fmt.Sprintf("%s has a transaction on its way", keys[i].Address), busy: true})
			continue
		}
		if best == nil || c.better(*best) {
			best = &c
		}
	}
	if best == nil {
		return KeyChoice{}, problems.err()
	}
	return best.choice, nil
}

// candidate is a key that could be used, with how far down the ladder it is.
type candidate struct {
	choice    KeyChoice
	displaces displacement
	normal    bool
}

type displacement int

const (
	displacesNothing displacement = iota
	displacesSpent
	displacesRoutine
)

func (c candidate) better(than candidate) bool {
	if c.displaces != than.displaces {
		return c.displaces < than.displaces
	}
	return !c.normal && than.normal
}

// consider finds what using the key would displace; false when it may not be used.
func consider(key KeyState, emergency bool) (candidate, bool) {
	c := candidate{choice: KeyChoice{Address: key.Address, Nonce: key.Account.Nonce}, normal: !key.Emergency}
	for _, carried := range key.Open {
		switch {
		case carried.Submission.Nonce != key.Account.Nonce:
			// Below: used up, what it waits for is depth. Above: a reorganisation emptied this nonce, and filling it helps both.
			continue
		case carried.Spent:
			c.displaces = max(c.displaces, displacesSpent)
		case emergency && !carried.Submission.Emergency:
			c.displaces = max(c.displaces, displacesRoutine)
		default:
			return candidate{}, false
		}
		c.choice.Replaces = append(c.choice.Replaces, carried.Submission)
	}
	return c, true
}

// outranks reports whether a keeps a relayer nonce that b wants too: an emergency before all else, then the newer one.
func outranks(a, b governance.Submission) bool {
	if a.Emergency != b.Emergency {
		return a.Emergency
	}
	if !a.CreatedAt.Equal(b.CreatedAt) {
		return a.CreatedAt.After(b.CreatedAt)
	}
	return a.ID > b.ID
}

func unfit(key KeyState, need uint256.Int) *refusal {
	switch {
	case key.Account.HasCode:
		return &refusal{text: fmt.Sprintf("%s has code: an EIP-7702 delegation lets others move its nonce", key.Address)}
	case key.Account.Balance.Lt(&need):
		return &refusal{
			text:     fmt.Sprintf("%s holds %s and needs %s", key.Address, ether(key.Account.Balance), ether(need)),
			unfunded: true,
		}
	default:
		return nil
	}
}

// refusal is why one key cannot be used.
type refusal struct {
	text           string
	busy, unfunded bool
}

type refusals []refusal

// err is ErrBusy when waiting helps; otherwise a refusal, because someone has to do something.
func (r refusals) err() error {
	if len(r) == 0 {
		return governance.Refuse(governance.CodeRelayerUnfunded, "name a relayer key in the configuration of the chain", "no relayer key may send this")
	}
	texts, busy, unfunded := make([]string, len(r)), false, false
	for i, one := range r {
		texts[i] = one.text
		busy, unfunded = busy || one.busy, unfunded || one.unfunded
	}
	detail := strings.Join(texts, "; ")
	switch {
	case busy:
		return fmt.Errorf("%w: %s", ErrBusy, detail)
	case unfunded:
		return governance.Refuse(governance.CodeRelayerUnfunded, "send it gas money, or send the transaction from a wallet", "%s", detail)
	default:
		return governance.Refuse(governance.CodeRelayerUnfunded, "give the relayer a key without code", "%s", detail)
	}
}

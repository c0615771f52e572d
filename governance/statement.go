package governance

import (
	"fmt"
	"strconv"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Action is what a person says with a wallet instead of a chat account.
type Action string

// The actions. None of them moves anything on a chain, and none is a signature over a Safe's transaction.
const (
	ActionObject   Action = "object"   // I am against it: holds back what is no emergency; enough owners end it
	ActionLift     Action = "lift"     // I take my objection back
	ActionWithdraw Action = "withdraw" // take our proposal down
	ActionApprove  Action = "approve"  // my role agrees that owners are asked
	ActionPropose  Action = "propose"  // draft this
	ActionManifest Action = "manifest" // these are the rules that I know
)

// sentences say to whoever looks at a wallet's small screen what the statement does.
var sentences = map[Action]string{
	ActionObject:   "I object to this proposal. This moves nothing; it holds the proposal back or helps to end it.",
	ActionLift:     "I take back my objection to this proposal. This moves nothing.",
	ActionWithdraw: "Take this proposal down. This moves nothing, and signatures that exist stay usable on chain.",
	ActionApprove:  "In my role I agree that the owners are asked to sign this proposal. This moves nothing and is no owner's signature.",
	ActionPropose:  "Draft this proposal in my name. This moves nothing and signs no transaction.",
	ActionManifest: "I know these rules: playbooks, ABIs, labels, members and Safes with this hash. This moves nothing.",
}

// Statement is what a wallet signs to say something to Belay: EIP-712 typed data in a domain of Belay's own, so that it can never
// be taken for a transaction of a Safe or of anything else.
type Statement struct {
	Action  Action
	Topic   string      // the proposal's id, the playbook's name, or "manifest"
	Subject common.Hash // what exactly: the hash of the intent, of the parameters, of the manifest
	Text    string      // the person's own words
	Site    string      // the one origin that it is said to
	At      time.Time   // whole seconds
}

// statementLife is how old a statement may be when it comes in, StatementSkew how far a wallet's computer may be ahead.
const (
	statementLife = 15 * time.Minute
	StatementSkew = 2 * time.Minute
)

// Fresh refuses a statement of another time: what was said once must not be said again by whoever kept it.
func (s Statement) Fresh(now time.Time) error {
	if age := now.Sub(s.At); age > statementLife || age < -StatementSkew {
		return Refuse(CodeStaleHash, "ask for it again and sign the new one", "this was signed for %s, which is not now", instant(s.At))
	}
	return nil
}

// Known reports whether the action is one of ours.
func (a Action) Known() bool { return sentences[a] != "" }

var (
	statementFields = []safe.TypedField{{Name: "statement", Type: "string"}, {Name: "action", Type: "string"}, {Name: "topic", Type: "string"},
		{Name: "subject", Type: "bytes32"}, {Name: "text", Type: "string"}, {Name: "site", Type: "string"}, {Name: "at", Type: "uint256"}}
	statementDomain = []safe.TypedField{{Name: "name", Type: "string"}, {Name: "version", Type: "string"}}

	statementType   = crypto.Keccak256([]byte("Statement(string statement,string action,string topic,bytes32 subject,string text,string site,uint256 at)"))
	statementHeader = crypto.Keccak256(crypto.Keccak256([]byte("EIP712Domain(string name,string version)")), crypto.Keccak256([]byte("Belay")), crypto.Keccak256([]byte("1")))
)

// TypedData is the bare object of eth_signTypedData_v4.
func (s Statement) TypedData() safe.TypedDocument {
	return safe.TypedDocument{
		Types:       map[string][]safe.TypedField{"EIP712Domain": statementDomain, "Statement": statementFields},
		PrimaryType: "Statement",
		Domain:      safe.TypedDomain{Name: "Belay", Version: "1"},
		Message: map[string]string{"statement": sentences[s.Action], "action": string(s.Action), "topic": s.Topic, "subject": s.Subject.Hex(),
			"text": s.Text, "site": s.Site, "at": strconv.FormatInt(s.At.Unix(), 10)},
	}
}

// Hash is what the wallet's signature is over: the EIP-712 hash of TypedData.
func (s Statement) Hash() common.Hash {
	text := func(v string) []byte { return crypto.Keccak256([]byte(v)) }
	at := uint256.NewInt(uint64(s.At.Unix())).Bytes32() //nolint:gosec // Fresh bounds it
	body := crypto.Keccak256(statementType, text(sentences[s.Action]), text(string(s.Action)), text(s.Topic), s.Subject[:], text(s.Text), text(s.Site), at[:])
	return crypto.Keccak256Hash([]byte{0x19, 0x01}, statementHeader, body)
}

// IntentHash binds a statement to what a proposal does, whatever nonce it stands at: chain, Safe, id, playbook and every call.
func (p *Proposal) IntentHash() common.Hash {
	parts := [][]byte{fmt.Appendf(nil, "%d %s ", p.Safe.ChainID, p.ID), p.Safe.Address[:], p.PlaybookHash[:]}
	for _, c := range p.Intent {
		value := c.Value.Bytes32()
		parts = append(parts, c.To[:], value[:], crypto.Keccak256(c.Data))
	}
	return crypto.Keccak256Hash(parts...)
}

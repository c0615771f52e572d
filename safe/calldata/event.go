package calldata

import (
	"fmt"
	"maps"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// builtinEvents are the events that every reader has to know by the same words. Which arguments are indexed differs between contracts
// (an ERC-20 and an ERC-721 share Transfer); the first ones are, as many as the log has topics for.
var builtinEvents = eventsByTopic(
	// tokens
	"Transfer(address from, address to, uint256 value)",
	"Approval(address owner, address spender, uint256 value)",
	"ApprovalForAll(address owner, address operator, bool approved)",
	"TransferSingle(address operator, address from, address to, uint256 id, uint256 value)",
	"TransferBatch(address operator, address from, address to, uint256[] ids, uint256[] values)",
	"Deposit(address account, uint256 amount)",
	"Withdrawal(address account, uint256 amount)",

	// Pausable, Ownable, AccessControl, AccessManaged, proxies
	"Paused(address account)",
	"Unpaused(address account)",
	"OwnershipTransferStarted(address previousOwner, address newOwner)",
	"OwnershipTransferred(address previousOwner, address newOwner)",
	"RoleGranted(bytes32 role, address account, address sender)",
	"RoleRevoked(bytes32 role, address account, address sender)",
	"RoleAdminChanged(bytes32 role, bytes32 previousAdminRole, bytes32 newAdminRole)",
	"AuthorityUpdated(address authority)",
	"Upgraded(address implementation)",
	"AdminChanged(address previousAdmin, address newAdmin)",
	"BeaconUpgraded(address beacon)",
	"Initialized(uint64 version)",

	// timelocks
	"CallScheduled(bytes32 id, uint256 index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay)",
	"CallExecuted(bytes32 id, uint256 index, address target, uint256 value, bytes data)",
	"CallSalt(bytes32 id, bytes32 salt)",
	"Cancelled(bytes32 id)",
	"MinDelayChange(uint256 oldDuration, uint256 newDuration)",

	// a Safe
	"AddedOwner(address owner)",
	"RemovedOwner(address owner)",
	"ChangedThreshold(uint256 threshold)",
	"EnabledModule(address module)",
	"DisabledModule(address module)",
	"ChangedGuard(address guard)",
	"ChangedModuleGuard(address moduleGuard)",
	"ChangedFallbackHandler(address handler)",
	"ChangedMasterCopy(address singleton)",
	"ApproveHash(bytes32 approvedHash, address owner)",
	"SignMsg(bytes32 msgHash)",
	"ExecutionFromModuleSuccess(address module)",
	"ExecutionFromModuleFailure(address module)",

	// Aave
	"ReservePaused(address asset, bool paused)",
	"ReserveFrozen(address asset, bool frozen)",
)

func eventsByTopic(texts ...string) map[common.Hash]Event {
	events := make(map[common.Hash]Event, len(texts))
	for _, text := range texts {
		f, err := ParseFunction(text)
		if err != nil {
			panic(err)
		}
		e := Event{Function: f}
		events[e.topic()] = e
	}
	return events
}

// Event is what a contract says in a log. Make one with ParseEvents.
type Event struct {
	Function
	indexed []bool // nil: the first ones, as many as the log has topics for
}

func (e Event) topic() common.Hash { return crypto.Keccak256Hash([]byte(e.Signature())) }

// ParseEvents reads the events of a contract's JSON ABI; see ParseABI for its forms. One that cannot be put in words is left out: it is
// counted where it is seen, and no reason to refuse a configuration.
func ParseEvents(data []byte) ([]Event, error) {
	entries, err := abiEntries(data)
	if err != nil {
		return nil, err
	}
	var events []Event
	for _, entry := range entries {
		if entry.Type != "event" || entry.Anonymous {
			continue
		}
		f, err := entry.function()
		if err != nil {
			continue
		}
		e := Event{Function: f, indexed: make([]bool, len(entry.Inputs))}
		for i, in := range entry.Inputs {
			e.indexed[i] = in.Indexed
		}
		events = append(events, e)
	}
	return events, nil
}

// WithEvents is the Book with events added. One that everybody knows stays as it is: a log moves nothing, so that a second reading is no
// reason to refuse a configuration.
func (b *Book) WithEvents(list []Event) *Book {
	more := *b
	more.events = maps.Clone(b.events)
	if more.events == nil {
		more.events = map[common.Hash]Event{}
	}
	for _, e := range list {
		if _, taken := more.events[e.topic()]; !taken {
			more.events[e.topic()] = e
		}
	}
	return &more
}

// event finds what a topic names.
func (b *Book) event(topic common.Hash) (Event, bool) {
	if e, ok := builtinEvents[topic]; ok || b == nil {
		return e, ok
	}
	e, ok := b.events[topic]
	return e, ok
}

// decodeEvent reads a log of a known event; false for what is none, or is not its proper encoding.
func (b *Book) decodeEvent(l safe.Log) (event Event, args []Arg, ok bool) {
	if len(l.Topics) == 0 {
		return event, nil, false
	}
	if event, ok = b.event(l.Topics[0]); !ok {
		return event, nil, false
	}
	inTopics, inData, ok := event.split(len(l.Topics) - 1)
	if !ok {
		return event, nil, false
	}
	var words []byte
	for _, topic := range l.Topics[1:] {
		words = append(words, topic[:]...)
	}
	first, err := event.decode(inTopics, words, "topics of")
	if err != nil {
		return event, nil, false
	}
	rest, err := event.decode(inData, l.Data, "data of")
	if err != nil {
		return event, nil, false
	}
	return event, event.inOrder(first, rest), true
}

// split says which arguments are in the topics and which in the data. Of what takes more than a word a topic holds a hash, which is no value.
func (e Event) split(topics int) (inTopics, inData abi.Arguments, ok bool) {
	for i, in := range e.Inputs {
		if !e.isIndexed(i, topics) {
			inData = append(inData, in)
			continue
		}
		if isDynamic(&e.Inputs[i].Type) || headSize(&e.Inputs[i].Type) != wordSize {
			return nil, nil, false
		}
		inTopics = append(inTopics, in)
	}
	return inTopics, inData, len(inTopics) == topics
}

func (e Event) isIndexed(i, topics int) bool {
	if e.indexed == nil {
		return i < topics
	}
	return e.indexed[i]
}

// inOrder puts the arguments back as the event has them.
func (e Event) inOrder(inTopics, inData []Arg) []Arg {
	args, topics := make([]Arg, 0, len(e.Inputs)), len(inTopics)
	for i := range e.Inputs {
		from := &inData
		if e.isIndexed(i, topics) {
			from = &inTopics
		}
		args = append(args, (*from)[0])
		*from = (*from)[1:]
	}
	return args
}

// eventWords tells a known event: "market 0x… says ReservePaused(asset: usdc 0x…, paused: true)".
func (b *Book) eventWords(of common.Address, e Event, args []Arg) string {
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = b.argument(a)
	}
	return fmt.Sprintf("%s says %s(%s)", b.Name(of), e.Name, strings.Join(texts, ", "))
}

package calldata

import (
	"fmt"
	"strings"

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

func eventsByTopic(texts ...string) map[common.Hash]Function {
	events := make(map[common.Hash]Function, len(texts))
	for _, text := range texts {
		e, err := ParseFunction(text)
		if err != nil {
			panic(err)
		}
		events[crypto.Keccak256Hash([]byte(e.Signature()))] = e
	}
	return events
}

// decodeEvent reads a log of a known event; false for what is none, or is not its proper encoding.
func decodeEvent(l safe.Log) (event Function, args []Arg, ok bool) {
	if len(l.Topics) == 0 {
		return event, nil, false
	}
	if event, ok = builtinEvents[l.Topics[0]]; !ok {
		return event, nil, false
	}
	indexed := len(l.Topics) - 1
	if indexed > len(event.Inputs) {
		return event, nil, false
	}
	var words []byte
	for i, topic := range l.Topics[1:] {
		if isDynamic(&event.Inputs[i].Type) {
			return event, nil, false // a hash of it
		}
		words = append(words, topic[:]...)
	}
	first, err := event.decode(event.Inputs[:indexed], words, "topics of")
	if err != nil {
		return event, nil, false
	}
	rest, err := event.decode(event.Inputs[indexed:], l.Data, "data of")
	if err != nil {
		return event, nil, false
	}
	return event, append(first, rest...), true
}

// eventWords tells a known event: "market 0x… says ReservePaused(asset: usdc 0x…, paused: true)".
func (b *Book) eventWords(of common.Address, e Function, args []Arg) string {
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = b.argument(a)
	}
	return fmt.Sprintf("%s says %s(%s)", b.Name(of), e.Name, strings.Join(texts, ", "))
}

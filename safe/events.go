package safe

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// Topics of the events that tell the fate of a transaction. ExecutionFailed is what 1.0.0 and older emit on failure; they emit
// nothing on success.
var (
	TopicExecutionSuccess = common.HexToHash("0x442e715f626346e8c54381002da614f62bee8d27386535b2521ec8540898556e") // ExecutionSuccess(bytes32,uint256)
	TopicExecutionFailure = common.HexToHash("0x23428b18acfb3ea64b08dc0c1d296ea9c09702c09083ca5272e64d115b687d23") // ExecutionFailure(bytes32,uint256)
	TopicExecutionFailed  = common.HexToHash("0xabfd711ecdd15ae3a6b3ad16ff2e9d81aec026a39d16725ee164be4fbf857a7c") // ExecutionFailed(bytes32)
	TopicApproveHash      = common.HexToHash("0xf2a0eb156472d1440255b0d7c1e19cc07115d1051fe605b0dce69acfec884d9c") // ApproveHash(bytes32,address)
)

// ExecutionTopics select every log that ExecutionOf understands.
func ExecutionTopics() []common.Hash {
	return []common.Hash{TopicExecutionSuccess, TopicExecutionFailure, TopicExecutionFailed}
}

// SettingTopics select the events after which owners, threshold, modules, guards, handler or implementation have to be read
// again, and open proposals judged again.
func SettingTopics() []common.Hash {
	return slices.Clone(settingTopics)
}

var settingTopics = []common.Hash{
	common.HexToHash("0x9465fa0c962cc76958e6373a993326400c1c94f8be2fe3a952adfa7f60b2ea26"), // AddedOwner(address)
	common.HexToHash("0xf8d49fc529812e9a7c5c50e69c20f0dccc0db8fa95c98bc58cc9a4f1c1299eaf"), // RemovedOwner(address)
	common.HexToHash("0x610f7ff2b304ae8903c3de74c60c6ab1f7d6226b3f52c5161905bb5ad4039c93"), // ChangedThreshold(uint256)
	common.HexToHash("0xecdf3a3effea5783a3c4c2140e677577666428d44ed9d474a0b3a4c9943f8440"), // EnabledModule(address)
	common.HexToHash("0xaab4fa2b463f581b2b32cb3b7e3b704b9ce37cc209b5fb4d77e593ace4054276"), // DisabledModule(address)
	common.HexToHash("0x1151116914515bc0891ff9047a6cb32cf902546f83066499bcf8ba33d2353fa2"), // ChangedGuard(address)
	common.HexToHash("0xcd1966d6be16bc0c030cc741a06c6e0efaf8d00de2c8b6a9e11827e125de8bb8"), // ChangedModuleGuard(address)
	common.HexToHash("0x5ac6c46c93c8d0e53714ba3b53db3e7c046da994313d7ed0d192028bc7c228b0"), // ChangedFallbackHandler(address)
	common.HexToHash("0x75e41bc35ff1bf14d81d1d2f649c0084a0f974f9289c803ec9898eeec4c8d0b8"), // ChangedMasterCopy(address)
}

// ExecutionOf reads the safeTxHash and the outcome from an execution event. The hash is indexed from 1.4.0 on and not before,
// under the same topic; the number of topics tells. ok is false for any other log.
//
// Any contract can emit the same bytes: the caller compares Log.Address with the Safe.
func ExecutionOf(l Log) (hash common.Hash, success, ok bool) {
	if len(l.Topics) == 0 {
		return common.Hash{}, false, false
	}
	dataWords := 2 // hash and payment
	switch l.Topics[0] {
	case TopicExecutionSuccess:
		success = true
	case TopicExecutionFailure:
	case TopicExecutionFailed:
		dataWords = 1
	default:
		return common.Hash{}, false, false
	}
	switch {
	case len(l.Topics) == 1 && len(l.Data) == dataWords*wordSize:
		return common.Hash(l.Data[:wordSize]), success, true
	case len(l.Topics) == 2 && len(l.Data) == (dataWords-1)*wordSize:
		return l.Topics[1], success, true
	}
	return common.Hash{}, false, false
}

// ApprovalOf reads hash and owner from an ApproveHash event (from 1.1.0 on; older Safes approve silently).
// The caller compares Log.Address with the Safe.
func ApprovalOf(l Log) (hash common.Hash, owner common.Address, ok bool) {
	if len(l.Topics) != 3 || l.Topics[0] != TopicApproveHash || len(l.Data) != 0 {
		return common.Hash{}, common.Address{}, false
	}
	owner, ok = addressOf(l.Topics[2][:])
	return l.Topics[1], owner, ok
}

package calldata

import (
	"fmt"
	"maps"
	"strings"

	"belay/safe"
)

// builtinErrors are the custom errors of the libraries that most protocols are built with (OpenZeppelin Contracts 5). As with
// functions, configured text can not rename them.
var builtinErrors = parseAll(
	"EnforcedPause()",
	"ExpectedPause()",
	"OwnableUnauthorizedAccount(address account)",
	"OwnableInvalidOwner(address owner)",
	"AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",
	"AccessControlBadConfirmation()",
	"AccessManagedUnauthorized(address caller)",
	"AccessManagerUnauthorizedAccount(address msgsender, uint64 roleId)",
	"AccessManagerUnauthorizedCall(address caller, address target, bytes4 selector)",
	"AccessManagerNotReady(bytes32 operationId)",
	"TimelockInsufficientDelay(uint256 delay, uint256 minDelay)",
	"TimelockUnexpectedOperationState(bytes32 operationId, bytes32 expectedStates)",
	"TimelockUnexecutedPredecessor(bytes32 predecessorId)",
	"TimelockUnauthorizedCaller(address caller)",
	"AddressEmptyCode(address target)",
	"FailedCall()",
	"InsufficientBalance(uint256 balance, uint256 needed)",
	"ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
	"ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
	"ERC20InvalidReceiver(address receiver)",
	"SafeERC20FailedOperation(address token)",
	"ReentrancyGuardReentrantCall()",
	"InvalidInitialization()",
	"NotInitializing()",
	"ERC1967InvalidImplementation(address implementation)",
	"UUPSUnauthorizedCallContext()",
)

// ParseErrors reads the custom errors of a contract's JSON ABI; see ParseABI for its forms.
func ParseErrors(data []byte) ([]Function, error) {
	return parseEntries(data, func(kind string) bool { return kind == "error" })
}

// WithErrors is the Book with custom errors added. One that repeats a known selector changes nothing: unlike calldata, revert data
// move no money, so that a collision is no reason to refuse a configuration.
func (b *Book) WithErrors(list []Function) *Book {
	with := &Book{errors: maps.Clone(builtinErrors)}
	if b != nil {
		with.functions, with.labels = b.functions, b.labels
	}
	for _, e := range list {
		if _, taken := with.errors[e.Selector()]; !taken {
			with.errors[e.Selector()] = e
		}
	}
	return with
}

// Explain says in words why a call reverted: custom errors that the Book knows with their arguments, everything else as
// safe.Explain does. A contract can revert with any bytes: the words tell what it said, not that it is true.
func (b *Book) Explain(revertData []byte) string {
	if len(revertData) < 4 {
		return safe.Explain(revertData)
	}
	known := builtinErrors
	if b != nil && b.errors != nil {
		known = b.errors
	}
	e, ok := known[[4]byte(revertData)]
	if !ok {
		return safe.Explain(revertData)
	}
	args, err := e.DecodeInput(revertData)
	if err != nil {
		return fmt.Sprintf("reverted with a malformed %s", e.Signature())
	}
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = b.argument(a)
	}
	return fmt.Sprintf("reverted with %s(%s)", e.Name, strings.Join(texts, ", "))
}

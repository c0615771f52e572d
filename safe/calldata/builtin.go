package calldata

// builtin are the functions that every reader has to know by the same words. Configured text can not rename them.
var builtin = parseAll(
	// ERC-20, ERC-721
	"transfer(address to, uint256 amount)",
	"transferFrom(address from, address to, uint256 amount)",
	"approve(address spender, uint256 amount)",
	"increaseAllowance(address spender, uint256 added)",
	"setApprovalForAll(address operator, bool approved)",
	"safeTransferFrom(address from, address to, uint256 id)",

	// Ownable, Ownable2Step, AccessControl
	"transferOwnership(address newOwner)",
	"acceptOwnership()",
	"renounceOwnership()",
	"grantRole(bytes32 role, address account)",
	"revokeRole(bytes32 role, address account)",
	"renounceRole(bytes32 role, address account)",

	// Pausable, upgradeable proxies and their admins
	"pause()",
	"unpause()",
	"upgradeTo(address implementation)",
	"upgradeToAndCall(address implementation, bytes data)",
	"changeAdmin(address newAdmin)",
	"upgrade(address proxy, address implementation)",
	"upgradeAndCall(address proxy, address implementation, bytes data)",

	// Safe: execution
	"execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures)",
	"approveHash(bytes32 hashToApprove)",
	"multiSend(bytes transactions)",
	"execTransactionFromModule(address to, uint256 value, bytes data, uint8 operation)",
	"execTransactionFromModuleReturnData(address to, uint256 value, bytes data, uint8 operation)",

	// Safe: owners, threshold, modules, guards, handler, implementation
	"setup(address[] owners, uint256 threshold, address to, bytes data, address fallbackHandler, address paymentToken, uint256 payment, address paymentReceiver)",
	"addOwnerWithThreshold(address owner, uint256 threshold)",
	"removeOwner(address prevOwner, address owner, uint256 threshold)",
	"swapOwner(address prevOwner, address oldOwner, address newOwner)",
	"changeThreshold(uint256 threshold)",
	"enableModule(address module)",
	"disableModule(address prevModule, address module)",
	"setGuard(address guard)",
	"setModuleGuard(address moduleGuard)",
	"setFallbackHandler(address handler)",
	"changeMasterCopy(address masterCopy)",

	// OpenZeppelin TimelockController
	"schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay)",
	"scheduleBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt, uint256 delay)",
	"execute(address target, uint256 value, bytes payload, bytes32 predecessor, bytes32 salt)",
	"executeBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt)",
	"cancel(bytes32 id)",
	"updateDelay(uint256 newDelay)",

	// Compound timelock
	"queueTransaction(address target, uint256 value, string signature, bytes data, uint256 eta)",
	"executeTransaction(address target, uint256 value, string signature, bytes data, uint256 eta)",
	"cancelTransaction(address target, uint256 value, string signature, bytes data, uint256 eta)",
	"setDelay(uint256 delay)",
	"setPendingAdmin(address pendingAdmin)",
	"acceptAdmin()",

	// OpenZeppelin AccessManager
	"schedule(address target, bytes data, uint48 when)",
	"execute(address target, bytes data)",
	"cancel(address caller, address target, bytes data)",
	"grantRole(uint64 roleId, address account, uint32 executionDelay)",
	"revokeRole(uint64 roleId, address account)",

	// Zodiac Delay
	"executeNextTx(address to, uint256 value, bytes data, uint8 operation)",
	"setTxNonce(uint256 nonce)",
	"skipExpired()",
)

func parseAll(texts ...string) map[[4]byte]Function {
	functions := make(map[[4]byte]Function, len(texts))
	for _, text := range texts {
		f := MustParseFunction(text)
		if _, taken := functions[f.Selector()]; taken {
			panic("calldata: two built-in functions share a selector: " + text)
		}
		functions[f.Selector()] = f
	}
	return functions
}

// Builtin returns the function that goes by sel in every Book, if it is one of the well-known ones.
func Builtin(sel [4]byte) (Function, bool) {
	f, ok := builtin[sel]
	return f, ok
}

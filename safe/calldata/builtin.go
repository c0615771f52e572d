package calldata

// builtin are the functions that every reader has to know by the same words. Configured text can not rename them.
var builtin = parseAll(
	// ERC-20, ERC-721
	"transfer(address to, uint256 amount)",
	"transferFrom(address from, address to, uint256 amount)",
	"approve(address spender, uint256 amount)",
	"increaseAllowance(address spender, uint256 added)",
	"decreaseAllowance(address spender, uint256 subtracted)",
	"permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
	"mint(address to, uint256 amount)",
	"burn(uint256 amount)",
	"burnFrom(address account, uint256 amount)",
	"setApprovalForAll(address operator, bool approved)",
	"safeTransferFrom(address from, address to, uint256 id)",
	"safeTransferFrom(address from, address to, uint256 id, bytes data)",
	"safeTransferFrom(address from, address to, uint256 id, uint256 amount, bytes data)",

	// Ownable, Ownable2Step, AccessControl, AccessControlDefaultAdminRules, solmate's Auth
	"transferOwnership(address newOwner)",
	"acceptOwnership()",
	"renounceOwnership()",
	"grantRole(bytes32 role, address account)",
	"revokeRole(bytes32 role, address account)",
	"renounceRole(bytes32 role, address account)",
	"beginDefaultAdminTransfer(address newAdmin)",
	"acceptDefaultAdminTransfer()",
	"cancelDefaultAdminTransfer()",
	"changeDefaultAdminDelay(uint48 newDelay)",
	"setOwner(address newOwner)",
	"setAuthority(address newAuthority)",

	// calls of a contract to itself
	"multicall(bytes[] data)",

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
	"migrateSingleton()",
	"migrateWithFallbackHandler()",
	"migrateL2Singleton()",
	"migrateL2WithFallbackHandler()",
	"signMessage(bytes message)",

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
	"renounceRole(uint64 roleId, address callerConfirmation)",
	"setRoleAdmin(uint64 roleId, uint64 admin)",
	"setRoleGuardian(uint64 roleId, uint64 guardian)",
	"setGrantDelay(uint64 roleId, uint32 newDelay)",
	"labelRole(uint64 roleId, string label)",
	"setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId)",
	"setTargetAdminDelay(address target, uint32 newDelay)",
	"setTargetClosed(address target, bool closed)",
	"updateAuthority(address target, address newAuthority)",

	// Zodiac: Roles, Delay, and what every modifier has
	"execTransactionWithRole(address to, uint256 value, bytes data, uint8 operation, bytes32 roleKey, bool shouldRevert)",
	"setAvatar(address avatar)",
	"setTarget(address target)",
	"setTxCooldown(uint256 cooldown)",
	"setTxExpiration(uint256 expiration)",
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

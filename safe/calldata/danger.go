package calldata

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"belay/safe"
)

// Danger is something that a signer has to be told before anything else, with a code for machines.
type Danger struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Danger codes.
const (
	DangerDelegateCall    = "delegatecall"       // foreign code runs as the Safe
	DangerTokenDelegate   = "token_delegatecall" // a token function by delegatecall: the sign of the Bybit theft
	DangerOperation       = "unknown_operation"  // neither CALL nor DELEGATECALL
	DangerMultiSendCall   = "multisend_by_call"  // a batch library that is not delegatecalled acts in its own name
	DangerOwners          = "owner_change"       // of a Safe
	DangerThreshold       = "threshold_change"   // of a Safe
	DangerModules         = "module_change"      // a module acts without signatures
	DangerGuard           = "guard_change"       // a guard can block everything
	DangerHandler         = "fallback_handler_change"
	DangerImplementation  = "implementation_change" // of a Safe or a proxy
	DangerAuthority       = "authority_change"      // ownership, roles, admin, or delay of a timelock
	DangerAllowance       = "unlimited_allowance"
	DangerApproveHash     = "approve_hash"   // a yes to a transaction of a Safe that is not shown
	DangerAmbiguous       = "ambiguous_call" // a selector that some contracts serve by DELEGATECALL
	DangerGasRefund       = "gas_refund"     // pays the sender from the Safe
	DangerSafeTxGas       = "safe_tx_gas"    // a failed call uses up the nonce
	DangerZeroTarget      = "zero_target"    // nobody, or with the 1.5.0 batch library the Safe itself
	DangerUnknownCalldata = "unknown_calldata"
	DangerMalformed       = "malformed_calldata"
	DangerTooDeep         = "too_deep"
	DangerReplayable      = "replayable_on"     // the signature is good on every chain
	DangerNonceBurns      = "nonce_burns"       // a failed execution uses the nonce up
	DangerNoCode          = "no_code"           // a call that succeeds and does nothing
	DangerCodeChanged     = "code_changed"      // a contract is not the one that its ABI was configured for
	DangerBurnable        = "burnable"          // too little gas uses up the nonce without effect
	DangerUnverified      = "unverified"        // the Safe's own code is none that was published
	DangerUnexpected      = "unexpected_change" // simulated, it does what no call of it says: see Tell
	DangerLeftOut         = "left_out"          // a call of a pause that reverts, so that the rest goes on without it
)

// Dangers lists what is dangerous about a transaction of the Safe d, every call within it included, worst first as far as
// that can be said. d may be zero where the Safe is not known; then nothing is said that depends on it.
//
// multiSends are batch libraries that the caller has proven to be MultiSendCallOnly by code hash; the published addresses are
// taken for granted.
func (b *Book) Dangers(d safe.Domain, tx safe.Tx, multiSends ...common.Address) []Danger {
	w := &watch{book: b}
	w.operation(tx, multiSends)
	w.gas(d.Version, tx)
	calls, opened := b.open(tx, multiSends)
	for _, call := range calls {
		if opened && call.Delegate {
			w.add(DangerDelegateCall, "DELEGATECALL to %s within the batch", b.Name(call.To))
		}
		w.call(call)
	}
	w.version(d.Version)
	return w.found
}

// Targets are the addresses that are sent data by a transaction, at any depth, each once. Whether there is code at them only a
// chain can tell: see IntoNothing.
func (b *Book) Targets(tx safe.Tx, multiSends ...common.Address) (list []common.Address) {
	each(b.DescribeTx(tx, multiSends...), func(d Described) {
		if len(d.Data) > 0 && !d.self && !slices.Contains(list, d.To) {
			list = append(list, d.To)
		}
	})
	return list
}

// IntoNothing lists the calls with data to addresses without code. The EVM lets them succeed, and nothing happens: a wrong
// address or a wrong chain looks like a pause that worked.
func (b *Book) IntoNothing(tx safe.Tx, codeless []common.Address, multiSends ...common.Address) []Danger {
	w := &watch{book: b}
	each(b.DescribeTx(tx, multiSends...), func(d Described) {
		if len(d.Data) > 0 && !d.self && slices.Contains(codeless, d.To) {
			w.add(DangerNoCode, "there is no contract at %s: the call succeeds and does nothing", b.Name(d.To))
		}
	})
	return w.found
}

// each visits calls and those within them.
func each(calls []Described, visit func(Described)) {
	for _, d := range calls {
		visit(d)
		each(d.Inner, visit)
	}
}

// watch collects dangers, each one once.
type watch struct {
	book  *Book
	found []Danger
	known map[Danger]bool
}

func (w *watch) add(code, format string, args ...any) {
	danger := Danger{code, fmt.Sprintf(format, args...)}
	if w.known == nil {
		w.known = map[Danger]bool{}
	}
	if !w.known[danger] {
		w.known[danger] = true
		w.found = append(w.found, danger)
	}
}

func (w *watch) operation(tx safe.Tx, multiSends []common.Address) {
	library := safe.IsMultiSendCallOnly(tx.To) || slices.Contains(multiSends, tx.To)
	switch {
	case tx.Operation > safe.OperationDelegateCall:
		w.add(DangerOperation, "operation %d is neither CALL nor DELEGATECALL", tx.Operation)
	case tx.Operation == safe.OperationDelegateCall && !isBatch(tx, multiSends):
		w.add(DangerDelegateCall, "DELEGATECALL to %s: its code runs as the Safe and can take everything, the Safe itself included", w.book.Name(tx.To))
	case tx.Operation == safe.OperationCall && library:
		w.library(tx.To)
	}
}

func (w *watch) library(to common.Address) {
	w.add(DangerMultiSendCall, "the batch library %s is called, not delegatecalled: its calls are not made by the Safe", w.book.Name(to))
}

func (w *watch) gas(v safe.Version, tx safe.Tx) {
	if !tx.GasPrice.IsZero() || !tx.BaseGas.IsZero() || tx.GasToken != (common.Address{}) || tx.RefundReceiver != (common.Address{}) {
		w.add(DangerGasRefund, "the Safe pays for gas: gasPrice %s, baseGas %s, gasToken %s, refundReceiver %s",
			tx.GasPrice.Dec(), tx.BaseGas.Dec(), tx.GasToken.Hex(), tx.RefundReceiver.Hex())
	}
	switch {
	case tx.SafeTxGas.IsZero():
	case v.Supported() && !v.KeepsNonceOnFailure():
		w.add(DangerSafeTxGas, "safeTxGas is %s: with less gas nobody can execute this, which a Safe %s needs; a failed call uses up the nonce in any case", tx.SafeTxGas.Dec(), v)
	default:
		w.add(DangerSafeTxGas, "safeTxGas is %s: a failed call uses up the nonce and the signatures", tx.SafeTxGas.Dec())
	}
}

func (w *watch) version(v safe.Version) {
	if !v.Supported() {
		return
	}
	if !v.BindsChain() {
		w.add(DangerReplayable, "Safe %s: the signatures are also valid for this address on every other chain", v)
	}
	if !v.KeepsNonceOnFailure() {
		w.add(DangerNonceBurns, "Safe %s: a failed call uses up the nonce and the signatures", v)
	}
}

// call judges one call and those within it.
func (w *watch) call(d Described) {
	if d.Delegate && isToken(d) {
		w.add(DangerTokenDelegate, "the token function %s by DELEGATECALL to %s moves no token; it hides what the code there does", d.Function, w.book.target(d))
	}
	switch {
	case d.self:
		w.add(DangerZeroTarget, "a call to the zero address, which for this batch library is the Safe itself")
	case d.To == (common.Address{}):
		w.add(DangerZeroTarget, "a call to the zero address: it reaches nobody")
	}
	switch d.Reading {
	case ReadUnknown:
		w.add(DangerUnknownCalldata, "no known function for the data sent to %s: %s", w.book.target(d), bytesText(d.Data))
	case ReadMalformed:
		w.add(DangerMalformed, "the data sent to %s has the selector of %s but is not its proper encoding", w.book.target(d), d.Function)
	case ReadTooDeep:
		w.add(DangerTooDeep, "calls within %s on %s are nested too deep to open", d.Function, w.book.target(d))
	}
	if !d.Delegate && (safe.IsMultiSend(d.Data) || len(d.Data) > 0 && safe.IsMultiSendCallOnly(d.To)) {
		w.library(d.To)
	}
	w.function(d)
	if vetoes[d.Function] {
		return // what is inside will not be done
	}
	for _, in := range d.Inner {
		if in.Delegate {
			w.add(DangerDelegateCall, "DELEGATECALL to %s within %s", w.book.Name(in.To), d.Function)
		}
		w.call(in)
	}
}

// function names what a well-known function changes.
func (w *watch) function(d Described) {
	if len(d.Data) < 4 {
		return
	}
	if rule, ok := rules[[4]byte(d.Data)]; ok {
		w.add(rule.Code, "%s on %s %s", d.Function, w.book.target(d), rule.Text)
	}
	if d.Reading != ReadFunction {
		return
	}
	if at, ok := allowances[d.Function]; ok {
		if amount, isNumber := d.Args[at].Value.(*big.Int); isNumber && boundless(amount) {
			w.add(DangerAllowance, "%s on %s gives an allowance of %s, which nothing limits", d.Function, w.book.target(d), amount)
		}
	}
	switch d.Function {
	case "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)":
		w.nestedGas(d)
	case "execute(address,bytes)":
		if !w.book.bound(d.To) {
			w.add(DangerAmbiguous, "execute(address,bytes) on %s: an AccessManager makes the call shown; a proxy such as DSProxy runs the target's code as itself, by DELEGATECALL", w.book.target(d))
		}
	}
}

// allowances are the functions that let somebody spend, with the place of the amount.
var allowances = map[string]int{
	"approve(address,uint256)": 1, "increaseAllowance(address,uint256)": 1, "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)": 2,
}

// boundless reports whether an allowance is more than any token has: 2^128 and above, or the 2^96-1 that tokens with such balances take
// for all.
func boundless(amount *big.Int) bool {
	return amount.BitLen() > 128 || amount.Cmp(maxUint96) == 0
}

var maxUint96 = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 96), big.NewInt(1))

// nestedGas judges the gas fields of another Safe's transaction within this one.
func (w *watch) nestedGas(d Described) {
	var tx safe.Tx
	for i, field := range map[int]*uint256.Int{4: &tx.SafeTxGas, 5: &tx.BaseGas, 6: &tx.GasPrice} {
		if n, ok := d.Args[i].Value.(*big.Int); ok {
			field.SetFromBig(n)
		}
	}
	tx.GasToken, _ = d.Args[7].Value.(common.Address)
	tx.RefundReceiver, _ = d.Args[8].Value.(common.Address)
	w.gas(safe.Version{}, tx)
}

func isToken(d Described) bool {
	if len(d.Data) < 4 {
		return false
	}
	return slices.Contains(tokenSelectors, [4]byte(d.Data))
}

var tokenSelectors = [][4]byte{
	sel("transfer(address,uint256)"), sel("transferFrom(address,address,uint256)"), sel("approve(address,uint256)"),
}

// vetoes are the functions that name calls in order to prevent them.
var vetoes = map[string]bool{
	"cancelTransaction(address,uint256,string,bytes,uint256)": true,
	"cancel(address,address,bytes)":                           true,
}

// rules are the functions that change who holds power. Text follows "FUNCTION on TARGET".
var rules = map[[4]byte]Danger{
	sel("setup(address[],uint256,address,bytes,address,address,uint256,address)"): {DangerOwners, "sets up a Safe"},

	sel("addOwnerWithThreshold(address,uint256)"):         {DangerOwners, "adds an owner"},
	sel("removeOwner(address,address,uint256)"):           {DangerOwners, "removes an owner"},
	sel("swapOwner(address,address,address)"):             {DangerOwners, "replaces an owner"},
	sel("changeThreshold(uint256)"):                       {DangerThreshold, "changes the threshold"},
	sel("enableModule(address)"):                          {DangerModules, "lets a module act without signatures"},
	sel("disableModule(address,address)"):                 {DangerModules, "removes a module"},
	sel("setGuard(address)"):                              {DangerGuard, "changes the guard, which can block every transaction"},
	sel("setModuleGuard(address)"):                        {DangerGuard, "changes the module guard, which can block every module"},
	sel("setFallbackHandler(address)"):                    {DangerHandler, "changes who answers calls in the Safe's name"},
	sel("approveHash(bytes32)"):                           {DangerApproveHash, "is a yes to a transaction of that Safe which is not shown here"},
	sel("changeMasterCopy(address)"):                      {DangerImplementation, "replaces the Safe's code"},
	sel("migrateSingleton()"):                             {DangerImplementation, "replaces the Safe's code"},
	sel("migrateWithFallbackHandler()"):                   {DangerImplementation, "replaces the Safe's code and who answers in its name"},
	sel("migrateL2Singleton()"):                           {DangerImplementation, "replaces the Safe's code"},
	sel("migrateL2WithFallbackHandler()"):                 {DangerImplementation, "replaces the Safe's code and who answers in its name"},
	sel("signMessage(bytes)"):                             {DangerAuthority, "has the Safe vouch for a message, such as an order or a permit"},
	sel("setOwner(address)"):                              {DangerAuthority, "gives the contract away"},
	sel("setAuthority(address)"):                          {DangerAuthority, "changes who decides what is allowed"},
	sel("beginDefaultAdminTransfer(address)"):             {DangerAuthority, "begins to give the contract away"},
	sel("changeDefaultAdminDelay(uint48)"):                {DangerAuthority, "changes how long giving the contract away takes"},
	sel("renounceRole(uint64,address)"):                   {DangerAuthority, "gives up a role"},
	sel("setRoleAdmin(uint64,uint64)"):                    {DangerAuthority, "changes who grants a role"},
	sel("setRoleGuardian(uint64,uint64)"):                 {DangerAuthority, "changes who may cancel for a role"},
	sel("setGrantDelay(uint64,uint32)"):                   {DangerAuthority, "changes how long granting a role takes"},
	sel("setTargetFunctionRole(address,bytes4[],uint64)"): {DangerAuthority, "changes who may call functions"},
	sel("setTargetAdminDelay(address,uint32)"):            {DangerAuthority, "changes a contract's delay"},
	sel("updateAuthority(address,address)"):               {DangerAuthority, "changes who decides what is allowed"},
	sel("setAvatar(address)"):                             {DangerAuthority, "changes whom a module acts for"},
	sel("setTarget(address)"):                             {DangerAuthority, "changes through whom a module acts"},
	sel("setTxCooldown(uint256)"):                         {DangerAuthority, "changes a module's delay"},
	sel("setTxNonce(uint256)"):                            {DangerAuthority, "skips what a module has queued"},
	sel("upgradeTo(address)"):                             {DangerImplementation, "replaces the contract's code"},
	sel("upgradeToAndCall(address,bytes)"):                {DangerImplementation, "replaces the contract's code"},
	sel("upgrade(address,address)"):                       {DangerImplementation, "replaces a contract's code"},
	sel("upgradeAndCall(address,address,bytes)"):          {DangerImplementation, "replaces a contract's code"},
	sel("changeAdmin(address)"):                           {DangerAuthority, "changes who may upgrade"},
	sel("transferOwnership(address)"):                     {DangerAuthority, "gives the contract away"},
	sel("renounceOwnership()"):                            {DangerAuthority, "leaves the contract without an owner"},
	sel("grantRole(bytes32,address)"):                     {DangerAuthority, "grants a role"},
	sel("revokeRole(bytes32,address)"):                    {DangerAuthority, "revokes a role"},
	sel("renounceRole(bytes32,address)"):                  {DangerAuthority, "gives up a role"},
	sel("grantRole(uint64,address,uint32)"):               {DangerAuthority, "grants a role"},
	sel("revokeRole(uint64,address)"):                     {DangerAuthority, "revokes a role"},
	sel("updateDelay(uint256)"):                           {DangerAuthority, "changes the timelock's delay"},
	sel("setDelay(uint256)"):                              {DangerAuthority, "changes the timelock's delay"},
	sel("setPendingAdmin(address)"):                       {DangerAuthority, "changes the timelock's admin"},
	sel("setApprovalForAll(address,bool)"):                {DangerAllowance, "lets an operator move every token, or stops it"},
}

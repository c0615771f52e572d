package safe

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holiman/uint256"
)

// maxReason bounds a revert text in runes; contracts can return any amount of it.
const maxReason = 300

var (
	errorSelector = [4]byte{0x08, 0xc3, 0x79, 0xa0} // Error(string)
	panicSelector = [4]byte{0x4e, 0x48, 0x7b, 0x71} // Panic(uint256)
)

// Explain says in words why a call reverted: the text of Error(string), the meaning of Panic(uint256), Safe error codes in a
// sentence, the selector of a custom error. A bare code such as GS026 is understood too. The result is one line of printable
// characters of bounded length, but it may hold foreign text; no input makes it panic.
func Explain(revertData []byte) string {
	if len(revertData) == 0 {
		return "reverted without a reason"
	}
	if words, ok := explainCode(string(revertData)); ok {
		return words
	}
	if len(revertData) < 4 {
		return fmt.Sprintf("reverted with %d bytes that are no error: %#x", len(revertData), revertData)
	}
	switch [4]byte(revertData) {
	case errorSelector:
		return explainText(revertData[4:])
	case panicSelector:
		return explainPanic(revertData[4:])
	}
	return explainCustom(revertData)
}

func explainText(body []byte) string {
	raw, ok := errorText(body)
	if !ok {
		return "reverted with a truncated text"
	}
	if words, ok := explainCode(raw); ok {
		return words
	}
	if text := Printable(raw, maxReason); text != "" {
		return text
	}
	return "reverted with an empty text"
}

// errorText reads the string of Error(string). Old compilers leave out the padding, so only the length is strict.
func errorText(body []byte) (string, bool) {
	if len(body) < 2*wordSize {
		return "", false
	}
	rest := body[2*wordSize:]
	n, ok := intOf(body[wordSize : 2*wordSize])
	if !ok || n > len(rest) {
		return "", false
	}
	return string(rest[:n]), true
}

func explainPanic(body []byte) string {
	if len(body) != wordSize {
		return "panic with a malformed code"
	}
	code := new(uint256.Int).SetBytes32(body)
	if code.IsUint64() {
		if words, ok := panics[code.Uint64()]; ok {
			return fmt.Sprintf("panic 0x%02x: %s", code.Uint64(), words)
		}
	}
	return "panic " + code.Hex()
}

func explainCustom(data []byte) string {
	for _, known := range customErrors {
		if bytes.Equal(data[:4], known.selector[:]) {
			return known.words
		}
	}
	return fmt.Sprintf("reverted with custom error %#x (%d bytes)", data[:4], len(data))
}

func explainCode(reason string) (string, bool) {
	code, ok := codeOf(reason)
	if !ok {
		return "", false
	}
	return code + ": " + errorCodes[code], true
}

// codeOf knows a Safe error code, and the texts that stood in the place of codes before 1.3.0.
func codeOf(reason string) (string, bool) {
	if _, ok := errorCodes[reason]; ok {
		return reason, true
	}
	code, ok := legacyTexts[reason]
	return code, ok
}

// ErrorCode returns the GSxxx code in revert data of a Safe, or "" where there is none. A code from a 1.5.0 Safe may be one
// that bubbled up from the target.
func ErrorCode(revertData []byte) string {
	if !bytes.HasPrefix(revertData, errorSelector[:]) {
		return ""
	}
	reason, _ := errorText(revertData[len(errorSelector):])
	code, _ := codeOf(reason)
	return code
}

// Printable makes foreign text harmless to print on one line: control and invisible characters become spaces or go, invalid
// UTF-8 becomes U+FFFD, and what is longer than limit runes is cut with an ellipsis. It does not escape for any markup.
func Printable(text string, limit int) string {
	var b strings.Builder
	runes := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			r = ' '
		case !unicode.IsPrint(r) && r != utf8.RuneError:
			continue // format characters: direction marks, zero-width joiners
		}
		if runes == limit {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
		runes++
	}
	return strings.TrimSpace(b.String())
}

// panics are the codes of Solidity's Panic(uint256), https://docs.soliditylang.org/en/latest/control-structures.html.
var panics = map[uint64]string{
	0x00: "generic panic",
	0x01: "an assertion is false",
	0x11: "arithmetic overflow or underflow",
	0x12: "division by zero",
	0x21: "value is not in the enum",
	0x22: "storage byte array is badly encoded",
	0x31: "pop from an empty array",
	0x32: "array index out of bounds",
	0x41: "too much memory",
	0x51: "call of an uninitialised function",
}

// errorCodes are those of Safe 1.3.0 to 1.5.0 (docs/error_codes.md of safe-smart-account). GS013 and GS027 left in 1.5.0.
var errorCodes = map[string]string{
	"GS000": "the delegatecall of the setup failed",
	"GS001": "the Safe has no threshold, it was never set up",
	"GS002": "the setup's delegatecall target is not a contract",
	"GS010": "too little gas for the safeTxGas of the transaction",
	"GS011": "the Safe could not pay the gas refund in ether",
	"GS012": "the Safe could not pay the gas refund in the token",
	"GS013": "the inner call failed; nothing was spent and the nonce is kept",
	"GS020": "fewer signatures than the threshold",
	"GS021": "a contract signature points into the fixed part of the signatures",
	"GS022": "a contract signature's length is missing",
	"GS023": "a contract signature's bytes are missing",
	"GS024": "a contract owner did not vouch for the transaction",
	"GS025": "an owner's approved hash is not on chain",
	"GS026": "a signature is not by an owner, twice by one, out of order, or over another hash (other nonce, chain, version or calldata)",
	"GS027": "the data given does not match the hash",
	"GS030": "only an owner can approve a hash",
	"GS031": "only the Safe itself may call this",
	"GS100": "modules are already set up",
	"GS101": "not a valid module address",
	"GS102": "the module is already enabled",
	"GS103": "the module before it in the list is wrong",
	"GS104": "the caller is not an enabled module",
	"GS105": "the module page has an invalid start",
	"GS106": "the module page has size zero",
	"GS200": "owners are already set up",
	"GS201": "the threshold would exceed the number of owners",
	"GS202": "the threshold must be at least one",
	"GS203": "not a valid owner address",
	"GS204": "the address is already an owner",
	"GS205": "the owner before it in the list is wrong",
	"GS300": "the guard does not implement its interface",
	"GS301": "the module guard does not implement its interface",
	"GS400": "the fallback handler can not be the Safe itself",
}

// legacyTexts are the revert texts of Safes before 1.3.0 and the code that took their place.
var legacyTexts = map[string]string{
	"Threshold needs to be defined!":                          "GS001",
	"Not enough gas to execute safe transaction":              "GS010",
	"Could not pay gas costs with ether":                      "GS011",
	"Could not pay gas costs with token":                      "GS012",
	"Signatures data too short":                               "GS020",
	"Invalid contract signature location: inside static part": "GS021",
	"Invalid contract signature location: length not present": "GS022",
	"Invalid contract signature location: data not complete":  "GS023",
	"Invalid contract signature provided":                     "GS024",
	"Hash has not been approved":                              "GS025",
	"Invalid owner provided":                                  "GS026",
	"Invalid signatures provided":                             "GS026", // < 1.0.0 says it for every fault of signatures
	"Only owners can approve a hash":                          "GS030",
	"Method can only be called from this contract":            "GS031",
	"Method can only be called from an enabled module":        "GS104",
	"Invalid threshold":                                       "GS201",
}

type customError struct {
	selector [4]byte
	words    string
}

// customErrors are common errors of contracts that a Safe calls; arguments are left out.
var customErrors = []customError{
	{selector("OwnableUnauthorizedAccount(address)"), "OwnableUnauthorizedAccount: the caller is not the contract's owner"},
	{selector("AccessControlUnauthorizedAccount(address,bytes32)"), "AccessControlUnauthorizedAccount: the caller lacks the role"},
	{selector("AccessManagedUnauthorized(address)"), "AccessManagedUnauthorized: the access manager does not let the caller"},
	{selector("EnforcedPause()"), "EnforcedPause: the contract is paused"},
	{selector("ExpectedPause()"), "ExpectedPause: the contract is not paused"},
	{selector("TimelockUnauthorizedCaller(address)"), "TimelockUnauthorizedCaller: only the timelock itself may call this"},
	{selector("TimelockInsufficientDelay(uint256,uint256)"), "TimelockInsufficientDelay: the delay is below the timelock's minimum"},
	{selector("TimelockUnexpectedOperationState(bytes32,bytes32)"), "TimelockUnexpectedOperationState: the operation is not in the state this needs"},
	{selector("TimelockUnexecutedPredecessor(bytes32)"), "TimelockUnexecutedPredecessor: an operation before it is not executed"},
	{selector("FailedCall()"), "FailedCall: an inner call failed without a reason"},
	{selector("FailedInnerCall()"), "FailedInnerCall: an inner call failed without a reason"},
	{selector("ConditionViolation(uint8,bytes32)"), "ConditionViolation: the Zodiac role does not permit this call"},
	{selector("ModuleTransactionFailed()"), "ModuleTransactionFailed: the Safe's inner call failed"},
	{selector("NoMembership()"), "NoMembership: the caller is not a member of the Zodiac role"},
}

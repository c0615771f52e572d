package chain

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"syscall"

	"belay/safe"
)

// Errors that callers branch on. Each is wrapped with what was attempted and why it did not succeed.
var (
	ErrNoAgreement       = errors.New("no agreement between providers")
	ErrDisproved         = errors.New("a proof contradicts the providers")
	ErrNotSafe           = safe.ErrNotSafe
	ErrClosed            = errors.New("chain client is closed")
	ErrNonceTooLow       = safe.ErrNonceTooLow
	ErrUnderpriced       = safe.ErrUnderpriced
	ErrInsufficientFunds = safe.ErrInsufficientFunds
	ErrReverted          = safe.ErrReverted
	ErrPolicy            = errors.New("refused by the signer's policy")
)

// Outcome says how one exchange with a provider ended. The set is closed, so that it can be a metric label.
type Outcome string

// The outcomes of an exchange, as [Config.OnCall] sees them.
const (
	Answered    Outcome = "ok"
	TimedOut    Outcome = "timeout"
	Unreachable Outcome = "unreachable"
	Throttled   Outcome = "throttled"
	BadStatus   Outcome = "http_status"
	NotJSON     Outcome = "not_json"
	TooLarge    Outcome = "too_large"
	Malformed   Outcome = "malformed"
	Refused     Outcome = "refused"
	WrongChain  Outcome = "wrong_chain"
	Disagreed   Outcome = "disagreed" // answered, but not what the others agreed on
	// Contradicted: agreed with others, and a proof says otherwise.
	Contradicted Outcome = "disproved"
	Canceled     Outcome = "canceled" // by us: the answer was no longer wanted
)

// providerError is a provider's failure in words that are fit to be shown: no URL, no address, no foreign error text that
// could hold one.
type providerError struct {
	outcome Outcome
	text    string
	cause   error // a context error or a mark of ours, or nil
}

func (e *providerError) Error() string { return e.text }
func (e *providerError) Unwrap() error { return e.cause }

func outcomeOf(err error) Outcome {
	var failure *providerError
	switch {
	case err == nil:
		return Answered
	case errors.As(err, &failure):
		return failure.outcome
	default:
		return Refused
	}
}

// rpcError is a provider's refusal of one request.
type rpcError struct {
	code    int
	message string // scrubbed
	data    []byte // revert data, when the provider sent any
}

func (e *rpcError) Error() string { return fmt.Sprintf("answered error %d: %s", e.code, e.message) }

func (p *provider) newRPCError(w *wireError) *rpcError {
	return &rpcError{code: w.Code, message: p.clean(w.Message), data: revertData(w.Data)}
}

// revertData finds the returned bytes in an error's data: geth sends "0x…", Parity and its heirs "Reverted 0x…", Ganache
// and some gateways wrap them in an object.
func revertData(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var object struct {
			Data   string `json:"data"`
			Result string `json:"result"`
		}
		if json.Unmarshal(raw, &object) != nil {
			return nil
		}
		text = object.Data + object.Result
	}
	text = strings.TrimPrefix(text, "Reverted ")
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok {
		return nil
	}
	data, err := hex.DecodeString(digits)
	if err != nil || len(data) == 0 {
		return nil
	}
	return data
}

// The texts below are those of geth, reth, Nethermind, Besu, Erigon and anvil. JSON-RPC has codes, but clients do not agree
// on them, so words decide.
var (
	revertTexts = []string{
		"execution reverted", "vm execution error", "vm exception", "reverted", "invalid opcode", "bad instruction",
		"invalid jump", "invalidfeopcode", "stack underflow", "stack limit reached", "bad jump destination",
	}
	throttleTexts = []string{
		"rate limit", "too many requests", "limit exceeded", "quota", "capacity", "throttle", "compute units",
	}
	missingBlockTexts = []string{
		"header not found", "header for hash not found", "unknown block", "block not found", "not currently canonical",
		"missing trie node", "not available", "hash is not canonical", "beyond current head", "beyond the current head",
	}
	unsupportedTexts = []string{
		"method not found", "not supported", "unsupported", "does not exist", "is not available", "not implemented",
		"method handler", "too many arguments", "unknown method", "not whitelisted",
	}
	alreadyKnownTexts = []string{
		"already known", "known transaction", "already imported", "alreadyknown", "already exists", "already in mempool",
		"already in the pool", "transaction already", "existing tx with same hash", "same hash was already imported",
	}
	// unknownTexts hold one of the words above and say the opposite.
	unknownTexts     = []string{"unknown transaction", "unknown tx"}
	nonceTooLowTexts = []string{
		"nonce too low", "nonce is too low", "oldnonce", "old nonce", "nonce below", "invalid nonce",
	}
	underpricedTexts = []string{
		"underpriced", "fee too low", "feetoolow", "fee cap less than block base fee",
		"max fee per gas less than block base fee", "less than base fee", "gas price below", "tip below", "feecap too low",
		"replacement", "could not replace", "fee below", "minimum needed",
	}
	insufficientTexts = []string{
		"insufficient funds", "insufficient balance", "insufficientfunds", "upfront cost exceeds", "balance too low",
		"not enough funds",
	}
	noSuchTagTexts = []string{
		"finalized block not found", "safe block not found", "invalid block tag", "unknown block tag", "invalid argument",
		"finalized",
	}
)

const (
	codeRevert        = 3 // geth and most others
	codeUnknownMethod = -32601
	codeInvalidParams = -32602
	codeLimit         = -32005 // EIP-1474: limit exceeded
)

func says(err *rpcError, texts []string) bool {
	message := strings.ToLower(err.message)
	for _, text := range texts {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

func isRevert(err *rpcError) bool {
	return err.code == codeRevert || len(err.data) > 0 && err.code != codeInvalidParams || says(err, revertTexts)
}

func isThrottle(err *rpcError) bool {
	return err.code == 429 || err.code == codeLimit || says(err, throttleTexts)
}

func isMissingBlock(err *rpcError) bool { return says(err, missingBlockTexts) }

func isAlreadyKnown(err *rpcError) bool {
	return says(err, alreadyKnownTexts) && !says(err, unknownTexts)
}

func isUnsupported(err *rpcError) bool {
	return err.code == codeUnknownMethod || err.code == codeInvalidParams || says(err, unsupportedTexts)
}

func isNoSuchTag(err *rpcError) bool {
	return isUnsupported(err) || isMissingBlock(err) || says(err, noSuchTagTexts)
}

// broadcastClass says which of the sentinels a refused transaction belongs to; nil for any other refusal.
func broadcastClass(failure error) error {
	var err *rpcError
	switch {
	case !errors.As(failure, &err):
		return nil
	case says(err, nonceTooLowTexts):
		return ErrNonceTooLow
	case says(err, insufficientTexts):
		return ErrInsufficientFunds
	case says(err, underpricedTexts):
		return ErrUnderpriced
	default:
		return nil
	}
}

// transportError puts a failure to exchange anything into words of our own: the errors of net/http quote the URL, those of
// net the host name.
func (p *provider) transportError(parent context.Context, err error) error {
	if parent.Err() != nil {
		return &providerError{outcome: Canceled, text: "was not awaited", cause: parent.Err()}
	}
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &providerError{outcome: TimedOut, text: fmt.Sprintf("did not answer within %s", p.timeout)}
	case errors.As(err, &dns):
		return &providerError{outcome: Unreachable, text: "its host name was not found"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &providerError{outcome: Unreachable, text: "refused the connection"}
	case errors.As(err, &cert):
		return &providerError{outcome: Unreachable, text: "its TLS certificate is not accepted"}
	default:
		return &providerError{outcome: Unreachable, text: "could not be reached, or closed the connection"}
	}
}

const longestQuote = 300 // runes of a provider's own words that we repeat

// clean makes a provider's own words fit to be repeated: its URL and the parts of it that may be a key are taken out,
// control characters become spaces, and the length is bounded.
func (p *provider) clean(text string) string {
	if len(text) > 16*longestQuote {
		text = text[:16*longestQuote] // before the search for secrets, which a huge text would make slow
	}
	return safe.Printable(p.secrets.Replace(anyURL.ReplaceAllString(text, redacted)), longestQuote)
}

const redacted = "<redacted>"

// anyURL is also one that we do not know: a provider may quote that of its own backend.
var anyURL = regexp.MustCompile(`(?i)\b(?:https?|wss?)://\S*`)

// secretsOf lists what must not be repeated of URLs outside of one, longest first: path with query, host, user, password,
// long path elements and query values.
func secretsOf(urls ...*url.URL) *strings.Replacer {
	var pairs []string
	add := func(s string) {
		if len(s) >= 6 {
			pairs = append(pairs, s, redacted)
		}
	}
	for _, u := range urls {
		if u.Host == "" {
			continue
		}
		add(u.RequestURI())
		pairs = append(pairs, u.Host, redacted, u.Hostname(), redacted)
		if password, ok := u.User.Password(); ok {
			add(password)
		}
		add(u.User.Username())
		for element := range strings.SplitSeq(u.Path, "/") {
			add(element)
		}
		for _, values := range u.Query() {
			for _, v := range values {
				add(v)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

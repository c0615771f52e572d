package configs

import (
	"math/big"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// Amount is an amount of the chain's coin as written, with what it comes to.
type Amount struct {
	Text string   // "0.05 ether"
	Wei  *big.Int // nil when not given
}

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	wholePattern   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	hexPattern     = regexp.MustCompile(`^0x[0-9a-fA-F]*$`)
	amountPattern  = regexp.MustCompile(`^((?:0|[1-9][0-9]*)(?:\.[0-9]+)?) +(wei|gwei|ether)$`)
	hashPattern    = regexp.MustCompile(`^0x[0-9a-fA-F]{64}$`)
	addressPattern = regexp.MustCompile(`^0[xX][0-9a-fA-F]{40}$`)
)

// name gives a name that other parts refer to.
func (v value) name() string {
	if v.node == nil {
		return ""
	}
	s := v.text()
	if s != "" && !namePattern.MatchString(s) {
		v.problem("1 to 32 of a-z, 0-9, _ and -, a letter first", "%s: %q is not a name", v.label(), s)
		return ""
	}
	return s
}

// number gives a whole number between lo and hi; absent gives otherwise.
func (v value) number(lo, hi, otherwise uint64) uint64 {
	if v.node == nil {
		return otherwise
	}
	s := v.text()
	if s == "" {
		return otherwise
	}
	if why := notWhole(s); why != "" {
		v.problem("write it in plain decimal digits", "%s: %s %s", v.label(), s, why)
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n < lo || n > hi {
		v.problem("", "%s: %s is not between %d and %d", v.label(), s, lo, hi)
		return otherwise
	}
	return n
}

// notWhole says why a text is not a whole decimal number, or "".
func notWhole(s string) string {
	lower := strings.ToLower(s)
	digits := strings.TrimLeft(s, "+-")
	switch {
	case wholePattern.MatchString(s) && s != "-0":
		return ""
	case strings.HasPrefix(s, "+"), s == "-0":
		return "has a sign that says nothing"
	case strings.HasPrefix(strings.ToLower(digits), "0x"):
		return "is hexadecimal"
	case strings.HasPrefix(strings.ToLower(digits), "0o"), strings.HasPrefix(strings.ToLower(digits), "0b"):
		return "is octal or binary"
	case strings.Contains(s, "_"):
		return "holds an underscore"
	case strings.Contains(s, ":"):
		return "would be read in base 60 by some YAML"
	case strings.HasSuffix(lower, ".inf"), strings.HasSuffix(lower, ".nan"):
		return "is no number"
	case strings.Trim(digits, "0123456789") == "" && digits != "":
		return "starts with 0, which some YAML reads as octal"
	case strings.Trim(lower, "+-.e0123456789") == "" && strings.Contains(lower, "e"):
		return "has an exponent"
	case strings.Trim(digits, ".0123456789") == "" && digits != "":
		return "has a decimal point"
	}
	return "is not a whole number"
}

// exact gives the text of a value that a playbook puts on a chain. A plain number must be whole and decimal, or 0x-hex, so that
// what the file shows is what everyone reads; anything else is text, which the compiler reads against the ABI type.
func (v value) exact() string {
	s, ok := v.scalar()
	if !ok || quoted(v.node) {
		return s
	}
	switch v.node.ShortTag() {
	case "!!int", "!!float":
		if why := notWhole(s); why != "" && !hexPattern.MatchString(s) {
			v.problem(`write whole decimal digits, or quote it if text or an amount is meant: "`+s+`"`, "%s: %s %s", v.label(), s, why)
			return ""
		}
	case "!!timestamp":
		v.problem("quote it if text is meant", "%s: %s would be read as a date", v.label(), s)
		return ""
	}
	return s
}

// boolean gives true or false; absent gives false. YAML's other words for them are refused.
func (v value) boolean() bool {
	if v.node == nil {
		return false
	}
	switch s := v.text(); {
	case s == "true" && !quoted(v.node):
		return true
	case s != "" && (s != "false" || quoted(v.node)):
		v.problem("write true or false", "%s: %q is not a boolean", v.label(), s)
	}
	return false
}

// address gives an address. Mixed case must carry a right EIP-55 checksum; one case alone carries none.
func (v value) address() common.Address {
	if v.node == nil {
		return common.Address{}
	}
	a, why := parseAddress(v.text())
	if why != "" {
		v.problem("copy it again from where you trust it", "%s: %s %s", v.label(), v.node.Value, why)
	}
	return a
}

// hash gives 32 bytes in hex.
func (v value) hash() common.Hash {
	if !v.given() {
		return common.Hash{}
	}
	s := v.text()
	if s != "" && !hashPattern.MatchString(s) {
		v.problem("`belay check` prints it", "%s: %q is not a hash of 0x and 64 hex digits", v.label(), s)
		return common.Hash{}
	}
	return common.HexToHash(s)
}

// parseAddress reads an address, or says why the text is none.
func parseAddress(s string) (a common.Address, why string) {
	if !addressPattern.MatchString(s) {
		return a, "is not an address of 0x and 40 hex digits"
	}
	a = common.HexToAddress(s)
	digits := s[2:]
	mixed := strings.ToLower(digits) != digits && strings.ToUpper(digits) != digits
	switch {
	case mixed && a.Hex()[2:] != digits:
		return common.Address{}, "has a wrong checksum (EIP-55): a character is mistyped"
	case a == common.Address{}:
		return a, "is the zero address"
	}
	return a, ""
}

// decimalsOf gives the power of ten of each unit of the chain's coin.
var decimalsOf = map[string]int{"wei": 0, "gwei": 9, "ether": 18}

// amount gives an amount of the chain's coin: "0.05 ether", "30 gwei".
func (v value) amount() Amount {
	if v.node == nil {
		return Amount{}
	}
	s := v.text()
	m := amountPattern.FindStringSubmatch(s)
	if m == nil {
		if s != "" {
			v.problem(`write it like "0.05 ether" or "30 gwei"`, "%s: %q is not an amount", v.label(), s)
		}
		return Amount{}
	}
	whole, fraction, _ := strings.Cut(m[1], ".")
	decimals := decimalsOf[m[2]]
	if len(fraction) > decimals || len(whole) > 30 {
		v.problem("", "%s: %q is finer or larger than the coin allows", v.label(), s)
		return Amount{}
	}
	wei, _ := new(big.Int).SetString(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10)
	return Amount{Text: s, Wei: wei}
}

// listen gives a host:port to listen on; absent gives otherwise.
func (v value) listen(otherwise string) string {
	if v.node == nil {
		return otherwise
	}
	s := v.text()
	i := strings.LastIndex(s, ":")
	if i >= 0 {
		if _, err := strconv.ParseUint(s[i+1:], 10, 16); err == nil {
			return s
		}
	}
	if s != "" {
		v.problem("write host:port, such as 127.0.0.1:8080", "%s: %q is not an address to listen on", v.label(), s)
	}
	return otherwise
}

// webAddress gives an https URL; http is accepted for this machine and private networks alone. Absent gives otherwise.
// The URL itself is not quoted in problems: providers' URLs hold keys.
func (v value) webAddress(otherwise string) string {
	if v.node == nil {
		return otherwise
	}
	s := v.text()
	if why := notWeb(s); s != "" && why != "" {
		v.problem("https, or http on this machine or a private network", "%s %s", v.label(), why)
		return otherwise
	}
	return s
}

// notWeb says why a text is not a URL that we would talk to, or "". It never quotes the URL.
func notWeb(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Host == "", u.Hostname() == "":
		return "is not a URL"
	case u.Fragment != "":
		return "has a fragment"
	case u.Scheme == "https":
		return ""
	case u.Scheme != "http":
		return "is neither https nor http"
	case !private(u.Hostname()):
		return "goes over plain http to a public address"
	}
	return ""
}

// private reports whether a host is this machine, a private network's address, or a name without a dot, as containers have.
func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".local") ||
		strings.HasSuffix(host, ".localhost")
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

package configs

import (
	"net/url"
	"strings"
)

// Caps of maxFeePerGas when none are written, in gwei.
const (
	defaultMaxFeeGwei          = 300
	defaultEmergencyMaxFeeGwei = 2000
	maxFeeGweiLimit            = 1_000_000 // above, it is a typo
)

// Gas of one transaction. The default is Ethereum's cap, EIP-7825; others allow more.
const (
	defaultGasCap = 1 << 24
	minGasCap     = 1_000_000 // below, no batch of calls fits
	maxGasCap     = 1 << 40   // above, it is a typo
)

func readChain(v value) Chain {
	s := v.section()
	c := Chain{
		Name:          s.need("name", "").name(),
		ID:            s.need("chain_id", "1 for Ethereum").number(1, 1<<63-1, 0),
		Confirmations: readConfirmations(s.get("confirmations")),
		Relayer:       readRelayer(s.get("relayer")),
		GasCap:        s.get("gas_cap").number(minGasCap, maxGasCap, defaultGasCap),
		Legacy:        s.get("legacy").boolean(),
		Broadcast:     s.get("broadcast").oneOf("both", "public", "private_first"),
		Explorer:      strings.TrimSuffix(s.get("explorer").webAddress(""), "/"),
	}
	for _, item := range s.need("rpc", "a list of {name, url | url_file | url_env}").items() {
		c.RPC = append(c.RPC, readRPC(item))
	}
	if s.get("rpc").given() && len(c.RPC) == 0 {
		s.get("rpc").problem("", "%s has no providers", s.label())
	}
	c.Agreement = readAgreement(s.get("agreement"), len(c.RPC))
	for _, item := range s.get("private_rpc").items() {
		c.PrivateRPC = append(c.PrivateRPC, readRPC(item))
	}
	s.checkProviders(c.RPC)
	s.checkPrivate(c)
	s.close()
	return c
}

// readConfirmations reads the depth at which mined counts as final; 0 stands for the finalized tag.
func readConfirmations(v value) int {
	if v.node != nil && v.node.Value == "finalized" {
		return 0
	}
	return int(v.number(1, 10_000, 2)) //nolint:gosec // bounded
}

// readAgreement reads how many of n providers must say the same: by default max(2, ceil(2n/3)), 1 with a single one.
func readAgreement(v value, n int) int {
	otherwise := max(2, (2*n+2)/3)
	if n <= 1 {
		otherwise = 1
	}
	if v.node == nil || n == 0 {
		return otherwise
	}
	k := int(v.number(1, 100, uint64(otherwise))) //nolint:gosec // bounded
	switch {
	case k > n:
		v.problem("", "%s asks for %d of %d providers", v.label(), k, n)
	case k == 1 && n > 1:
		v.problem("leave it out, or keep one provider", "%s: nothing decides on a single answer where %d providers are configured", v.label(), n)
	case 2*k <= n:
		v.r.warn(v.node.Line, "", "%s: %d of %d providers could agree on two different answers", v.label(), k, n)
	}
	return k
}

func readRPC(v value) RPC {
	s := v.section()
	p := RPC{Name: s.need("name", "people see it instead of the URL").name(), URL: s.secretURL(), WS: s.secret("ws_url")}
	s.providerURL("ws_url", "wss, or ws on this machine or a private network", notSocket, &p.WS)
	s.close()
	return p
}

// secretURL reads url, url_file or url_env: an address that may hold a key.
func (s *section) secretURL() Secret {
	address := s.secret("url")
	if s.there() && !s.get("url").given() && !s.get("url_file").given() && !s.get("url_env").given() {
		s.problem("", "%s has no url: give url, url_file or url_env", s.label())
	}
	s.providerURL("url", "https, or http on this machine or a private network", notWeb, &address)
	return address
}

// providerURL reads KEY, which may be written plainly beside KEY_file and KEY_env, and judges the URL however it was given. It
// never quotes it.
func (s *section) providerURL(key, hint string, refused func(string) string, into *Secret) {
	plain := s.get(key)
	if plain.given() && (s.get(key+"_file").given() || s.get(key+"_env").given()) {
		plain.problem("keep one of them", "%s has more than one %s", s.label(), key)
		return
	}
	if text := plain.text(); text != "" {
		*into = NewSecret(text)
	}
	if !into.IsSet() {
		return
	}
	if why := refused(into.Reveal()); why != "" {
		s.problem(hint, "the %s of %s %s", key, s.label(), why)
		*into = Secret{}
	}
}

// notSocket says why a text is not the URL of a WebSocket that we would talk to, or "". It never quotes the URL.
func notSocket(address string) string {
	for socket, web := range map[string]string{"wss://": "https://", "ws://": "http://"} {
		if rest, ok := strings.CutPrefix(address, socket); ok {
			return strings.ReplaceAll(notWeb(web+rest), "plain http", "plain ws")
		}
	}
	return "is neither wss nor ws"
}

// checkProviders refuses providers with one name or one URL, and doubts two URLs of one operator: they fail and lie together.
func (s *section) checkProviders(list []RPC) {
	items := s.get("rpc").items()
	names, urls, operators := map[string]string{}, map[string]string{}, map[string]string{}
	for i, p := range list {
		if first, twice := names[p.Name]; twice && p.Name != "" {
			items[i].problem("", "two providers are called %s (%s)", p.Name, first)
		}
		names[p.Name] = items[i].path
		if !p.URL.IsSet() {
			continue
		}
		if first, twice := urls[p.URL.Reveal()]; twice {
			items[i].problem("an answer counted twice is no agreement", "%s and %s have the same url", p.Name, first)
			continue
		}
		urls[p.URL.Reveal()] = p.Name
		operator := registrable(p.URL.Reveal())
		if first, twice := operators[operator]; twice && operator != "" {
			s.r.warn(items[i].node.Line, "choose another operator for one of them",
				"%s and %s are run by one operator: they fail and lie together", first, p.Name)
		}
		operators[operator] = p.Name
	}
}

// checkPrivate refuses private endpoints that could be taken for a provider, and doubts a broadcast that they do not fit.
func (s *section) checkPrivate(c Chain) {
	items := s.get("private_rpc").items()
	names, urls := map[string]bool{}, map[string]string{}
	for _, p := range c.RPC {
		names[p.Name], urls[p.URL.Reveal()] = true, p.Name
	}
	for i, p := range c.PrivateRPC {
		if names[p.Name] && p.Name != "" {
			items[i].problem("give it another name", "two endpoints are called %s", p.Name)
		}
		if first, twice := urls[p.URL.Reveal()]; twice && p.URL.IsSet() {
			items[i].problem("a provider passes transactions on to everyone", "%s and %s have the same url", p.Name, first)
		}
		names[p.Name], urls[p.URL.Reveal()] = true, p.Name
	}
	switch {
	case c.Broadcast == "private_first" && len(c.PrivateRPC) == 0:
		s.get("broadcast").problem("name them in private_rpc", "%s is private_first, and no private endpoint is configured", s.get("broadcast").label())
	case c.Broadcast == "public" && len(c.PrivateRPC) > 0:
		s.r.warn(s.get("broadcast").node.Line, "both or private_first", "%s is public: nothing is sent to the private endpoints", s.get("broadcast").label())
	}
}

// registrable guesses the registrable domain of a URL's host: the last two labels, or three below a two-letter country's
// usual second levels. It serves a warning only. Private hosts have none.
func registrable(address string) string {
	u, err := url.Parse(address)
	if err != nil || private(u.Hostname()) {
		return ""
	}
	labels := strings.Split(strings.ToLower(u.Hostname()), ".")
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return u.Hostname()
	}
	keep := 2
	if n := len(labels); n > 2 && len(labels[n-1]) == 2 && strings.Contains(" co com org net ac gov ", " "+labels[n-2]+" ") {
		keep = 3
	}
	return strings.Join(labels[max(0, len(labels)-keep):], ".")
}

func readRelayer(v value) *Relayer {
	if !v.given() {
		return nil
	}
	s := v.section()
	r := &Relayer{
		Routine:          s.signingKey("the relayer's key"),
		MaxFeeGwei:       s.get("max_fee_gwei").number(1, maxFeeGweiLimit, defaultMaxFeeGwei),
		EmergencyMaxGwei: s.get("emergency_max_fee_gwei").number(1, maxFeeGweiLimit, defaultEmergencyMaxFeeGwei),
		DailyBudget:      s.get("daily_budget").amount(),
	}
	r.Emergency = s.emergencyKeys(r.Routine)
	if r.EmergencyMaxGwei < r.MaxFeeGwei {
		s.problem("", "emergency_max_fee_gwei (%d) is below max_fee_gwei (%d): an emergency would pay less", r.EmergencyMaxGwei, r.MaxFeeGwei)
	}
	s.close()
	return r
}

func readSafe(v value) Safe {
	s := v.section()
	safe := Safe{
		Name:    s.need("name", "").name(),
		Chain:   s.need("chain", "the name of a chain").text(),
		Address: s.need("address", "").address(),

		AllowUnverified: s.get("allow_unverified").boolean(),
	}
	s.close()
	return safe
}

func readTimelock(v value) Timelock {
	s := v.section()
	t := Timelock{
		Name:      s.need("name", "").name(),
		Chain:     s.need("chain", "the name of a chain").text(),
		Address:   s.need("address", "").address(),
		Kind:      s.get("kind").oneOf("openzeppelin", "compound", "zodiac-delay", "access-manager"),
		FromBlock: s.get("from_block").number(0, 1<<63-1, 0),
		Canceller: s.get("canceller").text(),
	}
	s.close()
	return t
}

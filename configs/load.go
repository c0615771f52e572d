package configs

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Option changes how Load works.
type Option func(*reader)

// WithoutSecrets leaves secret files and variables unread, for commands that run offline. Every Secret is then not set.
func WithoutSecrets() Option { return func(r *reader) { r.skipSecrets = true } }

// Load reads a configuration with its playbooks and ABIs. The error is a Problems with everything that is wrong; the Config is
// nil then. Paths inside are relative to the configuration file.
func Load(path string, options ...Option) (*Config, error) {
	r := &reader{file: path, unbuilt: unbuiltInConfig}
	for _, option := range options {
		option(r)
	}
	c := &Config{}
	if root := r.document(); root.given() {
		if s := root.section(); s.there() {
			r.read(c, s)
			r.check(c)
			c.places = places{path, r.lines}
		}
	} else if len(r.problems) == 0 {
		r.problem(0, "", "the file is empty")
	}
	if len(r.problems) > 0 {
		return nil, sorted(r.problems, path)
	}
	c.Warnings = sorted(r.warnings, path)
	return c, nil
}

// read fills c from the whole file.
func (r *reader) read(c *Config, s *section) {
	c.HTTP = readHTTP(s.get("http"))
	c.Store = readStore(s.get("store"))
	for _, item := range s.need("chains", "Belay needs at least one chain").items() {
		c.Chains = append(c.Chains, readChain(item))
	}
	for _, item := range s.need("safes", "Belay needs at least one Safe").items() {
		c.Safes = append(c.Safes, readSafe(item))
	}
	for _, item := range s.get("timelocks").items() {
		c.Timelocks = append(c.Timelocks, readTimelock(item))
	}
	for _, item := range s.get("members").items() {
		c.Members = append(c.Members, readMember(item))
	}
	c.Roles = readRoles(s.get("roles"))
	c.Labels = readLabels(s.get("labels"))
	c.Privacy = readPrivacy(s.get("privacy"))
	c.Commands = readCommands(s.get("commands"))
	c.Discord = readDiscord(s.get("discord"))
	c.Slack = readSlack(s.get("slack"))
	c.Manifest = readManifest(s.get("manifest"))
	c.Playbooks = r.readPlaybooks(s.get("playbooks"))
	c.ABIs = r.readABIs(s.get("abis"))
	c.PauseList = readPauseList(s.get("pause_list"))
	s.close()
}

// saneToken is the least number of characters of an operator's token that nobody guesses: 128 bits in hex.
const saneToken = 32

func readHTTP(v value) HTTP {
	s := v.section()
	h := HTTP{
		Listen:         s.get("listen").listen("127.0.0.1:8080"),
		AdminListen:    s.get("admin_listen").listen("127.0.0.1:8081"),
		APIToken:       s.secret("api_token"),
		TrustedProxies: readProxies(s.get("trusted_proxies")),
	}
	if token := h.APIToken.Reveal(); h.APIToken.IsSet() && len(token) < saneToken {
		v.r.warn(v.node.Line, "openssl rand -hex 32 makes a good one", "the operator's token has %d characters: it can be guessed", len(token))
	}
	h.PublicURL = readOrigin(s.get("public_url"), "http://"+h.Listen)
	if h.Listen == h.AdminListen && !strings.HasSuffix(h.Listen, ":0") {
		s.get("admin_listen").problem("the admin listener shows metrics and takes backups: keep it apart", "http.listen and http.admin_listen are the same")
	}
	s.close()
	return h
}

// readOrigin reads the one origin: scheme, host and port, no path. Wallets and browsers want https off this machine.
func readOrigin(v value, otherwise string) string {
	if v.node == nil {
		return otherwise
	}
	s := strings.TrimSuffix(v.text(), "/")
	u, err := url.Parse(s)
	switch {
	case s == "":
		return otherwise
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		v.problem("such as https://belay.example.org", "%s is not a web address", v.label())
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		v.problem("scheme, host and port only", "%s must be an origin", v.label())
	case u.Scheme == "http" && !loopback(u.Hostname()):
		v.r.warn(v.node.Line, "browser wallets want https", "%s is plain http", v.label())
	}
	return s
}

func readProxies(v value) []string {
	list := v.texts()
	for i, s := range list {
		if _, err := netip.ParseAddr(s); err == nil {
			continue
		}
		if _, err := netip.ParsePrefix(s); err != nil {
			v.items()[i].problem("such as 10.0.0.0/8", "%s: %q is neither an address nor a network", v.label(), s)
		}
	}
	return list
}

func readStore(v value) Store {
	s := v.section()
	st := Store{Path: "/var/lib/belay/belay.db"}
	if path := s.get("path"); path.given() {
		st.Path = path.filePath()
	}
	st.LogKeyFile = filepath.Join(filepath.Dir(st.Path), "log.key")
	if key := s.get("log_key_file"); key.given() {
		st.LogKeyFile = key.filePath()
	}
	s.close()
	return st
}

func readPrivacy(v value) Privacy {
	s := v.section()
	p := Privacy{PublicNames: s.get("public_names").oneOf("none", "opt_in", "all")}
	s.close()
	return p
}

// glob resolves patterns beside the configuration, each file once, by name.
func (r *reader) glob(v value) []string {
	var files []string
	for _, item := range v.items() {
		files = append(files, item.files()...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// files resolves one pattern.
func (v value) files() []string {
	pattern := v.filePath()
	if pattern == "" {
		return nil
	}
	found, err := filepath.Glob(pattern)
	switch {
	case err != nil:
		v.problem("", "%s: %q is not a file pattern", v.label(), v.node.Value)
	case len(found) == 0:
		v.problem("patterns are relative to the configuration file", "%s: no file matches %s", v.label(), pattern)
	}
	return found
}

func (r *reader) readPlaybooks(v value) []*Playbook {
	var list []*Playbook
	for _, file := range r.glob(v) {
		p, problems := readPlaybook(file)
		r.problems = append(r.problems, problems...)
		if p != nil {
			list = append(list, p)
		}
	}
	return list
}

// readABIs reads file patterns, and mappings that bind a file to one contract.
func (r *reader) readABIs(v value) []ABI {
	var list []ABI
	for _, item := range v.items() {
		if item.node.Kind == yaml.MappingNode {
			list = append(list, r.readBoundABI(item)...)
			continue
		}
		for _, file := range item.files() {
			if !slices.ContainsFunc(list, func(a ABI) bool { return a.File == file && a.Bound == nil }) {
				list = append(list, r.readABI(file)...)
			}
		}
	}
	return list
}

func (r *reader) readBoundABI(v value) []ABI {
	s := v.section()
	bound := &Binding{
		Chain:              s.need("chain", "the name of a chain").text(),
		Address:            s.need("address", "of the contract that the ABI is for").address(),
		CodeHash:           s.get("code_hash").hash(),
		ImplementationHash: s.get("implementation_code_hash").hash(),

		path: v.path,
	}
	file := s.need("file", "of a JSON ABI")
	s.close()
	if !file.given() {
		return nil
	}
	list := r.readABI(file.filePath())
	for i := range list {
		list[i].Bound = bound
	}
	return list
}

// readABI gives one ABI, or none and a problem.
func (r *reader) readABI(file string) []ABI {
	raw, err := readBounded(file)
	switch {
	case err != nil:
		r.problems = append(r.problems, Problem{File: file, Text: err.Error()})
	case !looksLikeABI(raw):
		r.problems = append(r.problems, Problem{File: file, Text: "this is not a JSON ABI", Hint: `an array, or an object with "abi"`})
	default:
		return []ABI{{File: file, JSON: raw}}
	}
	return nil
}

// looksLikeABI accepts a JSON array of objects, or an object that holds one under "abi", as compilers write.
func looksLikeABI(raw []byte) bool {
	var list []map[string]json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return json.Unmarshal(raw, &list) == nil
	}
	var artifact struct {
		ABI []map[string]json.RawMessage `json:"abi"`
	}
	return json.Unmarshal(raw, &artifact) == nil && artifact.ABI != nil
}

package configs

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// check compares the parts with each other: names are unique, references lead somewhere, nobody is two people.
func (r *reader) check(c *Config) {
	chains, safes, timelocks := r.names("chains", len(c.Chains), func(i int) string { return c.Chains[i].Name }),
		r.names("safes", len(c.Safes), func(i int) string { return c.Safes[i].Name }),
		r.names("timelocks", len(c.Timelocks), func(i int) string { return c.Timelocks[i].Name })
	r.names("members", len(c.Members), func(i int) string { return c.Members[i].Name })
	r.checkChainIDs(c)
	onChain := map[string]string{} // safe or timelock → chain
	for i, s := range c.Safes {
		r.refers(at("safes", i)+".chain", "chain", s.Chain, chains)
		onChain["safe "+s.Name] = s.Chain
	}
	for i, t := range c.Timelocks {
		r.refers(at("timelocks", i)+".chain", "chain", t.Chain, chains)
		if t.Canceller != "" {
			r.refers(at("timelocks", i)+".canceller", "safe", t.Canceller, safes)
		}
		onChain["timelock "+t.Name] = t.Chain
		if t.Name == "direct" {
			r.problemAt(at("timelocks", i)+".name", "choose another", "a timelock cannot be called direct: it means none")
		}
	}
	for _, a := range c.ABIs {
		if a.Bound != nil {
			r.refers(a.Bound.path+".chain", "chain", a.Bound.Chain, chains)
		}
	}
	r.checkAddresses(c)
	r.checkMembers(c)
	r.checkManifest(c)
	r.checkPlaybooks(c, safes, timelocks, onChain)
}

// problemAt records a problem at the line of a path of the main file.
func (r *reader) problemAt(path, hint, text string, args ...any) {
	_, line := places{r.file, r.lines}.where(path)
	r.problem(line, hint, text, args...)
}

// names collects the names of a list, refusing one that is used twice.
func (r *reader) names(list string, n int, name func(int) string) []string {
	var seen []string
	for i := range n {
		switch s := name(i); {
		case s == "":
		case slices.Contains(seen, s):
			r.problemAt(at(list, i)+".name", "names are unique", "%s: %s is used twice", list, s)
		default:
			seen = append(seen, s)
		}
	}
	return seen
}

// refers checks that a name leads to something that was declared.
func (r *reader) refers(path, what, name string, known []string) {
	if name == "" || slices.Contains(known, name) {
		return
	}
	r.problemAt(path, unknownHint(name, known), "%s: there is no %s called %q", path, what, name)
}

func unknownHint(name string, known []string) string {
	if hint := didYouMean(name, known); hint != "" || len(known) == 0 {
		return hint
	}
	return "known: " + strings.Join(known, ", ")
}

func (r *reader) checkChainIDs(c *Config) {
	seen := map[uint64]string{}
	for i, chain := range c.Chains {
		if first, twice := seen[chain.ID]; twice && chain.ID != 0 {
			r.problemAt(at("chains", i)+".chain_id", "a chain is configured once, with all its providers", "chains %s and %s have the chain id %d", first, chain.Name, chain.ID)
		}
		seen[chain.ID] = chain.Name
	}
}

// checkAddresses refuses one contract under two names.
func (r *reader) checkAddresses(c *Config) {
	type place struct {
		chain   string
		address common.Address
	}
	seen := map[place]string{}
	look := func(path, chain, name string, a common.Address) {
		if a == (common.Address{}) {
			return
		}
		if first, twice := seen[place{chain, a}]; twice {
			r.problemAt(path+".address", "keep one", "%s and %s have the same address", first, name)
		}
		seen[place{chain, a}] = name
	}
	for i, s := range c.Safes {
		look(at("safes", i), s.Chain, s.Name, s.Address)
	}
	for i, t := range c.Timelocks {
		look(at("timelocks", i), t.Chain, t.Name, t.Address)
	}
}

// checkMembers refuses two members that share a wallet or a chat id: who signed or asked would be ambiguous.
func (r *reader) checkMembers(c *Config) {
	seen := map[string]string{}
	look := func(path, what, key, member string) {
		if first, twice := seen[what+key]; twice {
			r.problemAt(path, "each belongs to one member", "members %s and %s have the same %s", first, member, what)
		}
		seen[what+key] = member
	}
	for i, m := range c.Members {
		path := at("members", i)
		for j, wallet := range m.Wallets {
			look(at(path+".wallets", j), "wallet", wallet.Hex(), m.Name)
		}
		if m.Discord != "" {
			look(path+".discord", "Discord id", m.Discord, m.Name)
		}
		if m.Slack != "" {
			look(path+".slack", "Slack id", m.Slack, m.Name)
		}
	}
}

// checkPlaybooks checks what playbooks refer to: Safe, timelock, undo, roles.
func (r *reader) checkPlaybooks(c *Config, safes, timelocks []string, onChain map[string]string) {
	roles := rolesOf(c)
	first := map[string]*Playbook{}
	for _, p := range c.Playbooks {
		if other, twice := first[p.Name]; twice && p.Name != "" {
			r.inPlaybook(p, "name", "names are unique", "the name %s is used by %s already", p.Name, other.File)
		}
		first[p.Name] = p
	}
	names := slices.Sorted(maps.Keys(first))
	for _, p := range c.Playbooks {
		r.playbookRefers(p, "safe", "safe", p.Safe, safes)
		r.playbookRefers(p, "undo", "playbook", p.Undo, names)
		if p.Via != "direct" {
			r.playbookRefers(p, "via", "timelock", p.Via, append(slices.Clone(timelocks), "direct"))
		}
		if a, b := onChain["safe "+p.Safe], onChain["timelock "+p.Via]; a != "" && b != "" && a != b {
			r.inPlaybook(p, "via", "", "the safe %s is on %s, the timelock %s on %s", p.Safe, a, p.Via, b)
		}
		if p.Undo != "" && p.Undo == p.Name {
			r.inPlaybook(p, "undo", "", "a playbook cannot undo itself")
		}
		for i, role := range p.Policy.Propose {
			r.playbookRefers(p, at("policy.propose", i), "role", role, roles)
		}
		for i, role := range p.Policy.Approve {
			r.approvable(p, at("policy.approve", i), role, c)
		}
	}
}

// approvable refuses a role that nobody could approve with: an approval is signed by the wallet of a member that has the role here,
// because a role that a chat group gives is only as safe as the chat account.
func (r *reader) approvable(p *Playbook, path, role string, c *Config) {
	for _, m := range c.Members {
		if slices.Contains(m.Roles, role) && len(m.Wallets) > 0 {
			return
		}
	}
	r.inPlaybook(p, path, "give the role and a wallet to a member", "nobody could approve as %q: no member has the role and a wallet", role)
}

// rolesOf lists every role that a member carries or a chat group gives.
func rolesOf(c *Config) []string {
	set := map[string]bool{}
	for _, m := range c.Members {
		for _, role := range m.Roles {
			set[role] = true
		}
	}
	for _, role := range c.Roles {
		set[role.Name] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func (r *reader) playbookRefers(p *Playbook, path, what, name string, known []string) {
	if name != "" && !slices.Contains(known, name) {
		r.inPlaybook(p, path, unknownHint(name, known), "%s: there is no %s called %q", path, what, name)
	}
}

// inPlaybook records a problem at a path of a playbook's file.
func (r *reader) inPlaybook(p *Playbook, path, hint, text string, args ...any) {
	file, line := p.places.where(path)
	r.problems = append(r.problems, Problem{File: file, Line: line, Text: fmt.Sprintf(text, args...), Hint: hint})
}

var functionPattern = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*\s*\(.*\)$`)

// readPauseList reads what pauses may call. Every argument is said: "*" for any, or the one value allowed.
func readPauseList(v value) []PauseEntry {
	var list []PauseEntry
	for _, item := range v.items() {
		s := item.section()
		to := s.need("to", "the contract's address")
		function := s.need("function", `such as "setReservePause(address,bool)"`)
		args := s.get("args")
		e := PauseEntry{Function: function.text(), Where: places{v.r.file, v.r.lines}.String(item.path)}
		if a := to.address(); a != (common.Address{}) {
			e.To = a.Hex()
		}
		for _, arg := range args.items() {
			e.Args = append(e.Args, arg.tree())
		}
		s.close()
		switch want := countArguments(e.Function); {
		case e.Function == "":
		case want < 0:
			function.problem(`such as "setReservePause(address,bool)"`, "%s: %q is not a function", function.label(), e.Function)
		case want != len(e.Args):
			s.problem(`"*" allows any value`, "%s takes %d arguments, args has %d", e.Function, want, len(e.Args))
		}
		list = append(list, e)
	}
	return list
}

// countArguments counts a function's arguments by the commas between its outer parentheses; −1 when the text is no function. The
// types themselves are read by the playbook compiler.
func countArguments(function string) int {
	if !functionPattern.MatchString(function) {
		return -1
	}
	inside := function[strings.Index(function, "("):]
	depth, count, empty := 0, 1, true
	for _, c := range inside {
		switch {
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				if empty {
					return 0
				}
				return count
			}
		case c == ',' && depth == 1:
			count++
		}
		empty = empty && (c == '(' || c == ' ')
	}
	return -1
}

package coordinator

import (
	"context"
	"errors"
	"slices"
	"strings"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// people maps accounts and wallets to members. Only immutable ids count, never names or addresses of mail.
type people struct {
	byName      map[string]Member
	byAccount   map[string]string         // "slack/U1" → member
	byWallet    map[common.Address]string // handed out with every View, which looks its names up in it; never written to
	publicNames []string                  // members whose names the public may read; never written to either
	groups      map[string][]string       // "slack/S1" → roles
}

func newPeople(cfg Config) people {
	p := people{byName: map[string]Member{}, byAccount: map[string]string{}, byWallet: map[common.Address]string{}, groups: map[string][]string{}}
	for _, m := range cfg.Members {
		p.byName[m.Name] = m
		if m.Slack != "" {
			p.byAccount["slack/"+m.Slack] = m.Name
		}
		if m.Discord != "" {
			p.byAccount["discord/"+m.Discord] = m.Name
		}
		for _, w := range m.Wallets {
			p.byWallet[w] = m.Name
		}
		if m.Public && cfg.PublicNames {
			p.publicNames = append(p.publicNames, m.Name)
		}
	}
	for role, ids := range cfg.Groups {
		for _, id := range ids {
			p.groups[id] = append(p.groups[id], role)
		}
	}
	return p
}

// Member finds who a chat account is, and every role that it has: its own and those that the platform's groups vouch for.
// An account that nobody configured is known by its platform id if one of its groups has a role.
func (c *Coordinator) Member(_ context.Context, a Actor) (Member, []string, error) {
	name, known := c.people.byAccount[a.Platform+"/"+a.User]
	if !known {
		link, err := c.cfg.Store.Link(a.Account())
		switch {
		case err == nil:
			name, known = link.Member, true
		case !errors.Is(err, governance.ErrNotFound):
			return Member{}, nil, err
		}
	}
	member := c.people.byName[name]
	roles := slices.Clone(member.Roles)
	for _, g := range a.Groups {
		roles = append(roles, c.people.groups[a.Platform+"/"+g]...)
	}
	slices.Sort(roles)
	roles = slices.Compact(roles)
	if !known && len(roles) == 0 {
		return Member{}, nil, governance.Refuse(governance.CodeNotPermitted, "ask an operator to add your account id to `members`, or link your wallet with `/belay link`",
			"the %s account %s is nobody that this Belay knows", a.Platform, a.User)
	}
	if !known {
		member = Member{Name: a.Platform + ":" + a.User}
	}
	return member, roles, nil
}

// permit refuses a member whose roles do not allow the playbook.
func (c *Coordinator) permit(in Intent, pb *governance.Playbook) error {
	member, known := c.people.byName[in.Member]
	if !known && len(in.Roles) == 0 {
		return governance.Refuse(governance.CodeNotPermitted, "ask an operator to add you to `members`", "nobody called %q is known here", in.Member)
	}
	allowed := pb.Policy.Propose
	for _, role := range append(slices.Clone(member.Roles), in.Roles...) {
		if slices.Contains(allowed, role) {
			return nil
		}
	}
	return governance.Refuse(governance.CodeNotPermitted, "ask someone with the role "+strings.Join(allowed, " or "),
		"%s may be proposed by %s only", pb.Name, strings.Join(allowed, " or "))
}

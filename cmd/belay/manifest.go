package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"belay/configs"
	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// manifestOf gathers everything that decides what people are asked to sign and who is asked. It holds no secret and no address of a
// provider, so that every copy of the files has the same one.
func manifestOf(cfg *configs.Config) (governance.Manifest, error) {
	g := &gathering{}
	g.rules(cfg)
	g.places(cfg)
	g.people(cfg)
	if g.err != nil {
		return nil, fmt.Errorf("manifest: %w", g.err)
	}
	return governance.NewManifest(g.items), nil
}

// gathering collects items, and the first error.
type gathering struct {
	items []governance.ManifestItem
	err   error
}

func (g *gathering) add(section, name string, said any) {
	item, err := governance.NewManifestItem(section, name, said)
	if err != nil && g.err == nil {
		g.err = err
	}
	g.items = append(g.items, item)
}

// said is what is written of one thing. Its keys are sorted when it is hashed.
type said map[string]any

// rules are what may be done: playbooks, what a pause may call, how calldata is put in words, and how many have to vouch for all that.
// Whoever lowers that number changes the set, and the signatures are gone.
func (g *gathering) rules(cfg *configs.Config) {
	for _, file := range cfg.Playbooks {
		hash, err := playbookSpec(file).Hash()
		if err != nil && g.err == nil {
			g.err = err
		}
		g.add("playbook", file.Name, hash)
	}
	for _, e := range cfg.PauseList {
		args, err := json.Marshal(e.Args)
		if err != nil && g.err == nil {
			g.err = err
		}
		g.add("pause list", fmt.Sprintf("%s on %s with %s", e.Function, e.To, args), said{"to": e.To, "function": e.Function, "args": e.Args})
	}
	for _, a := range cfg.ABIs {
		name, content := filepath.Base(a.File), said{"json": crypto.Keccak256Hash(a.JSON)} // the bytes: JSON with a key given twice has two readings
		if b := a.Bound; b != nil {
			name = fmt.Sprintf("%s of %s on %s", name, b.Address.Hex(), b.Chain)
			content["chain"], content["address"], content["code"], content["implementation"] = b.Chain, b.Address, b.CodeHash, b.ImplementationHash
		}
		g.add("abi", name, content)
	}
	for _, l := range cfg.Labels {
		g.add("label", l.Address.Hex(), l.Name)
	}
	g.add("rule", "manifest.require", cfg.Manifest.Require)
	g.add("rule", "privacy.public_names", cfg.Privacy.PublicNames)
}

// places are where it is done, and where people go to look at it.
func (g *gathering) places(cfg *configs.Config) {
	for _, c := range cfg.Chains {
		g.add("chain", c.Name, said{"id": c.ID, "agreement": c.Agreement, "confirmations": c.Confirmations, "explorer": c.Explorer})
	}
	for _, s := range cfg.Safes {
		g.add("safe", s.Name, said{"chain": s.Chain, "address": s.Address, "allow_unverified": s.AllowUnverified})
	}
	for _, t := range cfg.Timelocks {
		g.add("timelock", t.Name, said{"chain": t.Chain, "address": t.Address, "kind": t.Kind, "from_block": t.FromBlock, "canceller": t.Canceller})
	}
}

// people are who is asked and who may ask. A chat id means somebody only within its workspace.
func (g *gathering) people(cfg *configs.Config) {
	for _, m := range cfg.Members {
		g.add("member", m.Name, said{"roles": sortedTexts(m.Roles), "discord": m.Discord, "slack": m.Slack, "public": m.Public})
		for _, wallet := range m.Wallets {
			g.add("wallet", wallet.Hex()+" of "+m.Name, wallet)
		}
	}
	for _, r := range cfg.Roles {
		g.add("role", r.Name, said{"discord": sortedTexts(r.DiscordRoles), "slack": sortedTexts(r.SlackGroups)})
	}
	if d := cfg.Discord; d != nil {
		g.add("chat", "discord", said{"application": d.ApplicationID, "guild": d.GuildID, "war_room": d.WarRoom, "community": d.Community})
	}
	if s := cfg.Slack; s != nil {
		g.add("chat", "slack", said{"team": s.TeamID, "war_room": s.WarRoom, "community": s.Community})
	}
}

func sortedTexts(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// walletsOf says whose each wallet is.
func walletsOf(cfg *configs.Config) map[common.Address]string {
	all := map[common.Address]string{}
	for _, m := range cfg.Members {
		for _, w := range m.Wallets {
			all[w] = m.Name
		}
	}
	return all
}

func vouches(cfg *configs.Config) []governance.Vouch {
	var all []governance.Vouch
	for _, s := range cfg.Manifest.Signed.By {
		all = append(all, governance.Vouch{Manifest: s.Set, Member: s.Member, Wallet: s.Wallet, Site: s.Site, At: s.At, Signature: s.Signature})
	}
	return all
}

// vouched says who vouches for a configuration as it is, after the last one that was accepted, and which signatures over it do not count.
func vouched(cfg *configs.Config, last governance.Accepted) (governance.Vouched, []error, error) {
	m, err := manifestOf(cfg)
	if err != nil {
		return governance.Vouched{}, nil, err
	}
	standing, doubts := m.Judge(cfg.HTTP.PublicURL, cfg.Manifest.Require, walletsOf(cfg), vouches(cfg), last)
	return standing, doubts, nil
}

// standingWords sums up who vouches.
func standingWords(v governance.Vouched) string {
	words := fmt.Sprintf("%s, signed by ", v.Manifest.Hex())
	if len(v.Signed) == 0 {
		words += "nobody"
	}
	for i, s := range v.Signed {
		if i > 0 {
			words += ", "
		}
		words += s.Member + " on " + s.At.UTC().Format("2006-01-02")
	}
	if v.Require > 0 {
		words += fmt.Sprintf("; it takes %d", v.Require)
	}
	if v.Known < v.Asked {
		words += fmt.Sprintf("; by the last accepted set it takes %s with wallets that they had there, and %d signed", governance.Members(v.Asked), v.Known)
	}
	if v.FirstUse && v.Require > 0 && v.Enough() {
		words += "; accepted on first use: no earlier set shows whose wallets these are"
	}
	return words
}

// tellManifest says at the start how the configuration stands.
func (s *service) tellManifest() {
	v, file := s.standing, s.cfg.Manifest.Signatures
	for _, d := range s.doubts {
		s.log.Warn("a signature over the configuration does not count", "file", file, "reason", clean(d.Error()))
	}
	for _, line := range v.Strangers() {
		s.log.Warn("a signature over the configuration is by a new wallet", "file", file, "reason", clean(line))
	}
	if !v.ForgotAt.IsZero() {
		s.log.Warn("the operator had the last accepted configuration forgotten", "at", v.ForgotAt, "manifest_before", s.last.Forgotten.Hex())
	}
	names := make([]string, len(v.Signed))
	for i, one := range v.Signed {
		names[i] = one.Member
	}
	log := s.log.With("manifest", v.Manifest.Hex(), "signed_by", names, "require", v.Require, "known", v.Known, "asked", v.Asked)
	switch {
	case !v.Enough():
		log.Error("NO EMERGENCY IS SERVED: too few members have signed the configuration", "hint", "let members run belay config sign, then reload")
	case len(names) == 0:
		log.Warn("the configuration is unsigned; every card says so")
	default:
		log.Info("the configuration is signed")
	}
}

// tellChanges says what a reload changes, thing by thing.
func tellChanges(before, after *configs.Config, log *slog.Logger) error {
	was, err := manifestOf(before)
	if err != nil {
		return err
	}
	is, err := manifestOf(after)
	if err != nil {
		return err
	}
	changes := is.Since(was)
	for _, change := range changes {
		log.Warn("the configuration changed", "change", clean(change))
	}
	log.Info("configuration read again", "changes", len(changes), "manifest_before", was.Hash().Hex(), "manifest", is.Hash().Hex())
	return nil
}

// manifest fails where too few members vouch for the rules: then no emergency is served.
func (l *looker) manifest() {
	v, doubts, err := l.mem.vouched(l.cfg)
	if err != nil {
		l.say(fail, "configuration", "%v", err)
		return
	}
	for _, d := range doubts {
		l.say(warn, "configuration", "a signature does not count: %s", clean(d.Error()))
	}
	if l.mem.why != "" && v.Require > 0 {
		l.say(warn, "configuration", "%s", l.mem.line(v))
	}
	for _, line := range v.Strangers() {
		l.say(warn, "configuration", "%s", clean(line))
	}
	if !v.ForgotAt.IsZero() {
		l.say(warn, "configuration", "on %s the operator had it forgotten which wallets members had: the next set that takes signatures is accepted as a first one", v.ForgotAt.UTC().Format(time.DateOnly))
	}
	switch {
	case !v.Enough():
		l.say(fail, "configuration", "%s: no emergency is served until members ran `belay config sign`", standingWords(v))
	case len(v.Signed) == 0:
		l.say(warn, "configuration", "unsigned: nobody but the operator vouches for playbooks, ABIs, labels, members and Safes, and every card says so. Manifest %s", v.Manifest.Hex())
	default:
		l.say(ok, "configuration", "%s", standingWords(v))
	}
}

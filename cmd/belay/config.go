package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belay/configs"
	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"
)

func (p *program) config() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "shows what the configuration amounts to, and signs it", Args: noSuchCommand, RunE: func(cmd *cobra.Command, _ []string) error { return usage(cmd.Help()) }}
	c.AddCommand(p.configShow(), p.configSign(), p.configTrust())
	return c
}

// configShow prints the hash, its sections and who signed. Offline, and without secrets.
func (p *program) configShow() *cobra.Command {
	document := false
	c := &cobra.Command{Use: "show", Short: "prints the manifest's hash, its sections and who signed it", Args: cobra.NoArgs,
		Long: "Prints the hash over playbooks, pause list, ABIs, labels, members, wallets, roles, Safes, timelocks and chains, section by section, and which members signed it.\n" +
			"Needs no secret and no network: run it on any copy of the files. The hash is keccak256 of what --document prints. Where the store is, it also says which\n" +
			"of the wallets that signed are known from the last accepted set."}
	c.Flags().BoolVar(&document, "document", false, "the exact bytes that are hashed: an item a line")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := p.loadRules()
		if err != nil {
			return err
		}
		m, err := manifestOf(cfg)
		if err != nil {
			return err
		}
		if document {
			_, err := fmt.Fprint(p.out, m.Text())
			return err
		}
		mem := memoryOf(cmd.Context(), cfg)
		v, doubts, err := mem.vouched(cfg)
		if err != nil {
			return err
		}
		return p.print(standingOf(m, v, doubts, mem.last), standingText(m, v, doubts)+"\n"+mem.line(v))
	}
	return c
}

// loadRules reads the configuration as everyone may have it, and refuses one that could not be served.
func (p *program) loadRules() (*configs.Config, error) {
	cfg, err := p.load(configs.WithoutSecrets())
	if err != nil {
		return nil, err
	}
	if _, errs := compilePlaybooks(cfg); len(errs) > 0 {
		return nil, usage(errors.Join(errs...))
	}
	return cfg, nil
}

// standing is what `config show --json` prints.
type standing struct {
	Manifest string                       `json:"manifest"`
	Require  int                          `json:"require"`
	Enough   bool                         `json:"enough"`
	Sections []governance.ManifestSection `json:"sections"`
	SignedBy []signedBy                   `json:"signed_by"`
	Doubts   []string                     `json:"doubts"`
	Asked    int                          `json:"asked"`    // members of the last accepted set who have to sign with wallets that they had there
	Known    int                          `json:"known"`    // those who did
	Accepted *governance.Accepted         `json:"accepted"` // null where no store remembers one
}

type signedBy struct {
	Member string `json:"member"`
	Wallet string `json:"wallet"`
	At     string `json:"at"`
	New    bool   `json:"new"` // not known as this member's from the last accepted set
}

func standingOf(m governance.Manifest, v governance.Vouched, doubts []error, last governance.Accepted) standing {
	s := standing{Manifest: v.Manifest.Hex(), Require: v.Require, Enough: v.Enough(), Sections: m.Sections(), SignedBy: []signedBy{}, Doubts: []string{}, Asked: v.Asked, Known: v.Known}
	if last.Remembers() {
		s.Accepted = &last
	}
	for _, one := range v.Signed {
		s.SignedBy = append(s.SignedBy, signedBy{one.Member, one.Wallet.Hex(), one.At.UTC().Format(time.RFC3339), one.New})
	}
	for _, d := range doubts {
		s.Doubts = append(s.Doubts, clean(d.Error()))
	}
	return s
}

func standingText(m governance.Manifest, v governance.Vouched, doubts []error) string {
	lines := append([]string{"Manifest  " + v.Manifest.Hex()}, sectionLines(m)...)
	lines = append(lines, "")
	for _, one := range v.Signed {
		lines = append(lines, fmt.Sprintf("Signed by %s with %s at %s", one.Member, one.Wallet.Hex(), one.At.UTC().Format(time.RFC3339)))
	}
	for _, d := range doubts {
		lines = append(lines, "Does not count: "+clean(d.Error()))
	}
	if len(v.Signed) == 0 {
		lines = append(lines, "Signed by nobody")
	}
	for _, line := range v.Strangers() {
		lines = append(lines, clean(line))
	}
	if !v.Enough() {
		lines = append(lines, "It is "+v.Count()+": no emergency is served until members ran `belay config sign`")
	}
	return strings.Join(lines, "\n")
}

func sectionLines(m governance.Manifest) (lines []string) {
	for _, s := range m.Sections() {
		lines = append(lines, fmt.Sprintf("  %-10s  %3d  %s", s.Name, s.Items, s.Hash.Hex()))
	}
	return lines
}

// configSign lets a member vouch for the configuration with a wallet.
func (p *program) configSign() *cobra.Command {
	w := walletFlags{}
	yes := false
	c := &cobra.Command{Use: "sign", Short: "shows what the configuration amounts to and what changed, and signs it as a member", Args: cobra.NoArgs,
		Long: "Computes the manifest from the files on this machine, says what differs from the set that you signed last, and signs its hash with a member's wallet. The signature is\n" +
			"added to the file of manifest.signatures. Needs no secret and no network. Read the files first: the signature says that you know these rules."}
	w.register(c.Flags())
	c.Flags().BoolVar(&yes, "yes", false, "do not ask for check words: for drills alone")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := p.loadRules()
		if err != nil {
			return err
		}
		if cfg.Manifest.Signatures == "" {
			return usagef("%s: manifest.signatures is missing: name the file for the signatures, such as manifest: {signatures: manifest.sig}", p.configFile)
		}
		v := vouching{sitting: sitting{program: p, yes: yes, answers: bufio.NewReader(p.in)}, cfg: cfg}
		if v.manifest, err = manifestOf(cfg); err != nil {
			return err
		}
		if v.wallet, err = w.open(cmd.Context(), v.ask); err != nil {
			return usage(err)
		}
		return v.run(cmd.Context())
	}
	return c
}

// vouching is one member before one configuration.
type vouching struct {
	sitting
	cfg      *configs.Config
	manifest governance.Manifest
}

func (v *vouching) run(ctx context.Context) error {
	me := v.wallet.address()
	member := walletsOf(v.cfg)[me]
	if member == "" {
		return fmt.Errorf("%s is no wallet of a member: add it to members in %s, then sign", me.Hex(), v.configFile)
	}
	if v.signedAlready(member, me) {
		return v.done(ctx, member+" has signed this configuration with this wallet already", "")
	}
	v.showSet(me)
	if err := v.knows(member); err != nil {
		return err
	}
	mine, err := v.signed(member)
	if err != nil {
		return err
	}
	v.cfg.Manifest.Signed = v.kept(mine)
	if err := v.cfg.Manifest.Signed.Save(v.cfg.Manifest.Signatures); err != nil {
		return fmt.Errorf("write %s: %w", v.cfg.Manifest.Signatures, err)
	}
	return v.done(ctx, member+" has signed", "\nThe signature is in "+v.cfg.Manifest.Signatures+": bring it to the server with the rest of the files, and reload there.")
}

// signedAlready reports whether the file holds a good signature of this wallet over this very set.
func (v *vouching) signedAlready(member string, me common.Address) bool {
	now, site := v.manifest.Hash(), v.cfg.HTTP.PublicURL
	return slices.ContainsFunc(vouches(v.cfg), func(s governance.Vouch) bool {
		return s.Manifest == now && s.Site == site && s.Member == member && s.Wallet == me && s.Check() == nil
	})
}

// done prints how the configuration stands now.
func (v *vouching) done(ctx context.Context, what, next string) error {
	mem := memoryOf(ctx, v.cfg)
	standing, doubts, err := mem.vouched(v.cfg)
	if err != nil {
		return err
	}
	return v.print(standingOf(v.manifest, standing, doubts, mem.last), what+": "+standingWords(standing)+next)
}

// showSet prints what would be signed, and what is different from what was signed before.
func (v *vouching) showSet(me common.Address) {
	say := func(text string) { _, _ = fmt.Fprintln(v.err, clean(text)) }
	say("The configuration " + v.configFile + " for " + v.cfg.HTTP.PublicURL + ":")
	for _, line := range sectionLines(v.manifest) {
		say(line)
	}
	say("")
	last, earlier := v.lastSigned(me)
	changes := v.manifest.Since(earlier)
	switch {
	case last == nil:
		say("Nobody has signed an earlier set that this file tells of. It holds:")
	case len(changes) == 0:
		say("It is the set that " + last.Member + " signed before.")
	default:
		say("Since the set that " + last.Member + " signed on " + last.At.UTC().Format(time.DateOnly) + ":")
	}
	for _, change := range changes {
		say("  " + change)
	}
	say("")
	say("Manifest    " + v.manifest.Hash().Hex())
	say("Check words " + safe.CheckWords(v.manifest.Hash()))
}

// lastSigned finds the set to compare with: the newest that this wallet signed, else the newest that any member did. The items in the
// file count only where they hash to what was signed, and the signature only where it is the wallet's own: whoever planted a member
// could have written an earlier set that has it already.
func (v *vouching) lastSigned(me common.Address) (*governance.Vouch, governance.Manifest) {
	wallets := walletsOf(v.cfg)
	all := vouches(v.cfg)
	slices.SortStableFunc(all, func(a, b governance.Vouch) int {
		return cmp.Or(mine(b, me)-mine(a, me), b.At.Compare(a.At))
	})
	for i := range all {
		if all[i].Manifest == v.manifest.Hash() && all[i].Site == v.cfg.HTTP.PublicURL || wallets[all[i].Wallet] != all[i].Member || all[i].Check() != nil {
			continue
		}
		if set := itemsOf(v.cfg, all[i].Manifest); set.Hash() == all[i].Manifest {
			return &all[i], set
		}
	}
	return nil, nil
}

func mine(s governance.Vouch, me common.Address) int {
	if s.Wallet == me {
		return 1
	}
	return 0
}

// itemsOf gives what the file says that a set was made of.
func itemsOf(cfg *configs.Config, set common.Hash) governance.Manifest {
	var items []governance.ManifestItem
	for _, i := range cfg.Manifest.Signed.Items {
		if i.Set == set {
			items = append(items, governance.ManifestItem{Section: i.Section, Name: i.Name, Hash: i.Hash})
		}
	}
	return governance.NewManifest(items)
}

// knows asks for two check words: whoever types them has looked.
func (v *vouching) knows(member string) error {
	if v.yes {
		return nil
	}
	answer, err := v.ask("\nThat you know these rules is what you sign as " + member + " with " + v.wallet.address().Hex() + ". It moves nothing.\nType the first two check words; anything else stops: ")
	if err != nil {
		return err
	}
	if !slices.Equal(strings.Fields(strings.ToLower(answer)), strings.Fields(safe.CheckWords(v.manifest.Hash()))[:2]) {
		return errors.New("not signed: these are not the first two check words")
	}
	return nil
}

// signed asks the wallet, and checks what comes back.
func (v *vouching) signed(member string) (configs.ManifestSignature, error) {
	mine := governance.Vouch{Manifest: v.manifest.Hash(), Member: member, Wallet: v.wallet.address(), Site: v.cfg.HTTP.PublicURL, At: time.Now().UTC().Truncate(time.Second)}
	raw, err := v.wallet.sign(mine.Statement().TypedData(), mine.Statement().Hash())
	if err != nil {
		return configs.ManifestSignature{}, fmt.Errorf("sign: %w", err)
	}
	yes, err := safe.ConfirmAs(mine.Wallet, mine.Statement().Hash(), raw, []common.Address{mine.Wallet})
	if err != nil {
		return configs.ManifestSignature{}, fmt.Errorf("the signer returned something else than a signature over manifest %s: %w", mine.Manifest.Hex(), err)
	}
	return configs.ManifestSignature{Set: mine.Manifest, Member: member, Wallet: mine.Wallet, Site: mine.Site, At: mine.At, Signature: yes.Signature}, nil
}

// kept is what the file holds from now on: every signature over this set, and of each wallet the newest over another one, so that the
// member is told the next time what changed since. Older ones go: version control has them, and a set that was given up should not lie
// ready to come back.
func (v *vouching) kept(mine configs.ManifestSignature) configs.Signatures {
	now := mine.Set
	out := configs.Signatures{By: []configs.ManifestSignature{mine}}
	newest := map[common.Address]configs.ManifestSignature{}
	for _, s := range v.cfg.Manifest.Signed.By {
		switch last, known := newest[s.Wallet]; {
		case s.Set == now && s.Wallet == mine.Wallet: // given anew
		case s.Set == now:
			out.By = append(out.By, s)
		case !known || s.At.After(last.At):
			newest[s.Wallet] = s
		}
	}
	sets := map[common.Hash]bool{}
	for _, s := range newest {
		out.By, sets[s.Set] = append(out.By, s), true
	}
	for _, i := range v.cfg.Manifest.Signed.Items {
		if sets[i.Set] {
			out.Items = append(out.Items, i)
		}
	}
	for _, i := range v.manifest {
		out.Items = append(out.Items, configs.SignedItem{Set: now, Section: i.Section, Name: i.Name, Hash: i.Hash})
	}
	return out
}

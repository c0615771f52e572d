package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"belay/governance"
	"belay/governance/coordinator"
)

func asRefusal(err error) (*governance.Refusal, bool) { return errors.AsType[*governance.Refusal](err) }

// status shows one proposal, or what is open.
func (b *Bot) status(ctx context.Context, who asker, c Command) (Card, error) {
	if id := c.Proposal(); id != "" {
		v, err := b.desk.Show(ctx, id, who.viewer())
		if err != nil {
			return Card{}, err
		}
		return details(v, b.reader(v, governance.AudienceWarRoom)), nil
	}
	open, loaded, err := b.open(ctx, who)
	if err != nil {
		return Card{}, err
	}
	card := Card{Header: fmt.Sprintf("%d open", len(open)), Summary: openText(len(open))}
	if len(open) == 0 {
		card = Answer("Nothing is open", "No proposal asks for anything now.")
	}
	lines := make([]Line, 0, len(open))
	for _, v := range open {
		lines = append(lines, append(Line{Strong(headline(v)), Plain(" · " + v.Headline() + " · ")}, sentence(v.Status, Plain)...))
	}
	if len(lines) > 0 {
		card.Sections = append(card.Sections, Section{Lines: clip(lines, 20, "open proposals")})
	}
	var burn []Line
	for _, v := range loaded {
		burn = append(burn, Line{Strong(v.ID), Plain(fmt.Sprintf(" · %s · nonce %d · ", v.Headline(), v.Loaded.Nonce)), Code("/" + b.cfg.Names.Root + " void " + v.ID)})
	}
	if len(burn) > 0 {
		card.Sections = append(card.Sections, Section{Title: "Ended, and their signatures still count", Lines: clip(burn, 10, "loaded proposals")})
	}
	return card, nil
}

// open lists the proposals that have not ended, newest first, and those that have while signatures over them still count. It looks at
// the newest page only: what is older and still open is rare, and the board shows it.
func (b *Bot) open(ctx context.Context, who asker) (open, loaded []governance.View, err error) {
	page, err := b.desk.List(ctx, coordinator.Query{Viewer: who.viewer()})
	if err != nil {
		return nil, nil, err
	}
	for _, v := range page.Views {
		switch {
		case !v.State.Ended():
			open = append(open, v)
		case v.Loaded != nil:
			loaded = append(loaded, v)
		}
	}
	return open, loaded, nil
}

// subject finds the proposal that a command is about: the one it names, or the only one that is open.
func (b *Bot) subject(ctx context.Context, who asker, c Command) (string, error) {
	if id := c.Proposal(); id != "" {
		return id, nil
	}
	open, _, err := b.open(ctx, who)
	if err != nil {
		return "", err
	}
	if len(open) == 1 && c.Verb != VerbWithdraw && c.Verb != VerbDisclose {
		return open[0].ID, nil
	}
	var ids []string
	for _, v := range open {
		ids = append(ids, v.ID+" "+v.Headline())
	}
	hint := "For example `/" + b.cfg.Names.Root + " " + string(c.Verb) + " P-12`"
	if len(ids) > 0 {
		hint = "open: " + strings.Join(ids, "; ")
	}
	return "", governance.Refuse(governance.CodeMissingParam, hint, "say which proposal").Headed("Which proposal?")
}

// onProposal does what a verb asks for on one proposal.
func (b *Bot) onProposal(ctx context.Context, who asker, c Command) (Card, error) {
	id, err := b.subject(ctx, who, c)
	if err != nil {
		return Card{}, err
	}
	v, said, err := b.act(ctx, who, c, id)
	if err != nil {
		return Card{}, err
	}
	if c.Verb == VerbSign {
		return b.signing(v), nil
	}
	head, more, _ := strings.Cut(said, ". ")
	return Answer(v.ID+": "+head, v.Status, more), nil
}

func (b *Bot) act(ctx context.Context, who asker, c Command, id string) (v governance.View, said string, err error) {
	switch c.Verb {
	case VerbSign:
		v, err = b.desk.Show(ctx, id, who.viewer())
	case VerbObject:
		said = "your objection is noted. It is an opinion and stops nothing. Made with your wallet it counts: open the signing page, or `belay object " + id + "`. To take the proposal down use `/" + b.cfg.Names.Root + " withdraw " + id + "`."
		v, err = b.desk.Object(ctx, id, who.member, c.Text())
	case VerbOnIt:
		said = "the others see that you are on it"
		v, err = b.desk.Respond(ctx, id, who.member, "onit")
	case VerbCant:
		said = "the others see that you cannot sign now"
		v, err = b.desk.Respond(ctx, id, who.member, "cant")
	case VerbWithdraw:
		said = "withdrawn. Signatures that exist stay usable on chain until another transaction of the Safe uses the same nonce."
		v, err = b.desk.Withdraw(ctx, id, who.member)
	case VerbExtend:
		said = "extended"
		v, err = b.desk.Extend(ctx, id, who.member)
	case VerbExecute:
		said = "released; it is sent now"
		v, err = b.desk.Release(ctx, id, who.member)
	case VerbDisclose:
		said = "public from now on"
		v, err = b.desk.Disclose(ctx, id, who.member)
	}
	return v, said, err
}

// signing is the private way to the signing page.
func (b *Bot) signing(v governance.View) Card {
	reader := b.reader(v, governance.AudienceWarRoom)
	card := Answer("Review and sign "+v.ID, v.Headline(), v.Status)
	card.Sections = append(card.Sections, Section{Lines: []Line{
		{Plain("safeTxHash, compare it on your device: "), Code(v.SafeTxHash)},
		{Plain("The page is always at " + b.cfg.PublicURL + " and asks for typed data only, never for a seed or an approval.")},
	}})
	card.Buttons = []Button{{Label: "Review & sign", URL: reader.SignURL, Style: StylePrimary}}
	return card
}

// timelocks lists the windows of what is queued.
func (b *Bot) timelocks(ctx context.Context, who asker) (Card, error) {
	all, err := b.desk.Timelocks(ctx, who.viewer())
	if err != nil {
		return Card{}, err
	}
	if len(all) == 0 {
		return Answer("No timelock is configured"), nil
	}
	card := Card{Header: "Timelocks", Summary: "Timelocks"}
	for _, t := range all {
		lines := []Line{{Plain(t.Kind + " on " + t.Chain + " "), Code(t.Address), Plain(", delay " + delayWords(t.MinDelay))}}
		for _, o := range t.Operations {
			lines = append(lines, operationLine(o))
		}
		if len(t.Operations) == 0 {
			lines = append(lines, Line{Plain("nothing queued")})
		}
		card.Sections = append(card.Sections, Section{Title: t.Name, Lines: clip(lines, 20, "operations")})
	}
	return card, nil
}

func operationLine(o coordinator.TimelockOperation) Line {
	line := Line{Strong(o.Proposal), Plain(" " + string(o.State))}
	if at, ok := instantAt(o.OpensAt); ok {
		line = append(line, Plain(", opens "), Moment(at))
	}
	if at, ok := instantAt(o.ClosesAt); ok {
		line = append(line, Plain(", closes "), Moment(at))
	}
	return line
}

// link starts linking a wallet. The address is answered privately where the command was typed; Belay never sends one first.
func (b *Bot) link(ctx context.Context, a coordinator.Actor) (Card, error) {
	address, phrase, err := b.desk.BeginLink(ctx, a)
	if err != nil {
		return Card{}, err
	}
	card := Answer("Link a wallet", "Open the page within 10 minutes. It must be at "+b.cfg.PublicURL+" and show these words:")
	card.Sections = append(card.Sections, Section{Lines: []Line{
		{Code(phrase)},
		{Plain("The wallet signs one typed message. Nobody from Belay ever asks for a seed, an approval, or a link in a direct message.")},
	}})
	card.Buttons = []Button{{Label: "Link my wallet", URL: address, Style: StylePrimary}}
	return card, nil
}

func (b *Bot) unlink(ctx context.Context, who asker) (Card, error) {
	if err := b.desk.Unlink(ctx, who.actor); err != nil {
		return Card{}, err
	}
	return Answer("Your wallet is not linked to this account any more"), nil
}

func (b *Bot) check(ctx context.Context) Card {
	if b.cfg.Check == nil {
		return Answer("Could you pause now?", "Run `belay check` on the server: it asks every RPC, Safe, relayer and playbook.")
	}
	return Answer("Could you pause now?", b.cfg.Check(ctx)...)
}

// void asks the owners to use up the nonce of a proposal that was named.
func (b *Bot) void(ctx context.Context, who asker, c Command) (Card, error) {
	if c.Proposal() == "" {
		return Card{}, governance.Refuse(governance.CodeMissingParam, "Name it: `/"+b.cfg.Names.Root+" void P-12`", "Which proposal's nonce is to be used up?")
	}
	return b.ofOurOwn(ctx, who, coordinator.VoidPlaybook, map[string]string{"proposal": c.Proposal()}, c.Text())
}

// veto asks the owners to cancel an operation that waits in a timelock, named by its proposal or by its id.
func (b *Bot) veto(ctx context.Context, who asker, c Command) (Card, error) {
	operation := c.Proposal()
	if operation == "" {
		operation = operationIn(c.Text())
	}
	if operation == "" {
		return Card{}, governance.Refuse(governance.CodeMissingParam, "Name it: `/"+b.cfg.Names.Root+" veto P-12`, or the operation's id; see `/"+b.cfg.Names.Root+" timelocks`", "Which operation is to be vetoed?")
	}
	reason := strings.TrimSpace(strings.TrimPrefix(c.Text(), operation))
	return b.ofOurOwn(ctx, who, coordinator.VetoPlaybook, map[string]string{"operation": operation}, reason)
}

// rebuild asks once more for what a proposal asked for.
func (b *Bot) rebuild(ctx context.Context, who asker, c Command) (Card, error) {
	if c.Proposal() == "" {
		return Card{}, governance.Refuse(governance.CodeMissingParam, "Name it: `/"+b.cfg.Names.Root+" rebuild P-12`", "Which proposal is to be asked for again?")
	}
	return b.ofOurOwn(ctx, who, coordinator.RebuildPlaybook, map[string]string{"proposal": c.Proposal()}, c.Text())
}

// nonces draws what stands at the nonces of each Safe.
func (b *Bot) nonces(ctx context.Context) (Card, error) {
	all, err := b.desk.Nonces(ctx)
	if err != nil {
		return Card{}, err
	}
	card := Card{Header: "Nonces", Summary: "What stands at the nonces of each Safe"}
	for _, m := range all {
		lines := []Line{{Plain(m.Chain + " "), Code(m.Address), Plain(fmt.Sprintf(", next nonce %d, next free %d", m.Nonce, m.Free))}}
		for _, place := range m.Nonces {
			lines = append(lines, Line{Strong(fmt.Sprintf("%d %s", place.Nonce, place.State)), Plain(" " + place.Text)})
		}
		card.Sections = append(card.Sections, Section{Title: m.Safe, Lines: clip(lines, 20, "nonces")})
	}
	return card, nil
}

// operationIn finds the id of an operation at the beginning of a text, with the timelock's name before it where that is given.
func operationIn(text string) string {
	words := strings.Fields(text)
	for i := range min(len(words), 2) {
		if strings.HasPrefix(words[i], "0x") {
			return strings.Join(words[:i+1], " ")
		}
	}
	return ""
}

// ofOurOwn proposes what needs no playbook.
func (b *Bot) ofOurOwn(ctx context.Context, who asker, playbook string, params map[string]string, reason string) (Card, error) {
	done, err := b.desk.Propose(ctx, coordinator.Intent{Playbook: playbook, Params: params,
		Member: who.member, Roles: who.roles, Reason: reason, Via: governance.Via(who.platform.Name())})
	if err != nil {
		return Card{}, err
	}
	return b.up(done), nil
}

// help says what can be typed and where the one genuine page is.
func (b *Bot) help() Card {
	n := b.cfg.Names
	commands := []Line{
		{Code("/" + n.Pause + " PLAYBOOK key=value \"reason\""), Plain(" pauses: asks the signers at once")},
		{Code("/" + n.Propose + " PLAYBOOK key=value \"reason\""), Plain(" anything else: shows you a preview first")},
	}
	for _, v := range Verbs {
		usage := "/" + n.Root + " " + string(v.Verb)
		if v.Proposal {
			usage += " P-12"
		}
		if v.Text {
			usage += " \"why\""
		}
		commands = append(commands, Line{Code(usage), Plain(" " + v.About)})
	}
	card := Card{Header: "What you can type", Summary: "Commands and playbooks", Sections: []Section{{Lines: commands}}}
	var books []Line
	for _, p := range b.desk.Playbooks() {
		var params []string
		for _, q := range p.Params {
			params = append(params, Describe(q))
		}
		books = append(books, Line{Code(p.Name), Plain(strings.TrimRight(" "+p.Title+". "+strings.Join(params, "; "), " "))})
	}
	if len(books) > 0 {
		card.Sections = append(card.Sections, Section{Title: "Playbooks", Lines: clip(books, 20, "playbooks")})
	}
	card.Footer = Line{Plain("The one genuine page is " + b.cfg.PublicURL)}
	return card
}

func openText(n int) string {
	if n == 1 {
		return "1 proposal is open"
	}
	return fmt.Sprintf("%d proposals are open", n)
}

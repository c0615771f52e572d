package bot

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

// asker is who asks, as the coordinator knows them, and where.
type asker struct {
	platform Platform
	actor    coordinator.Actor
	member   string
	roles    []string
}

func (a asker) viewer() governance.Viewer {
	return governance.Viewer{Audience: governance.AudienceWarRoom, Member: a.member}
}

// work does what an incoming command or click asks for and gives the answer.
func (b *Bot) work(ctx context.Context, p Platform, in Incoming) (Card, error) {
	if in.Command != nil && in.Command.Verb == VerbLink {
		return b.link(ctx, in.Actor) // how an account becomes a member's
	}
	member, roles, err := b.desk.Member(ctx, in.Actor)
	if err != nil {
		return Card{}, err
	}
	who := asker{platform: p, actor: in.Actor, member: member.Name, roles: roles}
	if in.Click != nil {
		return b.click(ctx, who, *in.Click)
	}
	return b.command(ctx, who, *in.Command)
}

// command does what was typed.
func (b *Bot) command(ctx context.Context, who asker, c Command) (Card, error) {
	switch c.Verb {
	case VerbPause:
		return b.pauseNow(ctx, who, c)
	case VerbPropose:
		return b.preview(ctx, who, c)
	case VerbStatus:
		return b.status(ctx, who, c)
	case VerbTimelocks:
		return b.timelocks(ctx, who)
	case VerbCheck:
		return b.check(ctx), nil
	case VerbUnlink:
		return b.unlink(ctx, who)
	case VerbHelp:
		return b.help(), nil
	case VerbVoid:
		return b.void(ctx, who, c)
	case VerbRebuild:
		return b.rebuild(ctx, who, c)
	case VerbNonces:
		return b.nonces(ctx)
	case VerbVeto:
		return b.veto(ctx, who, c)
	case VerbSign, VerbObject, VerbWithdraw, VerbExtend, VerbExecute, VerbOnIt, VerbCant, VerbDisclose:
		return b.onProposal(ctx, who, c)
	}
	return Card{}, unknownVerb(c, b.cfg.Names)
}

func unknownVerb(c Command, names Names) error {
	typed := c.Unknown
	if typed == "" {
		typed = string(c.Verb) // a platform with subcommands of its own gives one that an older registration had
	}
	known := []string{string(VerbPause), string(VerbPropose)}
	for _, v := range Verbs {
		known = append(known, string(v.Verb))
	}
	return governance.Refuse(governance.CodeBadValue, "Type `/"+names.Root+" help`", "there is no command %q.%s", typed, didYouMean(typed, known)).Headed("There is no such command")
}

// click does what a button asks for. Its content is read like typed text.
func (b *Bot) click(ctx context.Context, who asker, c Click) (Card, error) {
	switch c.Action {
	case ActionPropose, ActionForce:
		text, known := b.drafts.text(c.Arg, time.Now())
		if !known {
			return Card{}, governance.Refuse(governance.CodeNotFound, "Type the command again", "A preview is kept for %d minutes and until Belay starts anew", int(draftLife.Minutes())).Headed("This preview is too old")
		}
		verb := VerbPropose
		if c.Action == ActionForce {
			verb = VerbPause
		}
		request, err := Resolve(Command{Verb: verb, Words: Words(text)}, b.desk.Playbooks())
		if err != nil {
			return Card{}, err
		}
		return b.propose(ctx, who, request)
	case ActionUndo:
		return b.previewUndo(ctx, who, c.Arg)
	case ActionDetails:
		v, err := b.desk.Show(ctx, c.Arg, who.viewer())
		if err != nil {
			return Card{}, err
		}
		return details(v, b.reader(v, governance.AudienceWarRoom)), nil
	case ActionOnIt, ActionCant, ActionObject:
		return b.onProposal(ctx, who, Command{Verb: Verb(c.Action), Words: []Word{{Key: "proposal", Value: c.Arg}}})
	}
	return Card{}, governance.Refuse(governance.CodeNotFound, "Look at the newest card", "This button is of an older Belay").Headed("This button does nothing any more")
}

// pauseNow acts at once: a pause has no preview.
func (b *Bot) pauseNow(ctx context.Context, who asker, c Command) (Card, error) {
	request, err := Resolve(c, b.desk.Playbooks())
	if err != nil {
		return Card{}, err
	}
	return b.propose(ctx, who, request)
}

// propose drafts the request into the room.
func (b *Bot) propose(ctx context.Context, who asker, r Request) (Card, error) {
	done, err := b.desk.Propose(ctx, who.intent(r))
	if err != nil {
		return b.maybeForce(who, r, err)
	}
	return b.up(done), nil
}

// up tells that a proposal stands in the room.
func (b *Bot) up(done coordinator.Proposed) Card {
	header := fmt.Sprintf("%s is up", done.View.ID)
	if done.Joined {
		header = fmt.Sprintf("%s asks for the same already; you joined it", done.View.ID)
	}
	card := Answer(header, done.View.Status, "The war room sees it. If you can sign, do it now.")
	if done.View.State.Ended() || done.View.Execution != nil {
		card = Answer(header, done.View.Status)
	}
	card.Summary = header + ". " + plainTimes(done.View.Status)
	if reader := b.reader(done.View, governance.AudienceWarRoom); reader.SignURL != "" && !done.View.State.Ended() {
		card.Buttons = []Button{{Label: "Review & sign", URL: reader.SignURL, Style: StylePrimary}}
	}
	return card
}

// maybeForce offers to go on where an emergency was refused because its simulation reverts.
func (b *Bot) maybeForce(who asker, r Request, err error) (Card, error) {
	refusal, ok := asRefusal(err)
	if !ok || refusal.Code != governance.CodeSimulationReverted || r.Playbook.Kind != governance.KindPause || r.Force {
		return Card{}, err
	}
	r.Force, r.Verb = true, VerbPause
	card := refusalCard(refusal)
	card.Buttons = []Button{{Label: "Pause anyway", Style: StyleDanger, Action: ActionForce, Arg: b.arg(who.platform, r)}}
	return card, nil
}

// preview shows privately what would be asked for, with the button that asks for it.
func (b *Bot) preview(ctx context.Context, who asker, c Command) (Card, error) {
	request, err := Resolve(c, b.desk.Playbooks())
	if err != nil {
		return Card{}, err
	}
	return b.previewRequest(ctx, who, request)
}

func (b *Bot) previewRequest(ctx context.Context, who asker, r Request) (Card, error) {
	v, err := b.desk.Preview(ctx, who.intent(r))
	if err != nil {
		return b.maybeForce(who, r, err)
	}
	v.ID = ""
	card := Draw(v, Reader{Names: b.cfg.Names, Audience: governance.AudienceWarRoom})
	card.Summary = "Preview: " + v.Headline() + ". Only you see this, and nothing is proposed yet."
	card.Footer = Line{Plain("Only you see this. Nothing is proposed until you press Propose.")}
	card.Buttons = []Button{{Label: "Propose", Style: StylePrimary, Action: ActionPropose, Arg: b.arg(who.platform, r)}}
	return card, nil
}

// previewUndo drafts the undo of an executed proposal.
func (b *Bot) previewUndo(ctx context.Context, who asker, id string) (Card, error) {
	v, err := b.desk.Show(ctx, id, who.viewer())
	if err != nil {
		return Card{}, err
	}
	if v.Undo == nil {
		return Card{}, governance.Refuse(governance.CodeNotFound, "propose it by name", "%s has no drafted undo", v.ID)
	}
	for _, p := range b.desk.Playbooks() {
		if p.Name == v.Undo.Playbook {
			return b.previewRequest(ctx, who, Request{Verb: VerbPropose, Playbook: p, Params: undoParams(p, v.Undo.Params), Reason: "Undo of " + v.ID})
		}
	}
	return Card{}, governance.Refuse(governance.CodeUnknownPlaybook, "ask an operator", "the undo playbook %s is not configured any more", v.Undo.Playbook)
}

// undoParams keeps the parameters that the undo has too.
func undoParams(p coordinator.PlaybookInfo, given map[string]string) map[string]string {
	kept := map[string]string{}
	for _, q := range p.Params {
		if v, ok := given[q.Name]; ok {
			kept[q.Name] = v
		}
	}
	return kept
}

// arg is what a button carries for a request.
func (b *Bot) arg(p Platform, r Request) string {
	return b.drafts.arg(r.String(), p.MaxArg(), time.Now())
}

func (a asker) intent(r Request) coordinator.Intent {
	return coordinator.Intent{Playbook: r.Playbook.Name, Params: r.Params, Member: a.member, Roles: a.roles, Reason: r.Reason, Force: r.Force, Via: governance.Via(a.platform.Name())}
}

// reader says what a room may open. The key stands in addresses for members only.
func (b *Bot) reader(v governance.View, audience governance.Audience) Reader {
	r := Reader{Names: b.cfg.Names, Audience: audience}
	if v.ID == "" {
		return r
	}
	page := b.cfg.PublicURL + "/p/" + url.PathEscape(v.ID)
	if audience <= governance.AudienceKey {
		r.PageURL = page
		return r
	}
	key := "?key=" + url.QueryEscape(b.desk.ReadKey(v.ID))
	r.PageURL, r.SignURL = page+key, page+"/sign"+key
	return r
}

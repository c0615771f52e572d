package bot

import (
	"regexp"
	"slices"
	"strings"
)

// Verb is what a command asks for. The words are the same on every platform.
type Verb string

// Every verb. Pause and propose are commands of their own as well.
const (
	VerbPause     Verb = "pause"
	VerbPropose   Verb = "propose"
	VerbStatus    Verb = "status"
	VerbSign      Verb = "sign"
	VerbObject    Verb = "object"
	VerbWithdraw  Verb = "withdraw"
	VerbVoid      Verb = "void"
	VerbVeto      Verb = "veto"
	VerbRebuild   Verb = "rebuild"
	VerbExtend    Verb = "extend"
	VerbExecute   Verb = "execute"
	VerbOnIt      Verb = "onit"
	VerbCant      Verb = "cant"
	VerbTimelocks Verb = "timelocks"
	VerbNonces    Verb = "nonces"
	VerbCheck     Verb = "check"
	VerbLink      Verb = "link"
	VerbUnlink    Verb = "unlink"
	VerbDisclose  Verb = "disclose"
	VerbHelp      Verb = "help"
)

// VerbInfo describes a verb for help texts and for platforms that register commands.
type VerbInfo struct {
	Verb     Verb
	About    string // at most 100 characters, Discord's limit for descriptions
	Proposal bool   // takes a proposal
	Text     bool   // takes people's words
}

// Verbs lists what stands behind the root command, in the order help tells it. Pause and propose take a playbook.
var Verbs = []VerbInfo{
	{VerbStatus, "What is open, or everything about one proposal", true, false},
	{VerbSign, "Your link to review and sign", true, false},
	{VerbObject, "Say that you object, and why; an opinion, it stops nothing", true, true},
	{VerbWithdraw, "Take your own proposal down", true, false},
	{VerbVoid, "Burn a proposal's nonce on chain", true, false},
	{VerbVeto, "Cancel a queued timelock operation", true, false},
	{VerbRebuild, "Ask again for what lost its nonce, expired, or waits behind a gap", true, false},
	{VerbExtend, "Ask for longer before a proposal expires", true, false},
	{VerbExecute, "Send a proposal that waits to be sent by hand", true, false},
	{VerbOnIt, "Tell the others that you are on it", true, false},
	{VerbCant, "Tell the others that you cannot sign now", true, false},
	{VerbTimelocks, "Timelocks and the windows of what is queued", false, false},
	{VerbNonces, "What stands at the nonces of each Safe, and what waits for what", false, false},
	{VerbCheck, "Could you pause now?", false, false},
	{VerbLink, "Link a wallet to your chat account", false, false},
	{VerbUnlink, "Remove the link between wallet and chat account", false, false},
	{VerbDisclose, "Make an ended private proposal public", true, false},
	{VerbHelp, "Commands and playbooks", false, false},
}

// Names are the configured names of the commands, without the slash.
type Names struct{ Root, Pause, Propose string }

// WithDefaults fills in what was left out.
func (n Names) WithDefaults() Names {
	fill := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	fill(&n.Root, "belay")
	fill(&n.Pause, "pause")
	fill(&n.Propose, "propose")
	return n
}

// Verb tells which verb the command of this name stands for. The root command stands for none: its first word does.
func (n Names) Verb(name string) (v Verb, root, known bool) {
	switch strings.ToLower(strings.TrimPrefix(name, "/")) {
	case n.Pause:
		return VerbPause, false, true
	case n.Propose:
		return VerbPropose, false, true
	case n.Root:
		return "", true, true
	}
	return "", false, false
}

// Word is one piece of a command: a value, with its key if one was given.
type Word struct {
	Key    string // lower case; "" when there was none
	Value  string
	Quoted bool // the value stood in quotes
}

// Command is what someone typed or chose, before any playbook was looked at.
type Command struct {
	Verb    Verb // "" when the root command stood alone or its first word is no verb
	Unknown string
	Words   []Word
}

// Parse reads the text behind a command. It is total: whatever is wrong is found when the words are resolved, so that
// the answer can say what would be right.
func Parse(names Names, name, text string) Command {
	verb, root, _ := names.Verb(name)
	words := Words(text)
	if !root {
		return Command{Verb: verb, Words: words}
	}
	if len(words) == 0 {
		return Command{Verb: VerbHelp}
	}
	first := Verb(strings.ToLower(words[0].Value))
	if words[0].Key == "" && isVerb(first) {
		return Command{Verb: first, Words: words[1:]}
	}
	return Command{Unknown: words[0].Value, Words: words[1:]}
}

func isVerb(v Verb) bool {
	return v == VerbPause || v == VerbPropose || slices.ContainsFunc(Verbs, func(i VerbInfo) bool { return i.Verb == v })
}

// text writes the words so that Words reads them back.
func (c Command) text() string {
	parts := make([]string, 0, len(c.Words))
	for _, w := range c.Words {
		value := quoteIfNeeded(w.Value)
		if w.Quoted {
			value = quote(w.Value)
		}
		if w.Key != "" {
			value = w.Key + "=" + value
		}
		parts = append(parts, value)
	}
	return strings.Join(parts, " ")
}

// proposalID takes P-12, p12, #12 and 12.
var proposalID = regexp.MustCompile(`^(?i:p-?|#)?0*([1-9][0-9]{0,17})$`)

// Proposal finds the proposal that the command names, "" if it names none.
func (c Command) Proposal() string {
	for _, w := range c.Words {
		if w.Key != "" && w.Key != "proposal" {
			continue
		}
		if m := proposalID.FindStringSubmatch(w.Value); m != nil {
			return "P-" + m[1]
		}
	}
	return ""
}

// Text joins the command's own words, without the proposal that they are about.
func (c Command) Text() string {
	var said []string
	subject := false
	for _, w := range c.Words {
		switch {
		case w.Key == "proposal", !subject && w.Key == "" && proposalID.MatchString(w.Value):
			subject = true
		case w.Key == "" || w.Key == "reason" || w.Key == "text":
			said = append(said, w.Value)
		default:
			said = append(said, w.Key+"="+w.Value)
		}
	}
	return strings.Join(said, " ")
}

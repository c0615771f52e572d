package bot

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"belay/governance"
)

// How much of what people and chains say is shown in chat; the page shows all of it.
const (
	reasonRunes  = 400
	errorRunes   = 300
	dangerRunes  = 300
	callRunes    = 700
	opinionRunes = 200
	eventRunes   = 300
	valueRunes   = 100

	callsShown   = 4
	dangersShown = 8
	changesShown = 8
	ownersShown  = 12
	notesShown   = 6
)

// Reader is who will see a drawn card.
type Reader struct {
	Names    Names
	Audience governance.Audience
	SignURL  string // with the proposal's read key; "" offers no signing
	PageURL  string // the proposal's page; "" offers none
}

// member reports whether the reader is one of the people who act.
func (r Reader) member() bool { return r.Audience > governance.AudienceKey }

// Draw makes a proposal's card from the one View of it. What a signer must not miss comes first, what is compared is
// shown in full, and nothing is claimed that the View does not claim.
func Draw(v governance.View, r Reader) Card {
	c := Card{Header: header(v), Summary: headline(v) + ": " + v.Title + ". " + v.Status, Tone: tone(v)}
	add := func(title string, lines ...Line) {
		if len(lines) > 0 {
			c.Sections = append(c.Sections, Section{Title: title, Lines: lines})
		}
	}
	add("", statusLines(v, r)...)
	add("Dangers", dangerLines(v)...)
	add("Effect", effectLines(v)...)
	add("Calls", callLines(v)...)
	c.Sections = append(c.Sections, Section{Title: "Safe", Lines: safeLines(v), Keep: true})
	add(signersTitle(v), signerLines(v)...)
	add("Timelock", timelockLines(v)...)
	add("On chain", transactionLines(v)...)
	add("Proof", proofLines(v)...)
	add("Said", opinionLines(v)...)
	c.Buttons = buttons(v, r)
	c.Footer = footer(v, r)
	return c
}

// stateWord is a state as people read it, with a glyph that only repeats it.
var stateWord = map[governance.State]string{
	governance.StateProposed:    "⏳ ASKING",
	governance.StateApproved:    "📨 APPROVED",
	governance.StateQueued:      "🕒 QUEUED",
	governance.StateReady:       "🟢 READY",
	governance.StateExecuted:    "✅ EXECUTED",
	governance.StateIneffective: "⛔ NO EFFECT",
	governance.StateCanceled:    "⚪ CANCELED",
	governance.StateExpired:     "⌛ EXPIRED",
	governance.StateSuperseded:  "⚪ SUPERSEDED",
	governance.StateFailed:      "❌ FAILED",
}

func headline(v governance.View) string {
	word := stateWord[v.State]
	switch {
	case v.ID == "" && v.State == "", v.ID == "":
		return "📝 DRAFT"
	case word == "":
		word = strings.ToUpper(string(v.State))
	}
	if v.State == governance.StateProposed {
		word += fmt.Sprintf(" %d/%d", len(v.Confirmations), v.Threshold)
	}
	return v.ID + " · " + word
}

func header(v governance.View) string {
	h := headline(v) + " · " + v.Title
	if v.Safe.Chain != "" {
		h += " (" + v.Safe.Chain + ")"
	}
	return h
}

func tone(v governance.View) Tone {
	switch v.State {
	case governance.StateExecuted:
		return ToneGood
	case governance.StateIneffective, governance.StateFailed:
		return ToneAlarm
	case governance.StateCanceled, governance.StateExpired, governance.StateSuperseded:
		return ToneOver
	}
	if len(v.Dangers) > 0 || v.Simulation == nil || !v.Simulation.OK {
		return ToneAlarm
	}
	return ToneCalm
}

func statusLines(v governance.View, r Reader) (lines []Line) {
	if v.Status != "" && v.ID != "" {
		lines = append(lines, Line{Strong(v.Status)})
	}
	for _, n := range v.Notes[:min(len(v.Notes), notesShown)] {
		lines = append(lines, Line{Strong("! "), Plain(Cut(n, dangerRunes))})
	}
	if v.Reason != "" {
		lines = append(lines, Line{Plain("Reason: "), Said(v.Reason, reasonRunes)})
	}
	if v.Proposer != "" {
		lines = append(lines, Line{Plain("By " + v.Proposer + " " + "with playbook " + v.Playbook)})
	}
	if !v.State.Ended() && v.State != "" {
		if at, ok := instant(v.ExpiresAt); ok && v.State == governance.StateProposed {
			lines = append(lines, Line{Plain("Asks until "), Moment(at)})
		}
	}
	if !r.member() {
		lines = append(lines, publicLines(v)...)
	}
	return lines
}

// publicLines are the protocol's own words to its users. What happened is said only once it is proven.
func publicLines(v governance.View) (lines []Line) {
	if v.Public == nil {
		return nil
	}
	if v.State == governance.StateExecuted {
		if v.Public.What != "" {
			lines = append(lines, Line{Strong(v.Public.What)})
		}
		if v.Public.UsersCan != "" {
			lines = append(lines, Line{Plain("Users can: " + v.Public.UsersCan)})
		}
	}
	if v.Public.NextUpdate != nil {
		if at, ok := instant(*v.Public.NextUpdate); ok {
			lines = append(lines, Line{Plain("Next update "), Moment(at)})
		}
	}
	return lines
}

// dangerLines hold the dangers and the marks of a simulation that is missing, failed or untrustworthy.
func dangerLines(v governance.View) (lines []Line) {
	mark := func(s string, more ...Span) { lines = append(lines, append(Line{Strong("🔴 " + s)}, more...)) }
	if !v.State.Ended() {
		switch s := v.Simulation; {
		case s == nil:
			mark("NOT SIMULATED: nobody has seen what this does")
		case !s.OK:
			mark("THE SIMULATION REVERTS: ", Said(s.Error, errorRunes))
		case s.Burnable:
			mark("BURNABLE: with too little gas anyone can use up the nonce without effect")
		}
	}
	for _, d := range v.Dangers[:min(len(v.Dangers), dangersShown)] {
		mark(strings.ToUpper(strings.ReplaceAll(d.Code, "_", " "))+": ", Said(governance.Untrusted(d.Text), dangerRunes))
	}
	if more := len(v.Dangers) - dangersShown; more > 0 {
		mark(fmt.Sprintf("and %d more dangers; read all of them on the page", more))
	}
	return lines
}

func effectLines(v governance.View) (lines []Line) {
	s := v.Simulation
	if s == nil || !s.OK {
		return nil
	}
	for _, c := range s.Changes[:min(len(s.Changes), changesShown)] {
		lines = append(lines, Line{Said(governance.Untrusted(c.What), valueRunes), Plain(": "),
			Said(governance.Untrusted(c.Before), valueRunes), Plain(" → "), Said(governance.Untrusted(c.After), valueRunes)})
	}
	if more := len(s.Changes) - changesShown; more > 0 {
		lines = append(lines, Line{Plain(fmt.Sprintf("and %d more changes", more))})
	}
	by := ""
	if s.Provider != "" {
		by = " by " + s.Provider
	}
	return append(lines, Line{Plain("Simulated at block " + strconv.FormatUint(s.Block, 10) + by)})
}

func callLines(v governance.View) (lines []Line) {
	for i, c := range v.Calls[:min(len(v.Calls), callsShown)] {
		lines = append(lines, Line{Plain(strconv.Itoa(i+1) + ". "), Said(c.Text, callRunes)})
		for _, in := range c.Inner[:min(len(c.Inner), callsShown)] {
			lines = append(lines, Line{Plain("   inside: "), Said(in.Text, callRunes)})
		}
	}
	if more := len(v.Calls) - callsShown; more > 0 {
		lines = append(lines, Line{Strong(fmt.Sprintf("and %d more calls; read all of them on the page", more))})
	}
	return lines
}

func safeLines(v governance.View) []Line {
	version := "version " + v.Safe.Version
	if !v.Safe.Verified {
		version += ", NOT a published release"
	}
	lines := []Line{
		{Plain(v.Safe.Name + " "), Code(v.Safe.Address)},
		{Plain(fmt.Sprintf("%s, chain id %d, %s, nonce %d", v.Safe.Chain, v.Safe.ChainID, version, v.Nonce))},
	}
	if v.SafeTx.Operation != 0 {
		lines = append(lines, Line{Plain("operation 1, DELEGATECALL, to "), Code(v.SafeTx.To)})
	}
	if v.SafeTxHash != "" && v.ID != "" {
		lines = append(lines, Line{Plain("safeTxHash, compare it on your device: "), Code(v.SafeTxHash)})
	}
	return lines
}

func signersTitle(v governance.View) string {
	return fmt.Sprintf("Signed %d of %d", len(v.Confirmations), v.Threshold)
}

func signerLines(v governance.View) (lines []Line) {
	if v.ID == "" {
		return nil
	}
	signed := map[string]bool{}
	for _, c := range v.Confirmations {
		signed[c.Owner] = true
		lines = append(lines, signerLine("[x] ", c.Owner, v.OwnerNames[c.Owner], " ("+c.Kind+")"))
	}
	if v.State.Ended() {
		return clip(lines, ownersShown, "owners")
	}
	for _, o := range v.Owners {
		if !signed[o] {
			lines = append(lines, signerLine("[ ] ", o, v.OwnerNames[o], response(v, v.OwnerNames[o])))
		}
	}
	return clip(lines, ownersShown, "owners")
}

func signerLine(mark, owner, name, after string) Line {
	if name == "" {
		return Line{Plain(mark), Code(owner), Plain(after)}
	}
	return Line{Plain(mark + name + " "), Code(owner), Plain(after)}
}

// response is what an owner's member last said about signing.
func response(v governance.View, member string) string {
	for _, o := range slices.Backward(v.Responders) {
		if member != "" && o.Member == member {
			return map[string]string{"onit": ", is on it", "cant": ", cannot now"}[o.What]
		}
	}
	return ""
}

func clip(lines []Line, most int, what string) []Line {
	if more := len(lines) - most; more > 0 {
		return append(lines[:most:most], Line{Plain(fmt.Sprintf("and %d more %s", more, what))})
	}
	return lines
}

func timelockLines(v governance.View) []Line {
	t := v.Timelock
	if t == nil {
		return nil
	}
	lines := []Line{{Plain(t.Name + " "), Code(t.Address), Plain(", " + string(t.State))}}
	if at, ok := instantAt(t.OpensAt); ok {
		lines = append(lines, Line{Plain("Opens by chain time "), Moment(at)})
	}
	if at, ok := instantAt(t.ClosesAt); ok {
		lines = append(lines, Line{Plain("Closes by chain time "), Moment(at)})
	}
	return lines
}

func transactionLines(v governance.View) (lines []Line) {
	for _, t := range v.Transactions {
		status := string(t.Role) + ", " + string(t.Status)
		if t.Block > 0 {
			status += " in block " + strconv.FormatUint(t.Block, 10)
		}
		line := Line{Code(t.TxHash), Plain(" " + status)}
		if v.Explorer != "" {
			line = append(line, Plain(" "), Link("explorer", strings.TrimSuffix(v.Explorer, "/")+"/tx/"+url.PathEscape(t.TxHash)))
		}
		lines = append(lines, line)
	}
	return clip(lines, ownersShown, "transactions")
}

func proofLines(v governance.View) (lines []Line) {
	for _, p := range v.Postconditions {
		verdict := "true"
		switch {
		case p.Value == "":
			verdict = "could not be read"
		case !p.OK:
			verdict = "FALSE"
		}
		lines = append(lines, Line{Said(p.Text, callRunes), Plain(": "), Strong(verdict), Plain(fmt.Sprintf(", read at block %d", p.Block))})
	}
	return clip(lines, changesShown, "postconditions")
}

func opinionLines(v governance.View) (lines []Line) {
	for _, o := range v.Objections {
		line := Line{Plain(o.Member + " objects")}
		if o.Text != "" {
			line = append(line, Plain(": "), Said(o.Text, opinionRunes))
		}
		lines = append(lines, line)
	}
	return clip(lines, changesShown, "objections")
}

func buttons(v governance.View, r Reader) []Button {
	switch {
	case v.ID == "":
		return nil
	case !r.member():
		if r.PageURL == "" {
			return nil
		}
		return []Button{{Label: "Details", URL: r.PageURL}}
	case v.State.Ended():
		if v.State == governance.StateExecuted && v.Undo != nil {
			return []Button{{Label: Cut("Undo: "+v.Undo.Playbook, 34), Action: ActionUndo, Arg: v.ID}}
		}
		return nil
	}
	var row []Button
	if r.SignURL != "" {
		row = append(row, Button{Label: "Review & sign", URL: r.SignURL, Style: StylePrimary})
	}
	return append(row,
		Button{Label: "I'm on it", Action: ActionOnIt, Arg: v.ID},
		Button{Label: "I can't", Action: ActionCant, Arg: v.ID},
		Button{Label: "Object", Action: ActionObject, Arg: v.ID, Style: StyleDanger},
		Button{Label: "Details", Action: ActionDetails, Arg: v.ID},
	)
}

func footer(v governance.View, r Reader) Line {
	if v.ID == "" || !r.member() {
		return nil
	}
	return Line{Plain("The wallet decides, not this chat. Check with /" + r.Names.WithDefaults().Root + " status " + v.ID)}
}

// instant reads a View's time; false for none.
func instant(s string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, s)
	return at, err == nil
}

func instantAt(s *string) (time.Time, bool) {
	if s == nil {
		return time.Time{}, false
	}
	return instant(*s)
}

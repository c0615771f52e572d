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
	whatRunes    = 170 // two labels and two addresses
	effectRunes  = 300

	callsShown   = 4
	dangersShown = 8
	changesShown = 8
	effectsShown = 6
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

// Draw makes a proposal's card from the one View of it: where it stands and who must do what, then what it does, then what is
// compared, in full. Nothing is claimed that the View does not claim, and no fact stands there twice.
func Draw(v governance.View, r Reader) Card {
	c := Card{Header: header(v), Summary: headline(v) + ": " + v.Headline() + ". " + plainTimes(v.Status), Tone: tone(v)}
	add := func(title string, lines ...Line) {
		if len(lines) > 0 {
			c.Sections = append(c.Sections, Section{Title: title, Lines: lines})
		}
	}
	add("", statusLines(v, r)...)
	if v.Collapsed && r.member() {
		return collapsed(c, v, r)
	}
	add("Dangers", dangerLines(v)...)
	add("Proof", proofLines(v)...)
	add("Effect", effectLines(v)...)
	add(callsTitle(v), callLines(v)...)
	c.Sections = append(c.Sections, Section{Title: "Safe", Lines: safeLines(v, r), Keep: true})
	if r.member() {
		add(signersTitle(v), signerLines(v)...)
		add("Said", opinionLines(v)...)
	}
	add("Timelock", timelockLines(v)...)
	add("On chain", transactionLines(v)...)
	c.Buttons = buttons(v, r)
	c.Footer = footer(v, r)
	return c
}

// collapsed is the card of one emergency more than a member should have open without an owner's signature: whoever has stolen a chat
// account must not be able to bury what matters. It is whole on the page and in its details, and grows as soon as an owner signs.
func collapsed(c Card, v governance.View, r Reader) Card {
	c.Sections = append(c.Sections, Section{Lines: []Line{{Plain("Shown small: "), Plain(v.Proposer), Plain(" has several emergencies open that no owner has signed. Details shows it whole.")}}})
	for _, b := range buttons(v, r) {
		if b.URL != "" || b.Action == ActionDetails {
			c.Buttons = append(c.Buttons, b)
		}
	}
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
	case v.Undone:
		word = "⛔ UNDONE"
	case strings.HasPrefix(v.Status, "EXECUTED IN PART"):
		word = "⛔ DONE IN PART"
	}
	if v.State == governance.StateProposed {
		word += fmt.Sprintf(" %d/%d", len(v.Confirmations), v.Threshold)
	}
	return v.ID + " · " + word
}

func header(v governance.View) string {
	h := headline(v) + " · " + v.Headline()
	if v.Safe.Chain != "" {
		h += " (" + v.Safe.Chain + ")"
	}
	return h
}

func tone(v governance.View) Tone {
	if v.Undone {
		return ToneAlarm
	}
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
		lines = append(lines, sentence(v.Status, Strong))
	}
	if !r.member() {
		lines = append(lines, publicLines(v)...)
	}
	if next := nextStep(v, r); next != "" {
		lines = append(lines, append(Line{Strong("Next: ")}, sentence(next, Plain)...))
	}
	for _, n := range v.Notes[:min(len(v.Notes), notesShown)] {
		lines = append(lines, append(Line{Strong("! ")}, sentence(Cut(n, dangerRunes), Plain)...))
	}
	if more := len(v.Notes) - notesShown; more > 0 {
		lines = append(lines, Line{Strong(fmt.Sprintf("! and %d more notes on the page", more))})
	}
	switch {
	case v.Proposer != "" && v.Reason != "":
		lines = append(lines, Line{Plain("Asked by " + strings.Join(append([]string{v.Proposer}, v.Askers...), ", ") + ": "), Said(v.Reason, reasonRunes)})
	case v.Proposer != "":
		lines = append(lines, Line{Plain("Asked by " + v.Proposer)})
	case v.Reason != "":
		lines = append(lines, Line{Plain("Reason: "), Said(v.Reason, reasonRunes)})
	}
	if at, ok := instant(v.ExpiresAt); ok && v.State == governance.StateProposed && v.ID != "" {
		lines = append(lines, Line{Plain("Asks until "), Moment(at)})
	}
	return lines
}

// nextStep says what comes next and whose turn it is.
func nextStep(v governance.View, r Reader) string {
	if !r.member() || v.ID == "" {
		return ""
	}
	root := "/" + r.Names.WithDefaults().Root
	if v.Undone {
		return "someone who may has changed it back: find out who, and ask for it again."
	}
	switch v.State {
	case governance.StateProposed:
		if who := Missing(v); who != "" {
			return who + ": review and sign."
		}
	case governance.StateQueued:
		return "nobody has to do anything until the window opens."
	case governance.StateReady:
		if strings.Contains(v.Status, "Needs") {
			return Missing(v) + ": sign the execution."
		}
	case governance.StateIneffective:
		return "see under Proof what the chain says instead, and propose again or act by hand."
	case governance.StateFailed, governance.StateExpired, governance.StateSuperseded:
		return root + " rebuild " + v.ID + " asks for it again, if it is still wanted."
	case governance.StateApproved:
		if strings.Contains(v.Status, "waiting for the word") {
			return "someone who may propose it says " + root + " execute " + v.ID + "."
		}
	}
	return ""
}

// namesShown is how many people a sentence names.
const namesShown = 6

// Missing says whose signatures can complete the quorum; those who said that they cannot now are named last.
func Missing(v governance.View) string {
	need := v.Threshold - len(v.Confirmations)
	if need <= 0 {
		return ""
	}
	var able, unable, nameless []string
	for _, o := range v.Owners {
		name := v.OwnerNames[o]
		switch {
		case slices.ContainsFunc(v.Confirmations, func(c governance.ConfirmationView) bool { return c.Owner == o }):
		case name == "":
			nameless = append(nameless, "another owner")
		case lastWord(v, name) == "cant":
			unable = append(unable, name)
		default:
			able = append(able, name)
		}
	}
	names := slices.Concat(able, unable, nameless)
	if len(able)+len(unable) == 0 {
		return "the owners of the Safe"
	}
	who := ""
	if len(names) > need {
		who = fmt.Sprintf("%d of ", need)
	}
	if more := len(names) - namesShown; more > 0 {
		names = append(names[:namesShown:namesShown], fmt.Sprintf("%d more", more))
	}
	return who + strings.Join(names, ", ")
}

// publicLines are the protocol's own words to its users. What happened is said only once it is proven.
func publicLines(v governance.View) (lines []Line) {
	if v.Public == nil {
		return nil
	}
	if v.State == governance.StateExecuted && !v.Undone {
		if v.Public.What != "" && !strings.HasPrefix(v.Status, v.Public.What) { // the status line says it where it is proven
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
	if v.State == governance.StateExecuted {
		return nil // over
	}
	mark := func(s string, more ...Span) { lines = append(lines, append(Line{Strong("🔴 " + s)}, more...)) }
	if !v.State.Ended() {
		switch s := v.Simulation; {
		case s == nil:
			mark("NOT SIMULATED: nobody has seen what this does")
		case !s.OK:
			mark("THE SIMULATION REVERTS: ", Said(s.Error, errorRunes))
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

// effectLines say what will change. Once it happened, the proof says it; once it ended, nothing will.
func effectLines(v governance.View) (lines []Line) {
	s := v.Simulation
	if s == nil || !s.OK || v.State.Ended() || v.Execution != nil {
		return nil
	}
	for _, c := range s.Changes[:min(len(s.Changes), changesShown)] {
		lines = append(lines, Line{Said(governance.Untrusted(c.What), whatRunes), Plain(": "),
			Said(governance.Untrusted(c.Before), valueRunes), Plain(" → "), Said(governance.Untrusted(c.After), valueRunes)})
	}
	if more := len(s.Changes) - changesShown; more > 0 {
		lines = append(lines, Line{Plain(fmt.Sprintf("and %d more changes; the page shows all of them", more))})
	}
	if len(s.Changes) == 0 && len(s.Effects) == 0 && len(v.Expect) > 0 && v.Timelock == nil {
		lines = append(lines, Line{Plain("It does not revert; what it changes could not be read")})
	}
	for _, e := range s.Effects[:min(len(s.Effects), effectsShown)] {
		lines = append(lines, Line{Plain("· "), Said(e, effectRunes)})
	}
	if more := len(s.Effects) - effectsShown; more > 0 {
		lines = append(lines, Line{Plain(fmt.Sprintf("and %d more effects; the page shows all of them", more))})
	}
	by := ""
	if s.Provider != "" {
		by = " by " + s.Provider
	}
	simulated := "imulated at block " + strconv.FormatUint(s.Block, 10) + by
	if v.Timelock == nil {
		return append(lines, Line{Plain("S" + simulated)})
	}
	return append(lines, laterLines(v, simulated)...)
}

// laterLines say what a timelocked proposal comes to: only its schedule can be simulated before the window opens.
func laterLines(v governance.View, simulated string) (lines []Line) {
	for _, e := range v.Expect[:min(len(v.Expect), changesShown)] {
		lines = append(lines, Line{Plain("Once executed this must be true: "), Said(e, callRunes)})
	}
	if more := len(v.Expect) - changesShown; more > 0 {
		lines = append(lines, Line{Plain(fmt.Sprintf("and %d more; the page shows all of them", more))})
	}
	if v.State != governance.StateProposed && v.State != governance.StateApproved {
		return lines
	}
	return append(lines, Line{Plain("Signing only schedules it; nothing changes before it is executed. The scheduling was s" + simulated + ", the execution is not simulated")})
}

func callsTitle(v governance.View) string {
	if v.Timelock != nil && v.Execution == nil {
		return "Calls, when executed"
	}
	return "Calls"
}

func callLines(v governance.View) (lines []Line) {
	for i, c := range v.Calls[:min(len(v.Calls), callsShown)] {
		lines = append(lines, Line{Plain(strconv.Itoa(i+1) + ". "), Said(c.Text, callRunes)})
		for _, in := range c.Inner[:min(len(c.Inner), callsShown)] {
			lines = append(lines, Line{Plain("   inside: "), Said(in.Text, callRunes)})
		}
		if more := len(c.Inner) - callsShown; more > 0 {
			lines = append(lines, Line{Strong(fmt.Sprintf("   inside: and %d more; read all of them on the page", more))})
		}
	}
	if more := len(v.Calls) - callsShown; more > 0 {
		lines = append(lines, Line{Strong(fmt.Sprintf("and %d more calls; read all of them on the page", more))})
	}
	return lines
}

func safeLines(v governance.View, r Reader) []Line {
	version := "version " + v.Safe.Version
	switch {
	case v.Safe.VerifiedBy == governance.VerifiedUnread:
		version += " by one provider's word"
	case !v.Safe.Verified:
		version += ", NOT a published release"
	}
	lines := []Line{
		{Plain(v.Safe.Name + " "), Code(v.Safe.Address)},
		{Plain(fmt.Sprintf("%s, chain id %d, %s, nonce %d", v.Safe.Chain, v.Safe.ChainID, version, v.Nonce))},
	}
	if v.SafeTx.Operation != 0 {
		lines = append(lines, Line{Plain("operation 1, DELEGATECALL, to "), Code(v.SafeTx.To)})
	}
	if v.SafeTxHash == "" || v.ID == "" {
		return lines
	}
	if r.member() && signable(v) {
		return append(lines, Line{Plain("safeTxHash, compare it on your device: "), Code(v.SafeTxHash)}, Line{Plain("Aloud: "), Code(v.CheckWords)})
	}
	return append(lines, Line{Plain("safeTxHash "), Code(v.SafeTxHash)})
}

// signable reports whether signatures are asked for now.
func signable(v governance.View) bool {
	return !v.State.Ended() && v.Execution == nil && len(v.Confirmations) < v.Threshold
}

func signersTitle(v governance.View) string {
	return fmt.Sprintf("Signed %d of %d", len(v.Confirmations), v.Threshold)
}

// signerLines list who signed and, while signatures are asked for, who has not, then how far the spares are.
func signerLines(v governance.View) (lines []Line) {
	if v.ID == "" {
		return nil
	}
	signed := map[string]bool{}
	for _, c := range v.Confirmations {
		signed[c.Owner] = true
		lines = append(lines, signerLine("[x] ", c.Owner, v.OwnerNames[c.Owner], kindWords[c.Kind]))
	}
	if signable(v) {
		for _, o := range v.Owners {
			if !signed[o] {
				lines = append(lines, signerLine("[ ] ", o, v.OwnerNames[o], responseWords[lastWord(v, v.OwnerNames[o])]))
			}
		}
	}
	return append(clip(lines, ownersShown, "owners"), spareLines(v)...)
}

// kindWords tell of signatures that are no plain ones.
var kindWords = map[string]string{"eth_sign": ", as a signed message", "eip1271": ", a contract", "approved_hash": ", on chain"}

var responseWords = map[string]string{"onit": ", is on it", "cant": ", cannot now"}

// spareLines tell how far the same pause is signed at further nonces, for the case that another transaction takes its own.
func spareLines(v governance.View) (lines []Line) {
	if v.State.Ended() || v.Execution != nil {
		return nil
	}
	for _, t := range v.SafeTxs {
		if t.Purpose == governance.PurposeSpare && t.SafeTxHash != v.SafeTxHash && (t.State == governance.TxAsking || t.State == governance.TxApproved) {
			lines = append(lines, Line{Plain(fmt.Sprintf("Spare, nonce %d: %d of %d", t.Nonce, len(t.Confirmations), v.Threshold))})
		}
	}
	return lines
}

func signerLine(mark, owner, name, after string) Line {
	if name == "" {
		return Line{Plain(mark), Code(owner), Plain(after)}
	}
	return Line{Plain(mark + name + " "), Code(owner), Plain(after)}
}

// lastWord is what a member last said about signing: onit, cant, or nothing.
func lastWord(v governance.View, member string) string {
	for _, o := range slices.Backward(v.Responders) {
		if member != "" && o.Member == member {
			return o.What
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

// operationWords say where a timelock operation stands.
var operationWords = map[governance.OperationState]string{governance.OperationUnset: "nothing scheduled yet", governance.OperationWaiting: "waiting",
	governance.OperationReady: "window open", governance.OperationDone: "executed", governance.OperationExpired: "window closed", governance.OperationCanceled: "canceled",
	governance.OperationBlocked: "blocked", governance.OperationUnknown: "could not be read"}

func timelockLines(v governance.View) []Line {
	t := v.Timelock
	if t == nil {
		return nil
	}
	lines := []Line{{Plain(t.Name + " "), Code(t.Address), Plain(", " + operationWords[t.State])}}
	if v.State.Ended() || v.Execution != nil {
		return lines
	}
	at, opens := instantAt(t.OpensAt)
	switch {
	case opens && v.State != governance.StateQueued: // while it waits the status line says it
		lines = append(lines, Line{Plain("Open since "), Moment(at)})
	case !opens && t.Delay > 0:
		lines = append(lines, Line{Plain("Can be executed " + delayWords(t.Delay) + " after it is scheduled")})
	}
	if at, ok := instantAt(t.ClosesAt); ok {
		lines = append(lines, Line{Plain("Closes "), Moment(at)})
	}
	return lines
}

// delayWords writes a timelock's delay in its largest whole units.
func delayWords(seconds uint64) string {
	for _, u := range []struct {
		name string
		size uint64
	}{{"day", 86_400}, {"hour", 3600}, {"minute", 60}} {
		if n := seconds / u.size; n > 0 && seconds%u.size == 0 {
			return count(n, u.name)
		}
	}
	return count(seconds, "second")
}

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatUint(n, 10) + " " + what + "s"
}

// roleWords tell what a transaction was for, where it is not the only one.
var roleWords = map[governance.Purpose]string{governance.PurposeSchedule: "schedule ", governance.PurposeExecute: "execution ", governance.PurposeCancel: "veto ", governance.PurposeVoid: "void "}

func transactionLines(v governance.View) (lines []Line) {
	for _, t := range v.Transactions {
		status := map[governance.TransactionStatus]string{governance.TxStatusSubmitted: "sent", governance.TxStatusMined: "mined", governance.TxStatusFinal: "final"}[t.Status]
		if t.Failed {
			status = "FAILED, without effect,"
		}
		if t.Block > 0 {
			status += " in block " + strconv.FormatUint(t.Block, 10)
		}
		line := Line{Plain(upperFirst(roleWords[t.Role]+status) + " "), Code(t.TxHash)}
		if v.Explorer != "" {
			line = append(line, Plain(" "), Link("explorer", strings.TrimSuffix(v.Explorer, "/")+"/tx/"+url.PathEscape(t.TxHash)))
		}
		lines = append(lines, line)
	}
	return clip(lines, ownersShown, "transactions")
}

func proofLines(v governance.View) (lines []Line) {
	for _, p := range v.Postconditions {
		at := fmt.Sprintf(" at block %d", p.Block)
		switch {
		case p.Value == "":
			lines = append(lines, Line{Said(p.Text, callRunes), Plain(": "), Strong("could not be read" + at + ", so nothing is claimed")})
		case !p.OK:
			lines = append(lines, Line{Said(p.Text, callRunes), Plain(": "), Strong("FALSE"), Plain(", it is "), Said(p.Value, valueRunes), Plain(at)})
		default:
			lines = append(lines, Line{Said(p.Text, callRunes), Plain(": "), Strong("true"), Plain(at)})
		}
	}
	return clip(lines, changesShown, "postconditions")
}

// opinionLines tell what members said that the list of signers does not.
func opinionLines(v governance.View) (lines []Line) {
	for _, o := range v.Objections {
		line := Line{Strong(o.Member + " objects")}
		if o.What == "withdraw" {
			line = Line{Strong(o.Member + " asks to withdraw it")}
		} else if o.Text != "" {
			line = append(line, Plain(": "), Said(o.Text, opinionRunes))
		}
		lines = append(lines, line)
	}
	if signable(v) {
		lines = append(lines, helperLines(v)...)
	}
	return clip(lines, changesShown, "remarks")
}

// helperLines name the members who are no owners and said that they are on it.
func helperLines(v governance.View) (lines []Line) {
	told := map[string]bool{}
	for _, name := range v.OwnerNames {
		told[name] = true
	}
	for _, o := range slices.Backward(v.Responders) {
		if !told[o.Member] && o.What == "onit" {
			lines = append(lines, Line{Plain(o.Member + " is on it")})
		}
		told[o.Member] = true
	}
	return lines
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
	line := Line{Plain("The wallet decides, not this chat. Check with /" + r.Names.WithDefaults().Root + " status " + v.ID)}
	if vouched := v.Manifest.Line(); vouched != "" {
		line = append(line, Plain(". "+vouched))
	}
	return line
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

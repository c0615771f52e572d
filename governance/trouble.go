package governance

import (
	"fmt"
	"slices"
	"strings"
)

// How the problem of a submission begins that is no trouble of the relayer. Whoever reads it is told something else to do.
const (
	HeldProblem   = "held back: "       // people, or the playbook, do not want it sent now
	RevertProblem = "it would revert: " // whoever sends it now pays for nothing
)

// troubled are the submissions that do not get on. Those that are over have told their story elsewhere.
func (l look) troubled() []Submission {
	if l.p.State.Ended() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.f.Submissions), func(s Submission) bool {
		return s.Problem == "" || s.State == SubmissionFinal || s.State == SubmissionMoot
	})
}

// held reports whether a submission says already why it is held back.
func (l look) held() bool { return l.hits(HeldProblem) }

// reverts reports whether what is to be sent would revert.
func (l look) reverts() bool { return l.hits(RevertProblem) }

func (l look) hits(kind string) bool {
	return slices.ContainsFunc(l.troubled(), func(s Submission) bool { return strings.HasPrefix(s.Problem, kind) })
}

// stuck reports whether the relayer cannot go on with what any wallet can send.
func (l look) stuck() bool {
	return len(l.troubled()) > 0 && !l.held() && !l.reverts()
}

// unsent says, on top of everything, that what could be sent is not being sent; "" where nothing stands in its way. Why, the notes
// tell those who may know.
func (l look) unsent() string {
	switch held := l.held() || l.p.HeldBack(l.f.Members) != ""; {
	case held && l.open:
		return "held back"
	case held:
		return "not sent yet"
	case l.reverts():
		return "NOT SENT: it would revert"
	case l.stuck():
		return "NOT SENT"
	}
	return ""
}

// trouble tells a problem to members with the next step, and to the public without our reasons. "" means that it is not told.
func (l look) trouble(problem string) string {
	reason, held := strings.CutPrefix(problem, HeldProblem)
	why, reverts := strings.CutPrefix(problem, RevertProblem)
	switch {
	case held && l.open:
		return fmt.Sprintf("HELD BACK: %s. Belay does not send it now; whoever must can send it from a wallet: %s.", reason, l.byWallet())
	case held:
		return ""
	case !l.open:
		return "The relayer cannot go on."
	case reverts:
		return fmt.Sprintf("It would revert now, whoever sends it: %s. Spend no gas on it from a wallet; Belay tries again.", why)
	}
	return fmt.Sprintf("The relayer cannot go on: %s. Any wallet can send it: %s.", problem, l.byWallet())
}

// byWallet names the two ways past the relayer; it is read in chat, in a terminal and on the signing page itself.
func (l look) byWallet() string {
	return fmt.Sprintf("\"Send it from my wallet\" on the signing page, or belay execute %s --print", l.p.ID)
}

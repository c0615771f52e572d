package governance

import "fmt"

// PlaybookSpec is a playbook as it was written: plain text, nothing resolved. CompilePlaybook makes a Playbook of it.
type PlaybookSpec struct {
	Name, Title, Kind, Safe, Via string
	Params                       []ParamSpec // in the order written
	Require                      []string
	Reads                        []ReadSpec
	Calls                        []CallSpec
	Expect                       []ExpectSpec
	Policy                       PolicySpec
	Undo                         string
	Public                       PublicSpec
}

// ParamSpec is one parameter as written. Empty text means "not given".
type ParamSpec struct {
	Name, Type, Decimals, Min, Max, Sample, Default string
	MaxChange                                       *ChangeSpec  // nil: no limit
	Choices                                         []ChoiceSpec // in the order written
	Required                                        bool
}

// ChangeSpec limits how far a parameter may be from a reading: by "10%" of what is read, or by an absolute "500" in the
// parameter's own notation. It reads {read: NAME, by: 10%} in a file.
type ChangeSpec struct{ Read, By string }

// ChoiceSpec is one allowed value under a name.
type ChoiceSpec struct{ Name, Value string }

// ReadSpec is one named read.
type ReadSpec struct {
	Name string
	Call CallSpec
	Pick string // output name or index
	Bits []int  // [lo, hi], inclusive bit positions
}

// CallSpec is a call as written. Args are strings, []any and map[string]any with strings at the leaves.
type CallSpec struct {
	To, Function, Value, SkipIf string
	Args                        []any
}

// ExpectSpec is a postcondition as written.
type ExpectSpec struct {
	Call   CallSpec
	Pick   string
	Bits   []int
	Equals any
}

// PolicySpec is a policy as written. Empty text takes the default of the kind.
type PolicySpec struct {
	Propose                                []string
	Expires, Cooldown, Visibility, Execute string // Execute: at_quorum | manual | "after: 10m"
	Spares                                 string
	Approve                                []string `json:",omitempty"` // left out of the hash of playbooks that ask for none
}

// PublicSpec is the community's text as written.
type PublicSpec struct{ What, UsersCan, NextUpdate string }

// PauseSpec is one call that pauses may make, as written. An argument is "*" for any value, or the one value allowed.
type PauseSpec struct {
	To, Function string
	Args         []any
}

// SpecError says what is wrong in a playbook and where: Path leads to the value ("calls[0].args[1]"). Playbook is "" for the pause list.
type SpecError struct {
	Playbook string
	Path     string
	Problem  string
	Hint     string
}

func (e *SpecError) Error() string {
	s := fmt.Sprintf("%s: %s", e.Path, e.Problem)
	if e.Playbook != "" {
		s = "playbook " + e.Playbook + ": " + s
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

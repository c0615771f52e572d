package bot

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"belay/governance"
	"belay/governance/coordinator"
)

// Form asks the one person who typed a command for what it lacks. It is made from memory, so that it opens before anything
// slow, and it holds no power: what comes back is read like something typed, and its sender is authorised anew.
type Form struct {
	Verb   Verb
	Title  string // what would be done, one line
	About  string // one sentence: what happens when it is sent
	Submit string // the label of the button that sends it, at most 24 characters
	Given  string // what the command said already, as text that Words reads back: it travels with the form
	Fields []Field
}

// Field is one question of a form.
type Field struct {
	Name     string // the key of the answer: a parameter, "playbook" or "reason"
	Label    string
	Hint     string
	Value    string   // what stands in it at first
	Choices  []Choice // pick one of them; none: type text
	Required bool
	Long     bool // room for sentences
}

// Choice is one answer that can be picked.
type Choice struct{ Value, Label string }

// The fields that are no parameters.
const (
	FieldPlaybook = "playbook"
	FieldReason   = "reason"
)

// MaxReason is how long a reason can be in a form, in characters: the least that a platform takes there.
const MaxReason = 3000

// Ask makes the form for a pause or a proposal that lacks something; false where nothing is missing, and where a form would
// not help because what was typed is wrong in another way.
func Ask(gate Gate, c Command) (Form, bool) {
	if c.Verb != VerbPause && c.Verb != VerbPropose {
		return Form{}, false
	}
	books := gate.Playbooks()
	if _, _, err := choosePlaybook(c, books); err != nil {
		return askPlaybook(gate, c, candidates(c, books))
	}
	r, err := placed(c, books)
	if err != nil {
		return Form{}, false
	}
	return askParams(gate, r.Request)
}

// candidates are the playbooks that could take every word of a command that names none.
func candidates(c Command, books []coordinator.PlaybookInfo) (fits []coordinator.PlaybookInfo) {
	for _, b := range offers(c.Verb, books) {
		if _, err := placed(named(c, b.Name), books); err == nil {
			fits = append(fits, b)
		}
	}
	return fits
}

// named is the command with its playbook in front.
func named(c Command, playbook string) Command {
	return Command{Verb: c.Verb, Words: append([]Word{{Value: playbook}}, c.Words...)}
}

// askPlaybook asks which playbook is meant. Where only one can be, it asks for that one's parameters at once; one that lacks
// nothing is shown all the same, since nobody has named it yet.
func askPlaybook(gate Gate, c Command, fits []coordinator.PlaybookInfo) (Form, bool) {
	if len(fits) == 1 {
		if f, more := Ask(gate, named(c, fits[0].Name)); more {
			return f, true
		}
	}
	if len(fits) == 0 {
		return Form{}, false
	}
	field := Field{Name: FieldPlaybook, Label: "What shall be paused?", Required: true}
	form := Form{Verb: c.Verb, Title: "Pause", About: "If nothing else is missing, the signers are asked as soon as you send this.", Submit: "Next", Given: c.text()}
	if c.Verb == VerbPropose {
		field.Label = "What do you propose?"
		form.Title, form.About = "Propose", "You see a preview before anyone is asked."
	}
	for _, b := range fits {
		field.Choices = append(field.Choices, Choice{b.Name, b.Title + " (" + b.Name + ")"})
	}
	form.Fields = []Field{field}
	return form, true
}

// askParams asks for the parameters that are missing, and again for those that cannot be taken as they are.
func askParams(gate Gate, r Request) (Form, bool) {
	wrong := gate.Judge(r.Playbook.Name, r.Params)
	form := Form{Verb: r.Verb, Title: r.Playbook.Title, About: "Sending this asks the signers at once.", Submit: "Ask the signers"}
	if r.Verb == VerbPropose {
		form.About, form.Submit = "You see a preview first; nothing is proposed yet.", "Preview"
	}
	missing := r.lacksReason()
	kept := map[string]string{}
	for _, p := range r.Playbook.Params {
		switch {
		case r.lacks(p), wrong[p.Name] != nil:
			missing = missing || r.lacks(p)
			form.Fields = append(form.Fields, field(p, r.Params[p.Name]))
		case r.Params[p.Name] != "":
			kept[p.Name] = r.Params[p.Name]
		}
	}
	if !missing {
		return Form{}, false
	}
	if r.Reason == "" {
		form.Fields = append(form.Fields, Field{Name: FieldReason, Label: "Why?", Hint: "Stays in the war room.", Required: r.lacksReason(), Long: true})
	}
	r.Params = kept
	form.Given = r.String()
	return form, true
}

// field asks for one parameter: a choice where there are some, text otherwise.
func field(p coordinator.ParamInfo, typed string) Field {
	f := Field{Name: p.Name, Label: p.Name, Value: typed, Required: p.Required}
	choices := p.Choices
	if p.Type == "bool" && len(choices) == 0 {
		choices = []string{"true", "false"}
	}
	for _, c := range choices {
		f.Choices = append(f.Choices, Choice{c, c})
	}
	if len(choices) == 0 {
		f.Hint = upperFirst(takes(p)) + "."
	}
	return f
}

// Filled is the command that a sent form comes to.
func Filled(v Verb, given string, answers []Word) Command {
	c := Command{Verb: v, Words: Words(given)}
	for _, a := range answers {
		if a.Value = strings.TrimSpace(a.Value); a.Value != "" {
			a.Quoted = true
			c.Words = append(c.Words, a)
		}
	}
	return c
}

// Review looks at what a sent form comes to, from memory. It gives the next form where there is more to ask, or what is wrong,
// a sentence a field; neither means that the command can be recorded. What none of the fields can mend stands under the first.
func Review(gate Gate, c Command, fields []string) (next *Form, wrong map[string]string) {
	if form, more := Ask(gate, c); more {
		return &form, nil
	}
	first := fields[0]
	r, err := Resolve(c, gate.Playbooks())
	if refusal, ok := asRefusal(err); ok {
		return nil, map[string]string{first: beside(refusal)}
	}
	wrong = map[string]string{}
	for name, refusal := range gate.Judge(r.Playbook.Name, r.Params) {
		if !slices.Contains(fields, name) {
			name = first
		}
		wrong[name] = beside(refusal)
	}
	return nil, wrong
}

// beside is a refusal under a field: what is wrong, and what would be right.
func beside(r *governance.Refusal) string {
	text := r.Detail
	if r.Hint != "" {
		text = strings.TrimSuffix(text, ".") + ". " + upperFirst(r.Hint)
	}
	return Cut(CleanText(strings.TrimSuffix(text, ".")+"."), errorRunes)
}

// upperFirst lets a sentence begin as one.
func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

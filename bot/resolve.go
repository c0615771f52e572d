package bot

import (
	"fmt"
	"slices"
	"strings"

	"belay/governance"
	"belay/governance/coordinator"
)

// Request is a pause or a proposal in full: every key and choice as the playbook spells it.
type Request struct {
	Verb     Verb
	Playbook coordinator.PlaybookInfo
	Params   map[string]string
	Reason   string
	Force    bool
}

// String writes the request as text that Parse and Resolve read back. It travels in buttons.
func (r Request) String() string {
	parts := []string{r.Playbook.Name}
	for _, p := range r.Playbook.Params {
		if v, given := r.Params[p.Name]; given {
			parts = append(parts, p.Name+"="+quoteIfNeeded(v))
		}
	}
	if r.Reason != "" {
		parts = append(parts, "reason="+quote(r.Reason))
	}
	if r.Force {
		parts = append(parts, "force=yes")
	}
	return strings.Join(parts, " ")
}

func quoteIfNeeded(v string) string {
	if words := Words(v); len(words) == 1 && words[0] == (Word{Value: v}) {
		return v
	}
	return quote(v)
}

// Resolve finds the playbook and gives every word its place. What cannot be placed is a *governance.Refusal that says
// what would be right; everything that is missing is listed at once.
func Resolve(c Command, playbooks []coordinator.PlaybookInfo) (Request, error) {
	r, err := placed(c, playbooks)
	if err != nil {
		return Request{}, err
	}
	return r.Request, r.complete()
}

// placed gives every word its place; what is missing is not looked for.
func placed(c Command, playbooks []coordinator.PlaybookInfo) (*resolver, error) {
	playbook, words, err := choosePlaybook(c, playbooks)
	if err != nil {
		return nil, err
	}
	if c.Verb == VerbPause && playbook.Kind != governance.KindPause {
		return nil, governance.Refuse(governance.CodeNotPermitted, "use propose "+playbook.Name,
			"%s is of kind %s; pause takes only playbooks of kind pause", playbook.Name, playbook.Kind)
	}
	r := &resolver{Request: Request{Verb: c.Verb, Playbook: playbook, Params: map[string]string{}}}
	for _, place := range []func(Word) error{r.placeKeyed, r.placeBare} {
		for _, w := range words {
			if err := place(w); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// choosePlaybook takes the playbook's name off the words. A pause may leave it out where its values fit one playbook only.
func choosePlaybook(c Command, playbooks []coordinator.PlaybookInfo) (coordinator.PlaybookInfo, []Word, error) {
	for i, w := range c.Words {
		if w.Key != "playbook" && (w.Key != "" || i > 0) {
			continue
		}
		for _, p := range playbooks {
			if strings.EqualFold(p.Name, w.Value) {
				return p, slices.Delete(slices.Clone(c.Words), i, i+1), nil
			}
		}
	}
	offered := offers(c.Verb, playbooks)
	if c.Verb == VerbPause {
		if fits := fitting(offered, c.Words); len(fits) == 1 {
			return fits[0], c.Words, nil
		}
	}
	return coordinator.PlaybookInfo{}, nil, unknownPlaybook(c, offered)
}

// offers lists the playbooks that a verb takes.
func offers(v Verb, playbooks []coordinator.PlaybookInfo) []coordinator.PlaybookInfo {
	if v != VerbPause {
		return playbooks
	}
	return slices.DeleteFunc(slices.Clone(playbooks), func(p coordinator.PlaybookInfo) bool { return p.Kind != governance.KindPause })
}

// fitting keeps the playbooks that have a choice for every bare word, of which there must be one.
func fitting(playbooks []coordinator.PlaybookInfo, words []Word) (fits []coordinator.PlaybookInfo) {
	var bare []string
	for _, w := range words {
		if w.Key == "" && !w.Quoted && !strings.EqualFold(w.Value, "force") {
			bare = append(bare, w.Value)
		}
	}
	for _, p := range playbooks {
		has := func(v string) bool {
			return slices.ContainsFunc(p.Params, func(q coordinator.ParamInfo) bool { return choice(q, v) != "" })
		}
		if len(bare) > 0 && !slices.ContainsFunc(bare, func(v string) bool { return !has(v) }) {
			fits = append(fits, p)
		}
	}
	return fits
}

func unknownPlaybook(c Command, offered []coordinator.PlaybookInfo) error {
	names := make([]string, 0, len(offered))
	for _, p := range offered {
		names = append(names, p.Name)
	}
	hint := "playbooks: " + strings.Join(names, ", ")
	if len(names) == 0 {
		hint = "no playbook of this kind is configured"
	}
	for _, w := range c.Words {
		if w.Key == "" || w.Key == "playbook" {
			return governance.Refuse(governance.CodeUnknownPlaybook, hint, "there is no playbook %q.%s", w.Value, didYouMean(w.Value, names))
		}
	}
	return governance.Refuse(governance.CodeUnknownPlaybook, hint, "say which playbook")
}

type resolver struct{ Request }

func (r *resolver) placeKeyed(w Word) error {
	if w.Key == "" {
		return nil
	}
	if p := r.param(w.Key); p != nil {
		return r.set(*p, w.Value)
	}
	switch w.Key {
	case "reason":
		return r.because(w.Value)
	case "force":
		r.Force = slices.Contains([]string{"yes", "true", "1", "force"}, strings.ToLower(w.Value))
		return nil
	}
	known := r.keys()
	return governance.Refuse(governance.CodeUnknownParam, r.Playbook.Name+" takes "+strings.Join(known, ", "),
		"%s has no parameter %q.%s", r.Playbook.Name, w.Key, didYouMean(w.Key, known))
}

const noSuchChoice = "There is no such choice"

func (r *resolver) placeBare(w Word) error {
	if w.Key != "" {
		return nil
	}
	owners := r.choiceOwners(w.Value)
	switch {
	case len(owners) == 1:
		return r.set(owners[0], w.Value)
	case len(owners) > 1:
		return governance.Refuse(governance.CodeBadValue, "say "+owners[0].Name+"="+w.Value+" or "+owners[1].Name+"="+w.Value,
			"%q could be %s or %s", w.Value, owners[0].Name, owners[1].Name)
	case w.Quoted:
		return r.because(w.Value)
	case strings.EqualFold(w.Value, "force"):
		r.Force = true
		return nil
	}
	return governance.Refuse(governance.CodeBadValue, "write parameters as key=value, and the reason in quotes",
		"%q is no choice of %s.%s", w.Value, r.Playbook.Name, didYouMean(w.Value, r.allChoices())).Headed(noSuchChoice)
}

func (r *resolver) set(p coordinator.ParamInfo, value string) error {
	if _, given := r.Params[p.Name]; given {
		return governance.Refuse(governance.CodeBadValue, "give "+p.Name+" once", "%s is given twice", p.Name)
	}
	if c := choice(p, value); c != "" {
		value = c
	} else if len(p.Choices) > 0 && !strings.HasPrefix(strings.ToLower(value), "0x") {
		return governance.Refuse(governance.CodeBadValue, "One of "+strings.Join(p.Choices, ", "),
			"%q is no %s.%s", value, p.Name, didYouMean(value, p.Choices)).Headed(noSuchChoice)
	}
	r.Params[p.Name] = value
	return nil
}

func (r *resolver) because(reason string) error {
	if r.Reason != "" {
		return governance.Refuse(governance.CodeBadValue, "put the whole reason into one pair of quotes", "two reasons are given")
	}
	r.Reason = strings.TrimSpace(reason)
	return nil
}

// complete lists everything that is missing, in one refusal.
func (r *resolver) complete() error {
	var missing []string
	for _, p := range r.Playbook.Params {
		if r.lacks(p) {
			missing = append(missing, Describe(p))
		}
	}
	if r.lacksReason() {
		missing = append(missing, `reason (in quotes)`)
	}
	if len(missing) == 0 {
		return nil
	}
	return governance.Refuse(governance.CodeMissingParam, "For example: `"+r.example()+"`", "missing: %s", strings.Join(missing, "; "))
}

// lacks reports a parameter that is needed and was not given.
func (r Request) lacks(p coordinator.ParamInfo) bool { return p.Required && r.Params[p.Name] == "" }

// lacksReason reports that a reason is needed and was not given: only a pause goes without.
func (r Request) lacksReason() bool {
	return r.Reason == "" && r.Playbook.Kind != governance.KindPause
}

// example is the request with everything missing filled in by samples.
func (r *resolver) example() string {
	full := r.Request
	full.Params = map[string]string{}
	for _, p := range r.Playbook.Params {
		v := r.Params[p.Name]
		if v == "" && p.Required {
			v = sample(p)
		}
		if v != "" {
			full.Params[p.Name] = v
		}
	}
	if r.lacksReason() {
		full.Reason = "why"
	}
	return full.String()
}

func sample(p coordinator.ParamInfo) string {
	switch {
	case p.Sample != "":
		return p.Sample
	case len(p.Choices) > 0:
		return p.Choices[0]
	}
	return "…"
}

// Describe says what a parameter takes: "asset (usdc, WETH)", "ltv (a number, 0 to 8000, such as 7500)".
func Describe(p coordinator.ParamInfo) string { return p.Name + " (" + takes(p) + ")" }

// choicesListed is how many choices a sentence names.
const choicesListed = 12

func takes(p coordinator.ParamInfo) string {
	if n := len(p.Choices); n > 0 {
		text := strings.Join(p.Choices[:min(n, choicesListed)], ", ")
		if n > choicesListed {
			text += fmt.Sprintf(" and %d more", n-choicesListed)
		}
		return text
	}
	text := governance.TypeWords(p.Type)
	switch {
	case p.Min != "" && p.Max != "":
		text += ", " + p.Min + " to " + p.Max
	case p.Min != "":
		text += ", at least " + p.Min
	case p.Max != "":
		text += ", at most " + p.Max
	}
	if p.Sample != "" {
		text += ", such as " + p.Sample
	}
	return text
}

// param finds a parameter by its key in any case.
func (r *resolver) param(key string) *coordinator.ParamInfo {
	for i := range r.Playbook.Params {
		if strings.EqualFold(r.Playbook.Params[i].Name, key) {
			return &r.Playbook.Params[i]
		}
	}
	return nil
}

// choiceOwners lists the parameters, not given yet, that have this choice.
func (r *resolver) choiceOwners(value string) (owners []coordinator.ParamInfo) {
	for _, p := range r.Playbook.Params {
		if _, given := r.Params[p.Name]; !given && choice(p, value) != "" {
			owners = append(owners, p)
		}
	}
	return owners
}

func (r *resolver) allChoices() (all []string) {
	for _, p := range r.Playbook.Params {
		all = append(all, p.Choices...)
	}
	return all
}

func (r *resolver) keys() []string {
	keys := make([]string, 0, len(r.Playbook.Params)+1)
	for _, p := range r.Playbook.Params {
		keys = append(keys, p.Name)
	}
	return append(keys, "reason")
}

// choice gives a parameter's choice as it is spelled, "" if it has none like it.
func choice(p coordinator.ParamInfo, value string) string {
	for _, c := range p.Choices {
		if strings.EqualFold(c, value) {
			return c
		}
	}
	return ""
}

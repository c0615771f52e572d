package standin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"time"
)

// defaultTriggerLife is how long a trigger opens a form.
const defaultTriggerLife = 3 * time.Second

// maxView is the size at which Slack refuses a form, in bytes.
const maxView = 250_000

// trigger lets an app open one form for the person who did something.
type trigger struct {
	user  string
	until time.Time
	used  bool
}

// View is a form that stands open before a person.
type View struct {
	ID         string
	Hash       string // changes with every update
	User       string
	CallbackID string
	Metadata   string
	Title      string
	Inputs     []Input
	Raw        json.RawMessage
}

// Input is one question of a form.
type Input struct {
	BlockID, ActionID string
	Kind              string // plain_text_input | static_select
	Label, Hint       string
	Value             string   // what stands in it at first
	Options           []string // values that can be picked
	Optional          bool
	MaxLength         int
}

// newTrigger makes a trigger for what a person did. The caller holds mu.
func (w *Workspace) newTrigger(user string) string {
	id := "13345224609.738474920." + rand.Text()
	life := w.o.TriggerLife
	if life == 0 {
		life = defaultTriggerLife
	}
	w.triggers[id] = &trigger{user: user, until: time.Now().Add(life)}
	return id
}

var triggerShape = regexp.MustCompile(`^\d+\.\d+\.[0-9A-Za-z]+$`)

// openView is views.open: a trigger is exchanged once, within its life, for a form that keeps all caps. The caller holds mu.
func (w *Workspace) openView(args fields, refuse func(string) map[string]any) map[string]any {
	t := w.triggers[args["trigger_id"]]
	switch {
	case w.o.Formless:
		return refuse("access_denied")
	case args["view"] == "":
		return refuse("invalid_arguments")
	case !triggerShape.MatchString(args["trigger_id"]), t == nil:
		return refuse("invalid_trigger_id")
	case t.used:
		return refuse("exchanged_trigger_id")
	case time.Now().After(t.until):
		return refuse("expired_trigger_id")
	case len(args["view"]) > maxView:
		return refuse("view_too_large")
	}
	v, err := w.judgeView([]byte(args["view"]))
	if err != nil {
		answer := refuse("invalid_arguments")
		answer["response_metadata"] = map[string]any{"messages": []string{"[ERROR] " + err.Error()}}
		return answer
	}
	t.used = true
	v.ID, v.User = "V"+rand.Text(), t.user
	w.views = append(w.views, v)
	w.note()
	return map[string]any{"ok": true, "view": w.viewObject(v, nil)}
}

// judgeView checks a form by the caps and by the schema. The caller holds mu.
func (w *Workspace) judgeView(raw []byte) (*View, error) {
	v, err := CheckView(raw)
	if err == nil && w.o.View != nil {
		err = w.o.View(raw)
	}
	if err != nil {
		w.problems = append(w.problems, "view: "+err.Error())
		w.note()
		return nil, err
	}
	v.Hash = "1." + rand.Text()
	return v, nil
}

// Views gives the forms that stand open before a person.
func (w *Workspace) Views(user string) (open []View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.views {
		if v.User == user {
			open = append(open, *v)
		}
	}
	return open
}

// Submit fills a form in, by block id, and sends it, as Slack's client would: what is required is filled in, what is picked
// is on offer. It gives what the app says under the fields; a form without such words closes or becomes another one.
func (w *Workspace) Submit(ctx context.Context, v View, answers map[string]string) (problems map[string]string, err error) {
	for _, in := range v.Inputs {
		if err := in.takes(answers[in.BlockID]); err != nil {
			return nil, fmt.Errorf("Slack does not send it: %s: %w", in.BlockID, err) //nolint:staticcheck // a name
		}
	}
	return w.SubmitAs(ctx, v.User, v, answers)
}

// SubmitAs sends a form in somebody's name, filled in at will, as an attacker could.
func (w *Workspace) SubmitAs(ctx context.Context, user string, v View, answers map[string]string) (problems map[string]string, err error) {
	w.mu.Lock()
	payload := map[string]any{
		"type": "view_submission", "api_app_id": "A0BELAY", "token": "legacy-do-not-use", "trigger_id": w.newTrigger(user), "response_urls": []any{}, "is_enterprise_install": false, "enterprise": nil,
		"team": map[string]any{"id": w.o.Team, "domain": "standin"}, "user": map[string]any{"id": user, "team_id": w.o.Team, "username": "ignored", "name": "ignored"},
		"view": w.viewObject(&v, answers),
	}
	w.mu.Unlock()
	raw, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode form: %w", err)
	}
	body, err := w.send(ctx, "/slack/interactions", "interactive", url.Values{"payload": {string(raw)}})
	if err != nil {
		return nil, err
	}
	return w.answered(v, body)
}

// answered does what the app answers to a sent form.
func (w *Workspace) answered(v View, body []byte) (map[string]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var a struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, fmt.Errorf("the answer to a form: %w", err)
		}
	}
	i := slices.IndexFunc(w.views, func(o *View) bool { return o.ID == v.ID })
	switch {
	case i < 0:
		return nil, errors.New("the form is not open")
	case a.Action == "errors":
		return a.Errors, w.judgeErrors(v, a.Errors)
	case a.Action == "update":
		next, err := w.judgeView(a.View)
		if err != nil {
			return nil, err
		}
		next.ID, next.User = v.ID, v.User
		w.views[i] = next
	case a.Action == "clear", len(body) == 0:
		w.views = slices.Delete(w.views, i, i+1)
	default:
		return nil, fmt.Errorf("a form is not answered with %s", body)
	}
	w.note()
	return nil, nil
}

// judgeErrors refuses words under fields that are not there: Slack then shows a failure of the app. The caller holds mu.
func (w *Workspace) judgeErrors(v View, all map[string]string) error {
	for block, text := range all {
		if text == "" || !slices.ContainsFunc(v.Inputs, func(in Input) bool { return in.BlockID == block }) {
			w.problems = append(w.problems, "form: an error without words or for no field: "+block)
			w.note()
			return errors.New("we had some trouble connecting")
		}
	}
	if len(all) == 0 {
		return errors.New("we had some trouble connecting")
	}
	return nil
}

// takes reports whether Slack's client lets a value pass.
func (in Input) takes(value string) error {
	switch {
	case value == "" && !in.Optional:
		return errors.New("please complete this required field")
	case value != "" && in.Kind == "static_select" && !slices.Contains(in.Options, value):
		return fmt.Errorf("%q is not on offer", value)
	case in.MaxLength > 0 && length(value) > in.MaxLength:
		return fmt.Errorf("%d characters, at most %d", length(value), in.MaxLength)
	}
	return nil
}

// viewObject is a form as Slack gives it, with the state of its fields.
func (w *Workspace) viewObject(v *View, answers map[string]string) map[string]any {
	object := map[string]any{}
	_ = json.Unmarshal(v.Raw, &object) // it was read before
	values := map[string]any{}
	for _, in := range v.Inputs {
		field := map[string]any{"type": in.Kind}
		value, given := answers[in.BlockID]
		switch {
		case in.Kind == "static_select" && value != "":
			field["selected_option"] = map[string]any{"value": value, "text": map[string]any{"type": "plain_text", "text": value}}
		case in.Kind == "static_select":
			field["selected_option"] = nil
		case given && value != "":
			field["value"] = value
		default:
			field["value"] = nil
		}
		values[in.BlockID] = map[string]any{in.ActionID: field}
	}
	maps.Copy(object, map[string]any{"id": v.ID, "hash": v.Hash, "team_id": w.o.Team, "app_id": "A0BELAY", "bot_id": "B0BELAY", "root_view_id": v.ID,
		"previous_view_id": nil, "state": map[string]any{"values": values}, "external_id": "", "clear_on_close": false, "notify_on_close": false})
	return object
}

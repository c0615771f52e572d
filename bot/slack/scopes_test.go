package slack

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/internal/testdesk"
	"belay/bot/slack/standin"
	"belay/governance"
)

// manifestScopes are the bot's scopes in the example that operators copy.
func manifestScopes(t *testing.T) (scopes []string) {
	t.Helper()
	raw, err := os.ReadFile("../../configs/example/slack-manifest.yaml")
	must(t, err)
	_, part, found := strings.Cut(string(raw), "    bot:\n")
	part, _, ended := strings.Cut(part, "settings:")
	if !found || !ended {
		t.Fatal("the manifest has no bot scopes")
	}
	for _, m := range regexp.MustCompile(`(?m)^ +- (\S+)`).FindAllStringSubmatch(part, -1) {
		scopes = append(scopes, m[1])
	}
	return scopes
}

// everything uses all that the adapter asks of Slack, in a public and in a private channel.
func everything(t *testing.T, scopes []string) error {
	t.Helper()
	r := newRigIn(t, ModeHTTP, standin.Options{Scopes: scopes, Private: []string{warRoom}}, func(c *Config) { c.Groups = []string{"S1"} })
	r.desk.Put(testdesk.Sample())
	errs := []error{r.us.Check(t.Context()), r.deliver("P-12", 1), r.us.Edit(t.Context(), warRoom, first(r), bot.Answer("x"))}
	for _, channel := range []string{warRoom, public} {
		_, err := r.us.Find(t.Context(), channel, "op")
		errs = append(errs, err)
	}
	if _, err := r.slack.Slash(t.Context(), alice, warRoom, "/pause", "pause-reserve"); err != nil {
		errs = append(errs, err)
	} else {
		patient, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		errs = append(errs, r.slack.Await(patient, func() bool { return len(r.slack.Views(alice)) == 1 }))
	}
	in, err := r.us.Decode(t.Context(), governance.InboxEntry{Platform: Name, Kind: kindCommand, ReceivedAt: time.Now(), Body: []byte("team_id=" + team + "&user_id=" + alice + "&command=/belay&text=help")})
	if errs = append(errs, err); len(in.Actor.Groups) != 1 {
		errs = append(errs, errors.New("no groups"))
	}
	return errors.Join(errs...)
}

// first is the message in the war room.
func first(r *rig) string {
	if m := r.slack.Messages(warRoom); len(m) > 0 {
		return m[0].TS
	}
	return ""
}

func TestTheManifestHasExactlyTheScopesThatAreUsed(t *testing.T) {
	scopes := manifestScopes(t)
	if err := everything(t, scopes); err != nil {
		t.Fatalf("with %v: %v", scopes, err)
	}
	for i, scope := range scopes {
		if everything(t, slices.Delete(slices.Clone(scopes), i, i+1)) == nil {
			t.Errorf("%s is in the manifest and nothing needs it", scope)
		}
	}
}

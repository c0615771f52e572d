package discord

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"belay/bot/internal/testdesk"
	"belay/governance"
)

// everything uses all that the adapter asks of its channels: a card with an embed, and a thread under it.
func everything(t *testing.T, permissions uint64) error {
	t.Helper()
	r := newRigIn(t, ModeHTTP, permissions)
	v := testdesk.Sample()
	v.Events = []governance.EventView{{Seq: 4, At: "2026-11-20T13:00:00Z", Type: governance.EventConfirmed, By: "alice", Ours: "signed"}}
	r.desk.Put(v)
	if err := r.deliver("P-12", 1); err != nil {
		return err
	}
	if told := r.discord.Messages(r.discord.Messages(warRoom)[0].ID); len(told) != 1 {
		return fmt.Errorf("%d messages in the thread", len(told))
	}
	return nil
}

func TestTheBotAsksForExactlyThePermissionsThatItUses(t *testing.T) {
	if err := everything(t, Permissions); err != nil {
		t.Fatal(err)
	}
	for bit := range 64 {
		if one := uint64(1) << bit; Permissions&one != 0 && everything(t, Permissions&^one) == nil {
			t.Errorf("permission 1<<%d is asked for and nothing needs it", bit)
		}
	}
	raw, err := os.ReadFile("../../configs/example/belay.yaml")
	must(t, err)
	if want := fmt.Sprintf("permissions=%d\n", Permissions); !strings.Contains(string(raw), want) {
		t.Errorf("the example configuration's invitation is not %s", want)
	}
}

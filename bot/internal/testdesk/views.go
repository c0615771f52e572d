package testdesk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belay/governance"
)

// Views are the domain's golden views, one of each state for each room, by names such as "queued.public". They are looked
// for from the package that is tested upwards.
func Views(t *testing.T) map[string]governance.View {
	t.Helper()
	views := map[string]governance.View{}
	for dir := ".."; len(views) == 0 && len(dir) < 30; dir = filepath.Join("..", dir) {
		files, err := filepath.Glob(filepath.Join(dir, "governance", "testdata", "views", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file) //nolint:gosec // ours
			if err != nil {
				t.Fatal(err)
			}
			var v governance.View
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			views[strings.TrimSuffix(filepath.Base(file), ".json")] = v
		}
	}
	if len(views) == 0 {
		t.Fatal("the domain's golden views are not found")
	}
	return views
}

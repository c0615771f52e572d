package belay_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestTheTestsThatTheDocumentNamesExist: whoever renames one finds the line in docs/testing.md that promises it.
func TestTheTestsThatTheDocumentNamesExist(t *testing.T) {
	text, err := os.ReadFile("docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 15 {
		t.Fatalf("the document names %d tests", len(named))
	}
	out, err := exec.Command("go", "list", "-f", "{{range .TestGoFiles}}{{$.Dir}}/{{.}}\n{{end}}{{range .XTestGoFiles}}{{$.Dir}}/{{.}}\n{{end}}", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var source strings.Builder
	for _, file := range strings.Fields(string(out)) {
		one, err := os.ReadFile(file) //nolint:gosec // a file of this module
		if err != nil {
			t.Fatal(err)
		}
		source.Write(one)
	}
	for _, name := range named {
		if !strings.Contains(source.String(), "func "+name[1]+"(") {
			t.Errorf("docs/testing.md names %s, which there is not", name[1])
		}
	}
}

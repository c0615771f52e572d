package main

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// observed is one call of Observe in the coordinator's source.
type observed struct {
	name   string
	labels []string // names
}

// observations finds every figure that the coordinator gives out.
func observations(t *testing.T) (found []observed) {
	t.Helper()
	files, err := filepath.Glob("../../governance/coordinator/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of the coordinator: %v", err)
	}
	set := gotoken.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(set, file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Observe" || len(call.Args) < 2 {
				return true
			}
			one := observed{name: literal(t, set, call.Args[0])}
			for i := 2; i < len(call.Args); i += 2 {
				one.labels = append(one.labels, literal(t, set, call.Args[i]))
			}
			found = append(found, one)
			return true
		})
	}
	return found
}

func literal(t *testing.T, set *gotoken.FileSet, e ast.Expr) string {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		t.Fatalf("%s: a figure or a label without a fixed name", set.Position(e.Pos()))
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEveryFigureOfTheCoordinatorIsKept: whatever it observes is there for the operator's monitoring, with the labels that it gives.
func TestEveryFigureOfTheCoordinatorIsKept(t *testing.T) {
	all := observations(t)
	if len(all) < 7 {
		t.Fatalf("found %d figures", len(all))
	}
	for _, one := range all {
		m := newMetrics()
		var pairs []string
		for _, label := range one.labels {
			pairs = append(pairs, label, "x")
		}
		m.observe(one.name, 1, pairs...)
		families, err := m.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var labels []string
		samples := 0
		for _, f := range families {
			if f.GetName() != "belay_"+one.name {
				continue
			}
			for _, sample := range f.GetMetric() {
				if h := sample.GetHistogram(); h == nil || h.GetSampleCount() > 0 {
					samples++
				}
				for _, pair := range sample.GetLabel() {
					labels = append(labels, pair.GetName())
				}
			}
		}
		if samples != 1 {
			t.Errorf("%s is dropped", one.name)
		}
		for _, label := range one.labels {
			if !strings.Contains(strings.Join(labels, " "), label) {
				t.Errorf("%s has the labels %v, and %s is given", one.name, labels, label)
			}
		}
	}
}

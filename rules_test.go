package belay_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rule says what a room of the house may not reach. Paths end in "/..." for everything below, too.
type rule struct {
	rooms  []string
	never  []string
	direct bool // only direct imports count; otherwise whatever is reached through others counts too
	why    string
}

var pure = []string{"belay/safe", "belay/safe/calldata", "belay/governance", "belay/governance/timelock", "belay/governance/relay"}

var rules = []rule{
	{rooms: pure, never: []string{"net", "net/http", "os/exec", "log", "log/slog"},
		why: "the domain decides from its arguments alone; core/types and apitypes would bring a logger along"},
	{rooms: pure, never: []string{"os", "io/fs", "math/rand", "math/rand/v2", "crypto/rand", "testing/synctest", "sync"}, direct: true,
		why: "no disk, no randomness, no goroutines: same input, same answer. (fmt and go-ethereum's common reach os by themselves)"},
	{rooms: []string{"belay/safe", "belay/safe/calldata", "belay/safe/chain"}, never: []string{"belay/governance/...", "belay/store", "belay/bot/...", "belay/configs"},
		why: "the Safe protocol and the chain know no proposals"},
	{rooms: []string{"belay/safe"}, never: []string{"belay/safe/calldata", "belay/safe/chain", "belay/safe/devnet"}, why: "imports go one way: safe ← calldata ← chain"},
	{rooms: []string{"belay/safe/calldata"}, never: []string{"belay/safe/chain", "belay/safe/devnet"}, why: "imports go one way: safe ← calldata ← chain"},
	{rooms: []string{"belay/governance"}, never: []string{"belay/governance/...", "belay/safe/chain", "belay/store", "belay/bot/...", "belay/configs"},
		why: "the domain is at the centre and knows nobody"},
	{rooms: []string{"belay/governance/timelock", "belay/governance/relay"}, never: []string{"belay/governance/coordinator", "belay/safe/chain", "belay/store", "belay/bot/..."},
		why: "adapters and judges are data in, data out"},
	{rooms: []string{"belay/governance/coordinator"}, never: []string{"belay/safe/chain", "belay/safe/devnet", "belay/store", "belay/bot/...", "belay/configs"},
		why: "the application reaches the world through its own ports"},
	{rooms: []string{"belay/store"}, never: []string{"belay/governance/...", "belay/safe/chain", "belay/bot/...", "belay/configs"},
		why: "a second engine must be able to take its place; it knows the records, not who works with them"},
	{rooms: []string{"belay/store/storetest"}, never: []string{"belay/store", "belay/governance/..."},
		why: "what every engine is held to knows none"},
	{rooms: []string{"belay/configs"}, never: []string{"belay/safe/...", "belay/governance/...", "belay/store", "belay/bot/..."},
		why: "a configuration is plain structs; cmd turns them into what the rooms want"},
	{rooms: []string{"belay/bot", "belay/bot/slack", "belay/bot/discord", "belay/bot/web"}, never: []string{"belay/store", "belay/safe/chain", "belay/configs", "belay/safe/devnet"},
		why: "a face talks to the use-cases, never past them"},
	{rooms: []string{"belay/bot"}, never: []string{"belay/bot/slack", "belay/bot/discord", "belay/bot/web"}, why: "the neutral part knows no platform"},
	{rooms: []string{"belay/cmd/belay"}, never: []string{"belay/safe/devnet", "belay/safe/devnet/...", "github.com/ethereum/go-ethereum/node", "github.com/ethereum/go-ethereum/eth"},
		why: "the product ships no chain"},
}

// homes are libraries that live in their own room only.
var homes = []struct {
	library string
	rooms   []string
	why     string
}{
	{"go.etcd.io/bbolt", []string{"belay/store"}, "the engine can be exchanged"},
	{"github.com/slack-go/slack", []string{"belay/bot/slack"}, "a chat SDK is its platform's matter"},
	{"github.com/bwmarrin/discordgo", []string{"belay/bot/discord"}, "a chat SDK is its platform's matter"},
	{"github.com/ethereum/go-ethereum/ethclient", []string{"belay/safe/chain", "belay/safe/devnet"}, "one room talks to chains"},
	{"github.com/spf13/cobra", []string{"belay/cmd/belay", "belay/cmd/demo"}, "only programs have commands"},
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func covers(pattern, path string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

func TestImportsGoOneWay(t *testing.T) {
	packages := list(t)
	for _, r := range rules {
		for _, room := range r.rooms {
			i := slices.IndexFunc(packages, func(p pkg) bool { return p.ImportPath == room })
			if i < 0 {
				t.Errorf("%s is in a rule and not in the house", room)
				continue
			}
			reached := packages[i].Deps
			if r.direct {
				reached = packages[i].Imports
			}
			for _, path := range reached {
				for _, never := range r.never {
					if covers(never, path) {
						t.Errorf("%s reaches %s: %s", room, path, r.why)
					}
				}
			}
		}
	}
}

func TestLibrariesStayAtHome(t *testing.T) {
	for _, p := range list(t) {
		for _, h := range homes {
			for _, path := range p.Imports {
				if (path == h.library || strings.HasPrefix(path, h.library+"/")) && !slices.ContainsFunc(h.rooms, func(room string) bool {
					return p.ImportPath == room || strings.HasPrefix(p.ImportPath, room+"/")
				}) {
					t.Errorf("%s imports %s: %s", p.ImportPath, path, h.why)
				}
			}
		}
	}
}

// clocks are the functions that read the wall clock or start a timer.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}

func TestPureRoomsReadNoClock(t *testing.T) {
	for _, p := range list(t) {
		if !slices.Contains(pure, p.ImportPath) {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, s.Sel.Name) {
						t.Errorf("%s/%s uses time.%s: time comes in as now", p.ImportPath, name, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestEveryPackageSaysWhatItPromises(t *testing.T) {
	for _, p := range list(t) {
		documented := false
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || file.Doc != nil && len(file.Doc.Text()) > 80
		}
		if !documented {
			t.Errorf("%s has no package comment that says what it promises", p.ImportPath)
		}
	}
}

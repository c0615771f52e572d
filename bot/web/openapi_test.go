package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"belay/governance"
	"belay/safe"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var stubPageless = fstest.MapFS{"PLACEHOLDER": {Data: []byte("not built")}}

// contractRoutes is the public contract's table of the API, and those of the link page and of statements.
var contractRoutes = []string{
	"GET /api/v1/proposals", "GET /api/v1/proposals/{id}", "POST /api/v1/proposals", "GET /api/v1/proposals/{id}/typed-data",
	"POST /api/v1/proposals/{id}/signatures", "GET /api/v1/proposals/{id}/execution", "GET /api/v1/timelocks", "GET /api/v1/nonces", "GET /api/v1/log/head",
	"GET /api/v1/openapi.json", "GET /api/v1/events", "POST /api/v1/link", "POST /api/v1/link/typed-data",
	"POST /api/v1/intents/typed-data", "POST /api/v1/proposals/{id}/statements", "POST /api/v1/proposals/{id}/statements/typed-data",
}

type description struct {
	Paths map[string]map[string]struct {
		OperationID string                                      `json:"operationId"`
		Responses   map[string]struct{ Content map[string]any } `json:"responses"`
	}
	Components struct{ Schemas map[string]any }
}

func described(t *testing.T) (description, []byte) {
	t.Helper()
	body := do(newTestServer(t, newFake()), asking{method: "GET", path: "/api/v1/openapi.json"}).Body.Bytes()
	var d description
	if err := json.Unmarshal(body, &d); err != nil {
		t.Fatal(err)
	}
	return d, body
}

func TestDescriptionHoldsEveryRoute(t *testing.T) {
	d, _ := described(t)
	var have []string
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, operation := range methods {
			have = append(have, strings.ToUpper(method)+" "+path)
			if operation.OperationID == "" || ids[operation.OperationID] {
				t.Errorf("%s %s has no name of its own", method, path)
			}
			ids[operation.OperationID] = true
		}
	}
	want := slices.Clone(contractRoutes)
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("described are\n%q, the contract has\n%q", have, want)
	}
}

// TestDescriptionHoldsEveryStatus asks everything that the tables ask, and looks every answer up.
func TestDescriptionHoldsEveryStatus(t *testing.T) {
	d, _ := described(t)
	seen := map[string]bool{}
	for _, a := range allAsks() {
		f := newFake(pauseView(), publicView())
		s := newTestServer(t, f)
		if a.prepare != nil {
			a.prepare(f)
		}
		for range a.repeatBefore {
			do(s, a)
		}
		w := do(s, a)
		route := templateOf(d, a)
		if route == "" {
			continue // a page
		}
		status := strconv.Itoa(w.Code)
		answer, ok := d.Paths[route][strings.ToLower(a.method)].Responses[status]
		media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		if _, known := answer.Content[media]; !ok || !known {
			t.Errorf("%s %s answers %s with %s, which is not described", a.method, route, status, media)
		}
		seen[a.method+route+status] = true
	}
	for path, methods := range d.Paths {
		for method, operation := range methods {
			for status := range operation.Responses {
				n, _ := strconv.Atoi(status)
				if !slices.Contains(everywhere, n) && !seen[strings.ToUpper(method)+path+status] && !seen["unasked"+path+status] && !excused[path+" "+status] {
					t.Errorf("%s %s is said to answer %s, and no test sees it", method, path, status)
				}
			}
		}
	}
}

// excused are answers that tests elsewhere see, or that only a real coordinator gives.
var excused = map[string]bool{
	"/api/v1/events 200": true, "/api/v1/log/head 404": true, "/api/v1/log/head 503": true, "/api/v1/link 409": true, "/api/v1/link 503": true, "/api/v1/link/typed-data 409": true,
}

// templateOf finds the described path that a request asks.
func templateOf(d description, a asking) string {
	path, _, _ := strings.Cut(a.path, "?")
	for route := range d.Paths {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(route), `\{id\}`, "[^/]+") + "$"
		if _, taken := d.Paths[route][strings.ToLower(a.method)]; taken && regexp.MustCompile(pattern).MatchString(path) {
			return route
		}
	}
	return ""
}

func TestAnswersFitTheirSchemas(t *testing.T) {
	_, body := described(t)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", document); err != nil {
		t.Fatal(err)
	}
	s := newTestServer(t, newFake(pauseView(), publicView()))
	for schema, a := range map[string]asking{
		"Proposal":      {method: "GET", path: "/api/v1/proposals/P-12" + keyed},
		"ProposalList":  {method: "GET", path: "/api/v1/proposals"},
		"TimelockList":  {method: "GET", path: "/api/v1/timelocks"},
		"Problem":       {method: "GET", path: "/api/v1/proposals/P-99"},
		"TypedDocument": {method: "GET", path: "/api/v1/proposals/P-12/typed-data" + keyed},
	} {
		compiled, err := compiler.Compile("openapi.json#/components/schemas/" + schema)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := jsonschema.UnmarshalJSON(do(s, a).Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(answer); err != nil {
			t.Errorf("%s: %v", a.path, err)
		}
		if object, ok := answer.(map[string]any); ok {
			properties, _ := document.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)[schema].(map[string]any)["properties"].(map[string]any)
			for name := range object {
				if _, known := properties[name]; !known {
					t.Errorf("%s answers %s, which is not described", a.path, name)
				}
			}
		}
	}
}

// TestPageKnowsTheLibrariesThatWeKnow holds the page's list of published MultiSendCallOnly against package safe.
func TestPageKnowsTheLibrariesThatWeKnow(t *testing.T) {
	source, err := os.ReadFile("page/chain.ts")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]map[string]bool{"callOnlyAddresses": {}, "callOnlyCode": {}} {
		for _, d := range safe.MultiSendCallOnly() {
			want[map[string]string{"callOnlyAddresses": d.Address.Hex(), "callOnlyCode": d.CodeHash.Hex()}[name]] = true
		}
		list := regexp.MustCompile(`(?s)` + name + ` = \[(.*?)\]`).FindSubmatch(source)
		if list == nil {
			t.Fatalf("page/chain.ts has no %s", name)
		}
		have := map[string]bool{}
		for _, text := range regexp.MustCompile(`0x[0-9a-fA-F]+`).FindAllString(string(list[1]), -1) {
			have[text] = true
		}
		if !maps.Equal(have, want) {
			t.Errorf("%s is %v, want %v", name, have, want)
		}
	}
}

// TestPageHashesAsOthersDo runs the page's hashing under Node, against published vectors and another implementation.
func TestPageHashesAsOthersDo(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("NO NODE: the page's hashes are NOT tested against other implementations.")
	}
	if _, err := os.Stat("../../node_modules/viem"); err != nil {
		t.Skip("NO NPM PACKAGES: the page's hashes are NOT tested against other implementations. Run npm ci.")
	}
	if out, err := exec.Command(node, "--test", "--test-reporter=dot", "page/hash.test.mjs").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPageHashNamesTheBuild(t *testing.T) {
	one, err := loadAssets(stubPage)
	if err != nil {
		t.Fatal(err)
	}
	changed := maps.Clone(stubPage)
	changed["sign.js"] = &fstest.MapFile{Data: []byte("//another")}
	other, err := loadAssets(changed)
	if err != nil {
		t.Fatal(err)
	}
	if one.hash() == other.hash() || len(one.hash()) != 64 {
		t.Errorf("%s and %s", one.hash(), other.hash())
	}
	if hash := PageHash(); hash != "none" && len(hash) != 64 {
		t.Errorf("the embedded page's hash is %q", hash)
	}
}

func FuzzBodiesAreReadStrictly(f *testing.F) {
	for _, seed := range []string{goodBody, proposing, `{}`, `{"signature":null}`, `{"params":{"a":[1]}}`, `{"signature":"0x"}{`, `[[[[[[[[[[`, "\x00", `{"a":1,"a":2}`, `{"params":{"x":1e400}}`} {
		f.Add([]byte(seed))
	}
	s, err := newServer(testConfig(), newFake(pauseView()), stubPage)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, v := range []any{&proposeBody{}, &signatureBody{}, &linkProof{}} {
			err := decodeStrict(body, v)
			if refusal, ok := asRefusal(err); err != nil && (!ok || refusal.Code != governance.CodeMalformedJSON) {
				t.Fatalf("%q ends in %v", body, err)
			}
			if err != nil {
				continue
			}
			// What is taken means the same when it is written again.
			again, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if err := decodeStrict(again, v); err != nil {
				t.Fatalf("%q was taken, %q is not: %v", body, again, err)
			}
		}
		if w := do(s, asking{method: http.MethodPost, path: "/api/v1/proposals/P-12/signatures" + keyed, body: string(body)}); w.Code >= 500 {
			t.Fatalf("%q breaks the server: %s", body, w.Body)
		}
	})
}

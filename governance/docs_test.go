package governance

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update-docs", false, "write the generated pages in docs anew")

// generated compares a page with what the code says, or writes it with -update-docs.
func generated(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("..", "docs", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("docs/%s is not what the code says: run go test ./governance -run Page -update-docs", name)
	}
}

// meanings says in words what each state means, what a restart does in it, and who may act.
var meanings = map[State][3]string{
	StateProposed:    {"asking for signatures", "goes on asking; the deadline is kept", "owners sign; members object, withdraw, extend"},
	StateApproved:    {"quorum is proven; being sent", "sends the stored bytes again, or signs them first", "anyone may send it from a wallet"},
	StateQueued:      {"scheduled in a timelock, its window not open", "reads the operation and waits for chain time", "the timelock's cancellers may veto"},
	StateReady:       {"the timelock's window is open", "executes, or asks the Safe's owners to", "whoever the timelock lets execute"},
	StateExecuted:    {"final on chain, and every postcondition read true", "watches until it cannot be taken back", "nobody; the undo is offered"},
	StateIneffective: {"final on chain, but a postcondition is false", "watches until it cannot be taken back; it is as loud as can be", "people: look at the target"},
	StateCanceled:    {"taken down by its people, or vetoed", "watches while its signatures work", "owners may void what is loaded"},
	StateExpired:     {"asking ended without quorum, or the window closed", "watches while its signatures work", "owners may void what is loaded"},
	StateSuperseded:  {"another transaction used its nonce", "watches while a signature of it works", "propose it again"},
	StateFailed:      {"mined without effect, or impossible now", "watches until the failure is final", "propose it again"},
}

func TestStatesPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# States\n\nGenerated from `governance/table.go`; a test keeps it true.\n\n```mermaid\nstateDiagram-v2\n    [*] --> proposed\n")
	for _, from := range States {
		why := map[State][]string{}
		for _, event := range slices.Sorted(maps.Keys(table[from])) {
			for _, to := range table[from][event] {
				why[to] = append(why[to], string(event))
			}
		}
		for _, to := range States {
			if to != from && why[to] != nil {
				fmt.Fprintf(&b, "    %s --> %s: %s\n", from, to, strings.Join(why[to], ", "))
			}
		}
	}
	b.WriteString("```\n\n| state | means | after a restart | who may act |\n|---|---|---|---|\n")
	for _, s := range States {
		m, ok := meanings[s]
		if !ok {
			t.Errorf("%s has no meaning", s)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s, m[0], m[1], m[2])
	}
	b.WriteString("\n## Which events each state takes\n\nAn event that is not listed is refused.\n\n| state | events |\n|---|---|\n")
	for _, s := range States {
		names := make([]string, 0, len(table[s]))
		for _, e := range slices.Sorted(maps.Keys(table[s])) {
			names = append(names, string(e))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", s, strings.Join(names, ", "))
	}
	generated(t, "states.md", b.String())
}

// nextSteps says for each refusal what the person does next, in general; the refusal itself says it for the case.
var nextSteps = map[Code]string{
	CodeMalformedJSON: "send the JSON of the route, see `/api/v1/openapi.json`", CodeNotFound: "check the id; one that is not public needs its key",
	CodeNotOpen: "look at its present state", CodeNoAgreement: "try again; look at the providers with `belay check`",
	CodeMalformedSignature: "paste what the wallet returned", CodeNotOwner: "sign with a wallet that owns the Safe",
	CodeWrongHash: "sign what the page shows", CodeStaleHash: "open the page again and sign the new transaction",
	CodeContractRejected: "let the contract's own owners sign", CodeUnknownPlaybook: "see `/belay help`", CodeUnknownParam: "see `/belay help`",
	CodeMissingParam: "add it", CodeBadValue: "write it as the parameter's type asks", CodeOutOfBounds: "stay within the bounds",
	CodeChangeTooLarge: "go there in steps", CodeInvariant: "change the values so that the rule holds", CodeCoolingDown: "wait until the time it names",
	CodeNotPermitted: "ask someone who may", CodeSimulationReverted: "check target and values; a pause may be forced",
	CodeRelayerUnfunded: "send it gas money, or send from a wallet", CodeNotRecorded: "nothing happened: try again, or act from a wallet",
}

// statusOf gives the HTTP status of the public contract. What is understood and refused for its content is 422.
func statusOf(code Code) int {
	switch code {
	case CodeMalformedJSON:
		return 400
	case CodeNotFound:
		return 404
	case CodeNotOpen:
		return 409
	case CodeNoAgreement, CodeNotRecorded:
		return 503
	}
	return 422
}

func TestReasonsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Refusals\n\nGenerated from `governance/refusal.go`; a test keeps it true. Every refusal has a code for machines, a sentence that says what exactly, and the next step.\n\n" +
		"| code | HTTP | means | what to do |\n|---|---|---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(Titles)) {
		if nextSteps[code] == "" {
			t.Errorf("%s has no next step", code)
		}
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", code, statusOf(code), Titles[code], nextSteps[code])
	}
	generated(t, "reasons.md", b.String())
}

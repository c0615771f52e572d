package liar

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// book is a node that answers from a script.
type book map[string]string

func (b book) Answer(_ context.Context, method string, _ []json.RawMessage) (json.RawMessage, *Refusal) {
	if text, known := b[method]; known {
		return json.RawMessage(text), nil
	}
	return nil, &Refusal{Code: -32601, Message: "no " + method}
}

func word(last string) string { return strings.Repeat("0", 64-len(last)) + last }

// honest is what the scripted node says, questions one body of each kind that the rows are about.
var (
	owners = `"0x` + word("20") + word("2") + word("aa") + word("bb") + `"`
	honest = book{
		"eth_chainId":          `"0x7a69"`,
		"eth_getBlockByNumber": `{"number":"0x10","hash":"0x` + word("10") + `","parentHash":"0x` + word("f") + `","timestamp":"0x64","baseFeePerGas":"0x7"}`,
		"eth_feeHistory":       `{"baseFeePerGas":["0x7","0x8"]}`, "eth_maxPriorityFeePerGas": `"0x3"`,
		"eth_getTransactionCount": `"0x5"`, "eth_getBalance": `"0x64"`, "eth_call": owners, "eth_getStorageAt": `"0x` + word("1") + `"`,
		"eth_getCode": `"0x60"`, "eth_getLogs": `[{"address":"0x01"}]`, "eth_getTransactionReceipt": `{"status":"0x1","logs":[{}]}`,
		"eth_sendRawTransaction": `"0x` + word("77") + `"`, "eth_estimateGas": `"0xffff"`, "eth_simulateV1": `[]`,
		"eth_getProof": `{"accountProof":["0x01"]}`,
	}
	questions = []string{
		ask("eth_chainId"), ask("eth_getBlockByNumber", `"latest"`, "false"), ask("eth_feeHistory", `"0x1"`, `"latest"`, "[50]"),
		ask("eth_getTransactionCount", `"0x01"`, `"latest"`), ask("eth_getBalance", `"0x01"`, `"latest"`), ask("eth_call", `{"data":"0xa0e67e2b"}`, `"latest"`),
		ask("eth_call", `{"data":"0xe75235b8"}`, `"latest"`), ask("eth_call", `{"data":"0xaffed0e0"}`, `"latest"`), ask("eth_getStorageAt", `"0x01"`, `"0x0"`, `"latest"`),
		ask("eth_getCode", `"0x01"`, `"latest"`), ask("eth_getLogs", "{}"), ask("eth_getTransactionReceipt", `"0x`+word("9")+`"`),
		ask("eth_sendRawTransaction", `"0x1234"`), ask("eth_estimateGas", "{}"), ask("eth_simulateV1", "{}", `"latest"`), ask("eth_getProof", `"0x01"`, "[]", `"0x7"`),
	}
)

func ask(method string, params ...string) string {
	return `{"jsonrpc":"2.0","id":7,"method":"` + method + `","params":[` + strings.Join(params, ",") + `]}`
}

// said is all that comes back for a body, with what is wrong with the connection, and how long it took.
func said(t *testing.T, p *Proxy, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://provider.example", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	answer, err := p.RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return string(text) + err.Error()
	}
	return answer.Status + string(text) + time.Since(began).String()
}

// TestEveryRowFailsInAWayOfItsOwn: no row is honest, none is the twin of another, and a proxy is honest again when told to be.
func TestEveryRowFailsInAWayOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := append(slices.Clone(questions), "["+strings.Join([]string{questions[0], strings.Replace(questions[1], `"id":7`, `"id":8`, 1), strings.Replace(questions[3], `"id":7`, `"id":9`, 1)}, ",")+"]")
		all := func(p *Proxy) string {
			var parts []string
			for _, body := range bodies {
				parts = append(parts, said(t, p, body))
			}
			return strings.Join(parts, "\n")
		}
		good := all(New(proving{honest}, 1))
		seen := map[string]string{good: "honesty"}
		for _, f := range Faults() {
			p := New(proving{honest}, 1)
			p.Be(f)
			bad := all(p)
			// Once the bytes left, a connection that is reset looks alike whether they were acted on or not.
			if twin, is := seen[bad]; is && f.Name != "acts and resets the connection" {
				t.Errorf("a provider that %q looks like %q", f.Name, twin)
			}
			seen[bad] = f.Name
			p.Be(Fault{})
			if again := all(p); again != good {
				t.Errorf("after %q it is not honest again: %s", f.Name, again)
			}
		}
	})
}

// proving knows more than one block: each has its number, and the first one proofs of its own.
type proving struct{ Node }

func (p proving) Answer(ctx context.Context, method string, params []json.RawMessage) (json.RawMessage, *Refusal) {
	if method == "eth_getProof" && string(params[2]) == `"0x1"` {
		return json.RawMessage(`{"accountProof":["0x02"]}`), nil
	}
	if method == "eth_getBlockByNumber" && strings.HasPrefix(string(params[0]), `"0x`) {
		return json.RawMessage(`{"number":` + string(params[0]) + `}`), nil
	}
	return p.Node.Answer(ctx, method, params)
}

func TestBytesThatAreForgottenReachNobody(t *testing.T) {
	for name, reaches := range map[string]bool{"": true, "takes transactions and forgets them": false, "says nonce too low": false, "acts and resets the connection": true, "resets the connection": false} {
		arrived := &counting{Node: honest}
		p := New(arrived, 1)
		if name != "" {
			p.Be(Named(name))
		}
		arrived.n = 0
		said(t, p, ask("eth_sendRawTransaction", `"0x1234"`))
		if (arrived.n > 0) != reaches {
			t.Errorf("%q: %d transactions reached the node", name, arrived.n)
		}
	}
}

type counting struct {
	Node
	n int
}

func (c *counting) Answer(ctx context.Context, method string, params []json.RawMessage) (json.RawMessage, *Refusal) {
	c.n++
	return c.Node.Answer(ctx, method, params)
}

func TestTheProxyServesAProgramOfItsOwn(t *testing.T) {
	p := New(honest, 1)
	server := httptest.NewServer(p)
	defer server.Close()
	post := func() (string, error) {
		answer, err := http.Post(server.URL, "application/json", strings.NewReader(questions[0]))
		if err != nil {
			return "", err
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		return string(text), err
	}
	if text, err := post(); err != nil || !strings.Contains(text, `"0x7a69"`) {
		t.Errorf("honest, it says %q, %v", text, err)
	}
	for _, name := range []string{"resets the connection", "breaks off in the middle"} {
		p.Be(Named(name))
		if text, err := post(); err == nil {
			t.Errorf("a provider that %s says %q", name, text)
		}
	}
}

func TestAMemoryForgetsWhatASendOrABlockChanges(t *testing.T) {
	arrived := &counting{Node: honest}
	m := Remembering(arrived)
	ask := func(method string, params ...json.RawMessage) { _, _ = m.Answer(t.Context(), method, params) }
	ask("eth_chainId")
	ask("eth_chainId")
	if arrived.n != 1 {
		t.Errorf("asked %d times for the same", arrived.n)
	}
	ask("eth_sendRawTransaction", json.RawMessage(`"0x12"`))
	ask("eth_chainId")
	m.Forget()
	ask("eth_chainId")
	ask("eth_getBlockByNumber", json.RawMessage(`"pending"`))
	ask("eth_getBlockByNumber", json.RawMessage(`"pending"`))
	if arrived.n != 6 {
		t.Errorf("asked %d times, want 6", arrived.n)
	}
}

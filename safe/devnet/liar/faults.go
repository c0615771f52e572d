package liar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Fault is one way in which a provider fails. The zero Fault is honesty.
type Fault struct {
	Name string
	// Lies says that its answers are well formed and wrong, so that only others can show that they are.
	Lies bool

	exchange func(r *http.Request, honest func() *http.Response) (*http.Response, error) // in place of a whole exchange
	batch    func([]reply) []reply                                                       // how the answers of one body are put together
	answer   func(l lie, honest func() reply) reply                                      // one answer
}

// String is the name.
func (f Fault) String() string { return f.Name }

// Faults are all rows of the table: on the wire, in the protocol, lies.
func Faults() []Fault { return slices.Concat(wire, protocol, lies) }

// Named gives the row of a name, and panics where there is none: a mistake of the test.
func Named(name string) Fault {
	for _, f := range Faults() {
		if f.Name == name {
			return f
		}
	}
	panic(fmt.Sprintf("liar: no fault is called %q", name))
}

var errNoHost = errors.New("no such host")

var wire = []Fault{
	{Name: "never answers", exchange: func(r *http.Request, _ func() *http.Response) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}},
	{Name: "answers a byte a second", exchange: func(r *http.Request, honest func() *http.Response) (*http.Response, error) {
		answer := honest()
		answer.Body = &dripping{ctx: r.Context(), from: answer.Body}
		return answer, nil
	}},
	{Name: "answers after two seconds", exchange: func(r *http.Request, honest func() *http.Response) (*http.Response, error) {
		if err := pause(r.Context(), 2*time.Second); err != nil {
			return nil, err
		}
		return honest(), nil
	}},
	{Name: "throttles", exchange: says(http.StatusTooManyRequests, "slow down")},
	{Name: "throttles in JSON", exchange: says(http.StatusOK, `{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"rate limit exceeded"}}`)},
	{Name: "has no backend", exchange: says(http.StatusServiceUnavailable, "<html>no backend</html>")},
	{Name: "fails inside", exchange: says(http.StatusInternalServerError, `{"error":"internal"}`)},
	{Name: "refuses the key", exchange: says(http.StatusUnauthorized, "who are you?")},
	{Name: "answers a web page", exchange: says(http.StatusOK, "<!DOCTYPE html><html>welcome</html>")},
	{Name: "answers nothing", exchange: says(http.StatusOK, "")},
	{Name: "answers without end", exchange: func(*http.Request, func() *http.Response) (*http.Response, error) {
		answer := respond(http.StatusOK, "")
		answer.Body = io.NopCloser(blanks{})
		return answer, nil
	}},
	{Name: "answers half", exchange: func(_ *http.Request, honest func() *http.Response) (*http.Response, error) {
		return respond(http.StatusOK, half(honest())), nil
	}},
	{Name: "breaks off in the middle", exchange: func(_ *http.Request, honest func() *http.Response) (*http.Response, error) {
		answer := honest()
		answer.Body = io.NopCloser(io.MultiReader(strings.NewReader(half(answer)), broken{}))
		return answer, nil
	}},
	{Name: "redirects", exchange: func(*http.Request, func() *http.Response) (*http.Response, error) {
		answer := respond(http.StatusTemporaryRedirect, "")
		answer.Header.Set("Location", "https://elsewhere.example.org/")
		return answer, nil
	}},
	{Name: "resets the connection", exchange: func(*http.Request, func() *http.Response) (*http.Response, error) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}},
	{Name: "acts and resets the connection", exchange: func(_ *http.Request, honest func() *http.Response) (*http.Response, error) {
		honest()
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}},
}

var protocol = []Fault{
	{Name: "answers a batch out of order", batch: func(all []reply) []reply {
		slices.Reverse(all)
		return all
	}},
	{Name: "answers a batch in part", batch: func(all []reply) []reply { return all[:len(all)/2] }},
	{Name: "answers what nobody asked", batch: func(all []reply) []reply {
		for i := range all {
			all[i].id = []byte(`"foreign"`)
		}
		return all
	}},
	{Name: "answers one request twice", batch: func(all []reply) []reply {
		for i := range all {
			all[i].id = all[0].id
		}
		return append(all, all[0])
	}},
	{Name: "mixes up its answers", batch: func(all []reply) []reply {
		for i := range len(all) / 2 {
			j := len(all) - 1 - i
			all[i].id, all[j].id = all[j].id, all[i].id
		}
		return all
	}},
	{Name: "answers null", answer: func(lie, func() reply) reply { return reply{result: []byte("null")} }},
	{Name: "answers another type", answer: func(lie, func() reply) reply { return reply{result: []byte(`{"0x":[]}`)} }},
	{Name: "knows no method", answer: func(l lie, _ func() reply) reply {
		return refuse(-32601, "the method "+l.method+" does not exist/is not available")
	}},
}

// says answers everything alike.
func says(status int, text string) func(*http.Request, func() *http.Response) (*http.Response, error) {
	return func(*http.Request, func() *http.Response) (*http.Response, error) { return respond(status, text), nil }
}

func half(answer *http.Response) string {
	text, _ := io.ReadAll(answer.Body)
	return string(text[:len(text)/2])
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dripping gives a byte a second.
type dripping struct {
	ctx  context.Context //nolint:containedctx // a body's reads take none
	from io.ReadCloser
}

func (d *dripping) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := pause(d.ctx, time.Second); err != nil {
		return 0, err
	}
	return d.from.Read(p[:1])
}

func (d *dripping) Close() error { return d.from.Close() }

// blanks is white space without end.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) { return copy(p, aPage), nil }

var aPage = bytes.Repeat([]byte{' '}, 1<<20)

// broken is a connection that ends too early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

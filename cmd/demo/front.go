package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

//go:embed static
var static embed.FS

// tampering is what the attacker does who has taken over the server that the pages come from.
type tampering string

const (
	untouched  tampering = "untouched"
	swapCall   tampering = "call"   // the transaction is another one; the hashes stay those of the true one
	swapHashes tampering = "hashes" // the hashes are made to fit; only the words still tell the old story
)

// front is the public origin of Belay's pages: a reverse proxy in front of its listener. It adds the demo wallet to pages
// and lets the screen frame them. When told to, it tampers with what the pages are given.
type front struct {
	server *server
	wallet *wallet

	mu       sync.Mutex
	screen   string // the origin that may frame the pages
	tamper   tampering
	tampered int // answers changed since tamper changed
}

// openFront listens; pages are there after serve.
func openFront(w *wallet) (*front, error) {
	s, err := open()
	if err != nil {
		return nil, err
	}
	return &front{server: s, wallet: w, tamper: untouched}, nil
}

func (f *front) url() string { return f.server.url() }

func (f *front) close() { f.server.close() }

// framedBy names the origin that may show the pages in a frame.
func (f *front) framedBy(origin string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.screen = origin
}

// become changes what the attacker does.
func (f *front) become(t tampering) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tamper, f.tampered = t, 0
}

func (f *front) told() (t tampering, tampered int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tamper, f.tampered
}

// walletPath is below what belongs to the wallet; Belay has no such address.
const walletPath = "/.demo/"

// serve answers with what Belay serves at upstream.
func (f *front) serve(upstream string) {
	target, err := url.Parse(upstream)
	if err != nil {
		panic(err) // our own address
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.Out.Header.Del("Accept-Encoding") // we read the answers
		},
		ModifyResponse: f.change,
		ErrorHandler:   f.down,
		ErrorLog:       log.New(io.Discard, "", 0), // a Belay that is killed breaks streams off; the screen shows it
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+walletPath+"wallet.js", f.walletScript)
	mux.HandleFunc("POST "+walletPath+"wallet", f.askWallet)
	mux.HandleFunc("GET "+walletPath+"changes", f.walletChanges)
	mux.Handle("/", proxy)
	f.server.serve(http.NewCrossOriginProtection().Handler(mux))
}

// down is what a browser sees while Belay is not there.
func (f *front) down(w http.ResponseWriter, _ *http.Request, _ error) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors "+f.frame())
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>Belay is down</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.55 system-ui,sans-serif;margin:3rem 1.2rem;text-align:center}</style>
<h1>Belay is down</h1><p>This page comes back with it.</p>`)
}

func (f *front) frame() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.screen == "" {
		return "'none'"
	}
	return f.screen
}

// change passes on what Belay answered, with what this proxy is for.
func (f *front) change(r *http.Response) error {
	f.mu.Lock()
	tamper := f.tamper
	f.mu.Unlock()
	kind := r.Header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "text/html"):
		return rewriteBody(r, f.outfit(r.Header))
	case tamper != untouched && strings.HasPrefix(kind, "application/json") && strings.HasPrefix(r.Request.URL.Path, "/api/v1/proposals/"):
		return rewriteBody(r, func(body []byte) ([]byte, error) {
			out, err := falsify(body, tamper)
			if errors.Is(err, errNoProposal) {
				return body, nil
			}
			f.mu.Lock()
			f.tampered++
			f.mu.Unlock()
			return out, err
		})
	}
	return nil
}

// outfit relaxes one rule of Belay's policy and puts the wallet, as an extension would, in front of the page's scripts.
func (f *front) outfit(h http.Header) func([]byte) ([]byte, error) {
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors "+f.frame(), 1))
	return func(page []byte) ([]byte, error) {
		return bytes.Replace(page, []byte("<head>"), []byte(`<head><script src="`+walletPath+`wallet.js"></script>`), 1), nil
	}
}

func rewriteBody(r *http.Response, change func([]byte) ([]byte, error)) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	if body, err = change(body); err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func (f *front) walletScript(w http.ResponseWriter, _ *http.Request) {
	script, err := fs.ReadFile(static, "static/wallet.js")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(script)
}

// askWallet takes an EIP-1193 request of a page and answers when the wallet's owner did.
func (f *front) askWallet(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRPC)).Decode(&request); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	result, refused := f.wallet.handle(r.Context(), r.Host, request.Method, request.Params)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result, "error": refused}) // the page is gone if this fails
}

// walletChanges tells a page when the phone is in other hands.
func (f *front) walletChanges(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	last := ""
	for {
		changed := f.wallet.watch()
		if holder, _, _ := f.wallet.present(); holder.Name != last {
			last = holder.Name
			if _, err := fmt.Fprintf(w, "event: account\ndata: %s\n\n", holder.Address.Hex()); err != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
	}
}

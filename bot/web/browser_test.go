package web

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium finds a browser by $CHROME or the usual names.
func chromium() string {
	names := []string{os.Getenv("CHROME"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}
	for _, name := range names {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

// browser is one headless Chromium for all tests of the package; each test opens its own tab.
var browser = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	stopBrowser = func() { closeBrowser(); stop() }
	return ctx, chromedp.Do(ctx)
})

var stopBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

// freshPage builds the page from its present sources, so that no test looks at yesterday's.
var freshPage = sync.OnceValues(func() (fs.FS, error) {
	out, err := os.MkdirTemp("", "belay-page")
	if err != nil {
		return nil, err
	}
	built, err := exec.Command("node", "build.mjs", "--out", out).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("node build.mjs: %w\n%s", err, built)
	}
	return os.DirFS(out), nil
})

// tab is one page in the browser with a wallet that asks the test.
type tab struct {
	t    *testing.T
	ctx  context.Context
	url  string
	gone atomic.Bool // the server is not there; a proxy answers for it
	cut  func()      // breaks every connection
}

//go:embed testdata/wallet.js
var walletScript string

type size struct{ width, height int64 }

var (
	phone = size{390, 844}
	small = size{360, 740}
	desk  = size{1200, 900}
)

// openTab opens an empty tab on a server of f, in a browser that holds wallet w.
func openTab(t *testing.T, f *fake, w *testWallet, window size) *tab {
	t.Helper()
	if chromium() == "" {
		t.Skip("NO BROWSER: the signing page is NOT tested. Install Chromium, or name one in $CHROME.")
	}
	page, err := freshPage()
	if err != nil {
		t.Skipf("PAGE NOT BUILT: the signing page is NOT tested. Run npm ci. %v", err)
	}
	t.Parallel() // each test has its own tab, server and wallet
	server := httptest.NewUnstartedServer(nil)
	cfg := testConfig()
	cfg.PublicURL = "http://" + server.Listener.Addr().String()
	f.site = cfg.PublicURL
	s, err := newServer(cfg, f, page)
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t}
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.gone.Load() { // what a proxy says while the server behind it starts anew
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		s.ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(func() { s.Close(); server.Close() })
	parent, err := browser()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	ctx, closeTab := chromedp.NewContext(parent)
	t.Cleanup(closeTab)
	b.ctx, b.url, b.cut = ctx, server.URL, server.CloseClientConnections
	b.watch()
	b.run(chromedp.EmulateViewport(window.width, window.height))
	if w != nil {
		b.run(chromedp.ExposeFunc("walletAsks", w.answer), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: walletScript})
			return err
		}))
	}
	return b
}

// watch fails the test on anything that the page throws, writes, or tries against its own policy.
func (b *tab) watch() {
	err := chromedp.Listen(b.ctx, func(event any) {
		switch e := event.(type) {
		case *cdpruntime.EventExceptionThrown:
			b.t.Errorf("the page threw: %+v", e.ExceptionDetails)
		case *cdpruntime.EventConsoleAPICalled:
			b.t.Errorf("the page wrote to the console: %+v", e.Args)
		case *cdplog.EventEntryAdded:
			if e.Entry.Source != cdplog.EntrySourceNetwork { // refused requests are part of the tests
				b.t.Errorf("the browser complains: %s", e.Entry.Text)
			}
		}
	})
	if err != nil {
		b.t.Fatalf("listen to the page: %v", err)
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, 10*time.Second)
	defer stop()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(path string) { b.t.Helper(); b.run(chromedp.Navigate(b.url + path)) }

// js evaluates an expression in the page, which the page's policy does not forbid to a debugger.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, 10*time.Second)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// comes waits until an expression is true in the page, for five seconds.
func (b *tab) comes(expression string) bool {
	b.t.Helper()
	return js[bool](b, `new Promise((done) => { const ends = Date.now() + 5000; (function look() {
		if (`+expression+`) done(true); else if (Date.now() > ends) done(false); else setTimeout(look, 15); })(); })`)
}

// text is what the page shows now.
func (b *tab) text() string { b.t.Helper(); return js[string](b, "document.body.innerText") }

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// sees waits until the page shows every text.
func (b *tab) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !b.comes("document.body.innerText.includes(" + quoted(text) + ")") {
			b.t.Fatalf("the page never showed %q; it shows:\n%s", text, b.text())
		}
	}
}

func (b *tab) lacks(text string) {
	b.t.Helper()
	if strings.Contains(b.text(), text) {
		b.t.Errorf("the page shows %q", text)
	}
}

// press presses the enabled button whose words begin with text, once it is there.
func (b *tab) press(text string) {
	b.t.Helper()
	find := "[...document.querySelectorAll('button:not(:disabled)')].find((x) => x.innerText.startsWith(" + quoted(text) + "))"
	if !b.comes(find + " !== undefined") {
		b.t.Fatalf("no button %q; the page shows:\n%s", text, b.text())
	}
	js[*int](b, find+".click(), null")
}

// types puts text into a field as a person would.
func (b *tab) types(field, text string) {
	b.t.Helper()
	js[*int](b, fmt.Sprintf("((f) => { f.value = %s; f.dispatchEvent(new Event('input', { bubbles: true })); })(document.querySelector(%s)), null", quoted(text), quoted(field)))
}

// darkens makes the person prefer the dark scheme, or the light one.
func (b *tab) darkens(dark bool) {
	b.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[dark]
	b.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// keeps saves a screenshot where $BELAY_SCREENSHOTS says, for the README and for those who change the looks.
func (b *tab) keeps(name string) {
	b.t.Helper()
	folder := os.Getenv("BELAY_SCREENSHOTS")
	if folder == "" {
		return
	}
	for suffix, shot := range map[string]chromedp.Action[[]byte]{"": chromedp.CaptureScreenshot(), "-full": chromedp.FullScreenshot(100)} {
		png, err := chromedp.Run(b.ctx, shot)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+suffix+".png"), png, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

const signPath = "/p/P-12/sign" + "?key=" + testKey

func owner(i int) *testWallet {
	return &testWallet{key: i, chain: testDomain.ChainID, nonce: 7}
}

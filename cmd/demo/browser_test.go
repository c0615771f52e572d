package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium finds a browser by $CHROME or the usual names.
func chromium() string {
	for _, name := range []string{os.Getenv("CHROME"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

// browser is one headless Chromium for all tests.
var browser = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	stopBrowser = func() { closeBrowser(); stop() }
	return ctx, chromedp.Do(ctx)
})

var stopBrowser = func() {}

// tab is the screen in a browser.
type tab struct {
	t     *testing.T
	ctx   context.Context
	front string

	mu     sync.Mutex
	frames []*runtime.ExecutionContextDescription // of the phone, oldest first
}

// openTab opens the screen of a stage.
func openTab(t *testing.T, s *stage, width, height int64) *tab {
	t.Helper()
	if chromium() == "" {
		t.Skip("NO BROWSER: the demo's screen is NOT tested. Install Chromium, or name one in $CHROME.")
	}
	if pages, err := os.ReadFile("../../bot/web/dist/sign.js"); err != nil || len(pages) == 0 {
		t.Skip("PAGE NOT BUILT: the demo's screen is NOT tested. Run make setup.")
	}
	screen, err := newScreen(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(screen.close)
	parent, err := browser()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	ctx, closeTab := chromedp.NewContext(parent)
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx, front: s.front.url()}
	b.watch()
	b.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(screen.url()))
	return b
}

// watch follows the phone's pages, and fails the test on anything that a page throws.
func (b *tab) watch() {
	err := chromedp.Listen(b.ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExecutionContextCreated:
			if e.Context.Origin == b.front {
				b.mu.Lock()
				b.frames = append(b.frames, e.Context)
				b.mu.Unlock()
			}
		case *runtime.EventExceptionThrown:
			b.t.Errorf("a page threw: %+v", e.ExceptionDetails)
		}
	})
	if err != nil {
		b.t.Fatalf("listen to the page: %v", err)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// where is the screen or the phone in it.
type where func(*tab) []chromedp.EvaluateOption

func onScreen(*tab) []chromedp.EvaluateOption { return nil }

func onPhone(b *tab) []chromedp.EvaluateOption {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.frames) == 0 {
		return nil
	}
	id := b.frames[len(b.frames)-1].ID
	return []chromedp.EvaluateOption{func(p *runtime.EvaluateParams) { p.ContextID = id }}
}

func js[T any](b *tab, in where, expression string) (T, error) {
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, in(b)...))
}

// comes waits until an expression is true. While a frame loads, it has no answer.
func (b *tab) comes(in where, what, expression string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if is, err := js[bool](b, in, expression); err == nil && is {
			return
		}
		if time.Now().After(deadline) {
			text, _ := js[string](b, in, "document.body.innerText")
			b.t.Fatalf("not within %s: %s. It shows:\n%s", patience, what, text)
		}
		pause := time.NewTimer(40 * time.Millisecond)
		<-pause.C
	}
}

func (b *tab) sees(in where, text string) {
	b.t.Helper()
	b.comes(in, fmt.Sprintf("%q is shown", text), "document.body.innerText.includes("+quoted(text)+")")
}

// presses presses the last visible button or link whose words begin with text, once it is there.
func (b *tab) presses(in where, text string) {
	b.t.Helper()
	b.comes(in, fmt.Sprintf("button %q", text), `(() => { const all = [...document.querySelectorAll('button:not(:disabled), a.button')]
		.filter((x) => x.innerText.trim().startsWith(`+quoted(text)+`) && x.checkVisibility({ visibilityProperty: true })); if (all.length === 0) return false; all.at(-1).click(); return true; })()`)
}

// types sends a line as a person would.
func (b *tab) types(text string) {
	b.t.Helper()
	b.comes(onScreen, "the composer", `(() => { const f = document.getElementById('text'); f.value = `+quoted(text)+`; f.form.requestSubmit(); return true; })()`)
}

// hands gives the phone to somebody and waits until its page has noticed.
func (b *tab) hands(name string) {
	b.t.Helper()
	b.presses(onScreen, title(name)+"’s")
	b.sees(onPhone, "("+name+") is an owner of this Safe")
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// signs signs everything that the phone's page asks of who holds it. Between two looks the pause can be mined, and then nothing
// more is asked: so a button is pressed in the same breath in which it is found.
func (b *tab) signs() {
	b.t.Helper()
	for range 20 {
		b.comes(onPhone, "something to sign, or nothing more", `/Connect Demo wallet|Sign the |Also sign the spare|You have signed all|nothing to sign|not needed any more/.test(document.body.innerText)`)
		did, err := js[string](b, onPhone, `(() => {
			const bar = document.getElementById('bar');
			if (/You have signed all|nothing to sign/.test(bar.innerText)) return 'over';
			const button = [...bar.querySelectorAll('button:enabled')].find((x) => /^(Connect|Sign the |Also sign)/.test(x.innerText));
			button?.click();
			return button?.innerText.split(' ')[0] ?? '';
		})()`)
		switch {
		case err != nil, did == "":
			continue // the page was being drawn
		case did == "over":
			return
		case did == "Connect":
			b.comes(onPhone, "connected", `!document.getElementById('bar').innerText.includes('Connect')`)
		default:
			b.presses(onScreen, "Sign")
			b.comes(onPhone, "the signature is handed in", `!/Look at your wallet/.test(document.getElementById('bar').innerText)`)
		}
	}
}

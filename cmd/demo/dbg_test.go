package main
import ("testing";"time";"os"
"github.com/chromedp/chromedp"
"net/http"
"net/http/httptest")
func TestDbg(t *testing.T) {
	s := newStage(t, 20*time.Second)
	b := openTab(t, s, 1280, 860)
	b.types(`/pause usdc "x"`)
	b.comes(onScreen, "x", `document.querySelector('.card a.button') !== null`)
	if os.Getenv("BLANK") != "" { b.do(chromedp.Navigate("about:blank")) }
	v, _ := js[string](b, onScreen, `document.querySelector('.card a.button').href`)
	if os.Getenv("FRAME") != "" { b.presses(onScreen, "Review & sign"); b.sees(onPhone, "Connect"); }
	parent, _ := browser()
	ctx, stop := chromedp.NewContext(parent); defer stop()
	page := &tab{t: t, ctx: ctx, front: b.front}
	if os.Getenv("W") != "" { page.watch() }
	t0 := time.Now()
	page.do(chromedp.EmulateViewport(390, 1000))
	t.Log(time.Since(t0))
	if os.Getenv("PLAIN") != "" { x := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request){ if os.Getenv("PLAIN")=="2" {w.Header().Set("Cross-Origin-Opener-Policy","same-origin")}; w.Write([]byte("<h1>hi</h1>")) })); defer x.Close(); page.do(chromedp.Navigate(x.URL)) } else if os.Getenv("ABOUT") != "" { page.do(chromedp.Navigate(s.front.url()+"/")) } else {
	page.do(chromedp.Navigate(v)) }
	t.Log(time.Since(t0))
	w, err := js[string](page, onScreen, "location.href")
	t.Log(w, err, time.Since(t0))
}

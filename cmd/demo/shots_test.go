package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestScreenshots takes the README's pictures into the folder that BELAY_SHOTS names; without it there is nothing to do.
// What they show is the real program at work: nothing is staged but what was typed and pressed.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("BELAY_SHOTS")
	if folder == "" {
		t.Skip("BELAY_SHOTS names no folder for the README's pictures; `make screenshots` does")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // pictures for everyone
		t.Fatal(err)
	}
	s := newStage(t, 40*time.Second)
	b := openTab(t, s, 1280, 860)
	b.sees(onPhone, "Nothing is going on")

	b.types(`/pause usdc "the oracle is off by 9 %"`)
	b.presses(onScreen, "Review & sign")
	b.signs()
	b.alone(".line:has(> .said > .card)")
	b.keeps(folder, "card", chromedp.Screenshot(chromedp.ID("alone")))
	b.alone("")

	b.presses(onScreen, "Swap call")
	b.sees(onPhone, "Signing is off")
	b.presses(onScreen, "Send forged signatures")
	b.sees(onScreen, "422 not_owner")
	b.presses(onScreen, "Lies")
	b.sees(onScreen, "Belay caught it")
	b.presses(onScreen, "Kill process")
	b.sees(onScreen, "Nothing was lost")
	b.alone("#attacks")
	b.keeps(folder, "attacks", chromedp.Screenshot(chromedp.ID("alone")))
	b.alone("")
	for _, deed := range []string{"tamper", "lie"} {
		b.comes(onScreen, "honest again", `(document.querySelector('[data-do="`+deed+`"]').click(), true)`)
	}

	sign, err := js[string](b, onScreen, "document.querySelector('.card a.button').href")
	if err != nil {
		t.Fatal(err)
	}
	b.presses(onScreen, "Bob’s")
	page := b.alonePage(sign, 390, 1290)
	page.settles()
	where, err := js[string](page, onScreen, "location.href")
	t.Log(err)
	t.Log(sign, where)
	page.presses(onScreen, "Connect Demo wallet")
	page.sees(onScreen, "Sign the pause at nonce 0")
	page.settles()
	page.keeps(folder, "sign", nil)
	page.presses(onScreen, "Sign the pause")
	b.comes(onScreen, "the wallet asks", `document.querySelector('.sheet.open .ask') !== null`)
	b.presses(onScreen, "Sign")
	b.presses(onScreen, "Review & sign")
	b.sees(onScreen, "EXECUTED")
	b.comes(onScreen, "the chain says paused", `document.querySelector('[data-symbol="usdc"]').innerText.includes('paused')`)
	b.sees(onPhone, "Done")
	b.settles()
	b.keeps(folder, "demo", nil)

	b.types(`/propose set-ltv weth ltv_bps=7500 "lend less against it"`)
	b.presses(onScreen, "Propose")
	b.sees(onScreen, "P-2 is up")
	b.presses(onScreen, "Review & sign")
	b.sees(onPhone, "Change the loan-to-value")
	b.signs()
	b.hands("alice")
	b.signs()
	b.sees(onScreen, "of chain time")
	b.presses(onScreen, "Board")
	b.sees(onPhone, "What is going on")
	b.comes(onScreen, "half of the delay is over", `/opens in (1\d|2[0-4]) s/.test(document.getElementById('chain').innerText)`)
	b.settles()
	b.keeps(folder, "timelock", nil)
	board := b.alonePage(b.front+"/", 900, 1040)
	board.sees(onScreen, "Waiting in the timelock")
	board.settles()
	board.keeps(folder, "board", nil)
}

// alonePage opens an address of Belay's in a tab of its own, with the demo wallet that the proxy puts into every page.
func (b *tab) alonePage(address string, width, height int64) *tab {
	b.t.Helper()
	parent, err := browser()
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, closeTab := chromedp.NewContext(parent)
	b.t.Cleanup(closeTab)
	page := &tab{t: b.t, ctx: ctx, front: b.front}
	page.watch() // also makes the tab live as long as ctx
	page.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(address))
	return page
}

// alone shows a copy of one element above everything else, in full; "" takes it away.
func (b *tab) alone(selector string) {
	b.t.Helper()
	b.comes(onScreen, "alone", `(() => {
		document.getElementById('alone')?.remove();
		if (`+quoted(selector)+` === '') return true;
		const found = document.querySelector(`+quoted(selector)+`);
		const place = Object.assign(document.createElement('div'), { id: 'alone' });
		Object.assign(place.style, { position: 'absolute', top: 0, left: 0, width: found.matches('.line') ? '42rem' : '76rem', zIndex: 9, background: 'var(--surface)', padding: '.6rem 1.1rem .9rem' });
		place.append(found.cloneNode(true));
		document.body.append(place);
		return true; })()`)
}

// settles waits until nothing moves any more.
func (b *tab) settles() {
	b.t.Helper()
	pause := time.NewTimer(600 * time.Millisecond)
	<-pause.C
}

// keeps saves a picture, of the whole window if shot is nil.
func (b *tab) keeps(folder, name string, shot chromedp.Action[[]byte]) {
	b.t.Helper()
	if shot == nil {
		shot = chromedp.CaptureScreenshot()
	}
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	taken, err := chromedp.Run(ctx, shot)
	if err != nil {
		b.t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(taken))
	if err != nil {
		b.t.Fatalf("%s is no PNG: %v", name, err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColours(picture)); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), small.Bytes(), 0o644); err != nil { //nolint:gosec // a picture for everyone
		b.t.Fatal(err)
	}
	b.t.Logf("%s.png, %d KB (%d KB as taken)", name, small.Len()/1024, len(taken)/1024)
}

// fewColours keeps the 256 commonest colours, which for a screen without photographs nobody sees, and takes half the bytes.
func fewColours(in image.Image) image.Image {
	const most = 256 // of a PNG's palette
	times := map[color.RGBA]int{}
	box := in.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			times[color.RGBAModel.Convert(in.At(x, y)).(color.RGBA)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(times), func(a, b color.RGBA) int { return times[b] - times[a] })
	var palette color.Palette
	for _, c := range all[:min(most, len(all))] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	for c := range times {
		nearest[c] = uint8(palette.Index(c)) //nolint:gosec // at most 255
	}
	out := image.NewPaletted(box, palette)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[color.RGBAModel.Convert(in.At(x, y)).(color.RGBA)])
		}
	}
	return out
}

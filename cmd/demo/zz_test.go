package main

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func TestZZ(t *testing.T) {
	s := newStage(t, 40*time.Second)
	b := openTab(t, s, 390, 844)
	b.types(`/pause usdc "the oracle is off by 9 %"`)
	b.presses(onScreen, "Review & sign")
	b.signs()
	b.settles()
	b.keeps("/tmp/demo/shots", "zz-phone", chromedp.FullScreenshot(100))
	b.do(chromedp.EmulateViewport(1000, 900))
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		return err
	}))
	b.settles()
	b.keeps("/tmp/demo/shots", "zz-dark", chromedp.FullScreenshot(100))
	b.do(chromedp.EmulateViewport(1500, 1000))
	b.types(`/belay help`)
	b.sees(onScreen, "What you can type")
	b.types(`/pasue usdc`)
	b.types(`/pause xyz`)
	b.types(`/propose set-ltv usdc ltv_bps=99999 "x"`)
	b.settles()
	b.settles()
	b.keeps("/tmp/demo/shots", "zz-wide", nil)
}

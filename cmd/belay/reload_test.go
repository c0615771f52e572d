package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// heard is a log that can be read while it is written.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(h.text.String(), text)
}

// TestAReloadThatCannotBeServedKeepsTheOld: whether the files say so by themselves, or only the start does.
func TestAReloadThatCannotBeServedKeepsTheOld(t *testing.T) {
	i := newIncident(t)
	i.halt()
	log, done := &heard{}, make(chan int, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { done <- run(ctx, []string{"--config", i.config, "serve"}, streams{out: io.Discard, err: log}) }()
	serves := func(asset string) {
		t.Helper()
		i.eventually("a pause of "+asset+" is taken", func() bool {
			code, _ := i.asked("pause-reserve", map[string]string{"asset": asset})
			return code == http.StatusCreated || code == http.StatusOK
		})
	}
	serves("usdc")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()

	raw, err := os.ReadFile(i.config)
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	for _, c := range []struct{ asset, text, why string }{
		{"weth", good + "surprise: 1\n", "surprise"},
		{"wbtc", strings.Replace(good, "key_file: secrets/relayer,", "key_file: secrets/owner,", 1), "gas and no power"},
		{"usdc", regexp.MustCompile(`admin_listen: "[^"]*"`).ReplaceAllString(good, `admin_listen: "`+taken.Addr().String()+`"`), "address already in use"},
	} {
		write(t, filepath.Join(filepath.Dir(i.config), "secrets", "owner"), common.Bytes2Hex(common.LeftPadBytes(i.stack.Owners[0].D.Bytes(), 32))) //nolint:staticcheck // a public test key
		write(t, i.config, c.text)
		i.reload()
		i.eventually("it says that the old one goes on: "+c.why, func() bool { return log.has("the old one goes on") && log.has(c.why) })
		serves(c.asset)
	}
	write(t, i.config, strings.Replace(good, ": market", ": the-market", 1))
	i.reload()
	i.eventually("a good one is taken", func() bool { return log.has(`"change":"label ` + i.stack.Market.Hex() + ` changed"`) })
	serves("usdc")
	cancel()
	if code := <-done; code != exitDone {
		t.Errorf("serve ended with %d", code)
	}
}

package devnet

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
)

// Guarding says how a Belay should guard the sample protocol. Empty fields leave the part out.
type Guarding struct {
	Listen, AdminListen string            // addresses to listen on; required
	PublicURL           string            // default http://Listen
	Token               string            // the operator's token
	RPC                 map[string]string // providers by name; default the chain itself, once
	Confirmations       int               // default 1: mined
	Expires             string            // of the pause; default 24h
	Slack, Discord      string            // the sections' YAML, indented by two, without their headings
}

// WriteConfiguration writes a complete Belay configuration for the sample protocol into dir: secrets, playbooks and
// belay.yaml, whose path it returns. Members: alice (guardian and signer), bob and carol (signers), who own the Safe.
func (s *Stack) WriteConfiguration(dir string, g Guarding) (string, error) {
	files := map[string]string{
		"secrets/token":        g.Token,
		"secrets/relayer":      hex.EncodeToString(crypto.FromECDSA(s.Relayer)),
		"playbooks/pause.yaml": s.fill(pausePlaybook), "playbooks/unpause.yaml": s.fill(unpausePlaybook), "playbooks/set-ltv.yaml": s.fill(ltvPlaybook),
		"playbooks/pause-all.yaml": s.fill(pauseAllPlaybook),
		"belay.yaml":               s.belayYAML(g),
	}
	for i, key := range s.Emergency {
		files[fmt.Sprintf("secrets/emergency%d", i+1)] = hex.EncodeToString(crypto.FromECDSA(key))
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", fmt.Errorf("write configuration: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write configuration: %w", err)
		}
	}
	return filepath.Join(dir, "belay.yaml"), nil
}

// fill puts the sample protocol's addresses in place of their names in angle brackets.
func (s *Stack) fill(text string) string {
	pairs := []string{"<market>", s.Market.Hex(), "<safe>", s.Guardian.Hex(), "<timelock>", s.Timelock.Hex()}
	for _, a := range s.Assets {
		pairs = append(pairs, "<"+a.Symbol+">", a.Token.Hex())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (s *Stack) belayYAML(g Guarding) string {
	if g.PublicURL == "" {
		g.PublicURL = "http://" + g.Listen
	}
	if g.Confirmations == 0 {
		g.Confirmations = 1
	}
	if len(g.RPC) == 0 {
		g.RPC = map[string]string{"devnet": s.Chain.URL()}
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("http: {listen: %q, public_url: %q, admin_listen: %q, api_token_file: secrets/token}", g.Listen, g.PublicURL, g.AdminListen)
	line("store: {path: belay.db, log_key_file: log.key}")
	line("chains:\n  - name: devnet\n    chain_id: %d\n    confirmations: %d\n    rpc:", s.Chain.ChainID(), g.Confirmations)
	for _, name := range sortedKeys(g.RPC) {
		line("      - {name: %s, url: %q}", name, g.RPC[name])
	}
	line("    relayer: {key_file: secrets/relayer, emergency_key_files: [secrets/emergency1, secrets/emergency2], max_fee_gwei: 300, emergency_max_fee_gwei: 2000}")
	line("safes:\n  - {name: guardian, chain: devnet, address: %q}", s.Guardian.Hex())
	line("timelocks:\n  - {name: core-timelock, chain: devnet, address: %q, kind: openzeppelin}", s.Timelock.Hex())
	line("members:")
	for i, m := range []struct{ name, roles, slack, discord string }{
		{"alice", "guardian, signer", "U0000001", "104200000000000001"}, {"bob", "signer", "U0000002", "104200000000000002"}, {"carol", "signer", "U0000003", "104200000000000003"},
	} {
		line("  - {name: %s, roles: [%s], slack: %s, discord: %q, wallets: [%q]}", m.name, m.roles, m.slack, m.discord, crypto.PubkeyToAddress(s.Owners[i].PublicKey).Hex())
	}
	line("labels:\n  %q: market", s.Market.Hex())
	for _, a := range s.Assets {
		line("  %q: %s", a.Token.Hex(), a.Symbol)
	}
	for _, platform := range []struct{ heading, section string }{{"slack", g.Slack}, {"discord", g.Discord}} {
		if platform.section != "" {
			line("%s:\n%s", platform.heading, strings.TrimRight(platform.section, "\n"))
		}
	}
	line("playbooks: [playbooks/*.yaml]")
	line("pause_list:\n  - {to: %q, function: \"setReservePause(address,bool)\", args: [\"*\", true]}", s.Market.Hex())
	return b.String()
}

const pausePlaybook = `name: pause-reserve
title: Pause one asset of the sample market
kind: pause
safe: guardian
via: direct
params:
  asset: {type: address, choices: {usdc: "<usdc>", weth: "<weth>", wbtc: "<wbtc>"}, required: true, sample: usdc}
reads:
  paused: {call: {to: "<market>", function: "getPaused(address asset) returns (bool)", args: ["{{asset}}"]}}
calls:
  - {to: "<market>", function: "setReservePause(address asset, bool paused)", args: ["{{asset}}", true], skip_if: paused}
expect:
  - {call: {to: "<market>", function: "getPaused(address asset) returns (bool)", args: ["{{asset}}"]}, equals: true}
policy: {propose: [guardian], expires: 24h, spares: 1}
undo: unpause-reserve
public: {what: "The asset is paused", users_can: "nothing with it until it is unpaused", next_update: 30m}
`

const pauseAllPlaybook = `name: pause-all
title: Pause every asset of the sample market
kind: pause
safe: guardian
calls:
  - {to: "<market>", function: "setReservePause(address asset, bool paused)", args: ["<usdc>", true]}
  - {to: "<market>", function: "setReservePause(address asset, bool paused)", args: ["<weth>", true]}
  - {to: "<market>", function: "setReservePause(address asset, bool paused)", args: ["<wbtc>", true]}
expect:
  - {call: {to: "<market>", function: "getPaused(address asset) returns (bool)", args: ["<usdc>"]}, equals: true}
  - {call: {to: "<market>", function: "getPaused(address asset) returns (bool)", args: ["<weth>"]}, equals: true}
  - {call: {to: "<market>", function: "getPaused(address asset) returns (bool)", args: ["<wbtc>"]}, equals: true}
policy: {propose: [guardian], spares: 0}
public: {what: "The whole market is paused", users_can: "nothing until it is unpaused"}
`

const unpausePlaybook = `name: unpause-reserve
title: Unpause one asset of the sample market
kind: unpause
safe: guardian
via: core-timelock
params:
  asset: {type: address, choices: {usdc: "<usdc>", weth: "<weth>", wbtc: "<wbtc>"}, required: true, sample: usdc}
calls:
  - {to: "<market>", function: "setReservePause(address asset, bool paused)", args: ["{{asset}}", false]}
expect:
  - {call: {to: "<market>", function: "getPaused(address asset) returns (bool)", args: ["{{asset}}"]}, equals: false}
policy: {propose: [guardian], expires: 72h}
public: {what: "The asset is open again", users_can: "use it as before"}
`

const ltvPlaybook = `name: set-ltv
title: Change the loan-to-value of one asset
kind: parameter
safe: guardian
via: core-timelock
params:
  asset: {type: address, choices: {usdc: "<usdc>", weth: "<weth>", wbtc: "<wbtc>"}, required: true, sample: usdc}
  ltv_bps: {type: uint256, min: 0, max: 9000, required: true, sample: 7000, max_change: {read: ltv, by: 1000}}
reads:
  ltv: {call: {to: "<market>", function: "getReserve(address asset) returns (bool paused, uint256 ltvBps, uint256 liquidationThresholdBps, uint256 supplyCap)", args: ["{{asset}}"]}, pick: ltvBps}
  threshold: {call: {to: "<market>", function: "getReserve(address asset) returns (bool paused, uint256 ltvBps, uint256 liquidationThresholdBps, uint256 supplyCap)", args: ["{{asset}}"]}, pick: liquidationThresholdBps}
require: ["ltv_bps <= threshold"]
calls:
  - {to: "<market>", function: "setReserveLtv(address asset, uint256 ltvBps)", args: ["{{asset}}", "{{ltv_bps}}"]}
expect:
  - {call: {to: "<market>", function: "getReserve(address asset) returns (bool paused, uint256 ltvBps, uint256 liquidationThresholdBps, uint256 supplyCap)", args: ["{{asset}}"]}, pick: ltvBps, equals: "{{ltv_bps}}"}
policy: {propose: [guardian], expires: 72h}
public: {what: "The loan-to-value is changed", users_can: "everything as before"}
`

func sortedKeys(m map[string]string) []string {
	return slices.Sorted(maps.Keys(m))
}

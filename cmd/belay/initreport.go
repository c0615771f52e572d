package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"belay/bot/discord"

	"github.com/ethereum/go-ethereum/common"
)

// beginning is what `belay init --json` prints.
type beginning struct {
	Files     []string `json:"files"`
	ChainID   uint64   `json:"chain_id"`
	Safe      string   `json:"safe"`
	Version   string   `json:"version"`
	Verified  string   `json:"verified"`
	Threshold int      `json:"threshold"`
	Owners    []string `json:"owners"`
	Warnings  []string `json:"warnings"`
	Relayer   *string  `json:"relayer"`
	Invite    *string  `json:"discord_invite"`
	Next      []string `json:"next"`
}

// report prints what was found and written, and what to do next.
func (s *setup) report() error {
	b := beginning{Files: s.written, ChainID: s.chainID, Safe: s.address.Hex(), Version: s.state.Version.String(), Verified: string(s.state.Verified),
		Threshold: s.state.Threshold, Owners: []string{}, Warnings: s.warnings(), Next: s.next()}
	for _, owner := range s.state.Owners {
		b.Owners = append(b.Owners, owner.Hex())
	}
	if s.relayer != (common.Address{}) {
		relayer := s.relayer.Hex()
		b.Relayer = &relayer
	}
	if s.discordApp != "" {
		invite := inviteLink(s.discordApp)
		b.Invite = &invite
	}
	return s.print(b, b.text())
}

func (b beginning) text() string {
	var t strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	line("Chain %d (%s). Safe %s, version %s (%s): %d of %d owners sign.", b.ChainID, chainNameOf(b.ChainID), b.Safe, b.Version, b.Verified, b.Threshold, len(b.Owners))
	for _, w := range b.Warnings {
		line("warn  %s", w)
	}
	line("\nWrote:")
	for _, f := range b.Files {
		line("  %s", f)
	}
	line("\nNext:")
	for i, step := range b.Next {
		line("%2d. %s", i+1, strings.ReplaceAll(step, "\n", "\n      "))
	}
	return strings.TrimRight(t.String(), "\n")
}

// warnings are what is odd about the Safe, and what one provider cannot give.
func (s *setup) warnings() []string {
	list := append([]string{}, oddities(s.state)...)
	if len(s.rpc) == 1 {
		list = append(list, "one provider only: nothing is checked against a second one, and every card will say unverified")
	}
	return list
}

// inviteLink invites the bot with the permissions that it uses and no others.
func inviteLink(application string) string {
	return fmt.Sprintf("https://discord.com/oauth2/authorize?client_id=%s&scope=bot+applications.commands&permissions=%d", url.QueryEscape(application), int64(discord.Permissions))
}

// next lists the steps that are left, with commands that can be copied.
func (s *setup) next() []string {
	config := shellWord(filepath.Join(s.dir, "belay.yaml"))
	program := "belay"
	if own, err := os.Executable(); err == nil {
		program = shellWord(own)
	}
	steps := []string{
		fmt.Sprintf("In %s, under members: put people's names in place of owner1 to owner%d, with their chat ids.", config, len(s.state.Owners)),
		fmt.Sprintf("In the files of %s and in the pause_list of %s: put your contract's addresses.", shellWord(filepath.Join(s.dir, "playbooks")), config),
	}
	if s.relayer != (common.Address{}) {
		steps = append(steps, fmt.Sprintf("Send some ether on chain %d to the relayer, %s: it pays gas and must hold no other power.", s.chainID, s.relayer.Hex()))
	} else {
		steps = append(steps, fmt.Sprintf("Put the key of an account that holds gas and nothing else into %s, chmod 600, and take the # off the relayer in %s. Without, people send from their own wallets.", shellWord(filepath.Join(s.dir, relayerFile)), config))
	}
	steps = append(steps, s.emergencyKeys(config))
	token := shellWord(filepath.Join(s.dir, "secrets", "api_token"))
	steps = append(steps, fmt.Sprintf("Make the operator's token, by which people propose when chat is down, and take the # off api_token_file in %s:\n(umask 077; openssl rand -hex 32 > %s)", config, token))
	steps = append(steps, fmt.Sprintf("Slack: api.slack.com/apps, Create New App, From a manifest: %s. Then fill in the section slack.", shellWord(filepath.Join(s.dir, "slack-manifest.yaml"))))
	if s.discordApp != "" {
		steps = append(steps, "Discord: invite the bot, then fill in the section discord:\n"+inviteLink(s.discordApp))
	}
	return append(steps,
		"Could you pause now? It says what is still missing:\n"+program+" --config "+config+" check",
		"Have members sign what is configured, each with a wallet, and then raise manifest.require in "+config+": who can write to this machine changes nothing after that.\n"+program+" --config "+config+" config sign --help",
		s.service(program),
		"Once it has started: write down the log's public key on another machine, to check exported logs with. The private one is made beside the store; keep it with your backups.\n"+program+" --config "+config+" version")
}

// emergencyKeys says how a pause gets keys of its own.
func (s *setup) emergencyKeys(config string) string {
	secrets := filepath.Join(s.dir, "secrets")
	first, second := shellWord(filepath.Join(secrets, "relayer_e1")), shellWord(filepath.Join(secrets, "relayer_e2"))
	return fmt.Sprintf("Make two more keys, for emergencies alone, take the # off emergency_key_files in %s, and fund the addresses that `belay check` names:\n(umask 077; openssl rand -hex 32 > %s; openssl rand -hex 32 > %s)", config, first, second)
}

func (s *setup) logKeyFile() string { return filepath.Join(filepath.Dir(s.storePath), "log.key") }

// service says how to run it for good. The unit expects the configuration in /etc/belay.
func (s *setup) service(program string) string {
	commands := []string{"When it says yes, run it as a service:",
		"sudo useradd --system --home-dir /var/lib/belay --shell /usr/sbin/nologin belay",
		"sudo install -m 755 " + program + " /usr/local/bin/belay"}
	if full, err := filepath.Abs(s.dir); err != nil || full != "/etc/belay" {
		commands = append(commands, "sudo cp -rT --preserve=mode "+shellWord(s.dir)+" /etc/belay")
	}
	return strings.Join(append(commands,
		"sudo chown -R belay:belay /etc/belay/secrets",
		"sudo cp /etc/belay/belay.service /etc/systemd/system/",
		"sudo systemctl daemon-reload && sudo systemctl enable --now belay"), "\n")
}

// shellWord quotes a path for a shell where it needs it.
func shellWord(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

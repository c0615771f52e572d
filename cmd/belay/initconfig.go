package main

import (
	"fmt"
	"regexp"
	"strings"
)

// The configuration is the shipped example, section by section: what was read or told takes the place of what is made up, and what
// nobody told yet stands there as a comment, to be filled in.

// section is a top-level key of a YAML file with the comments above it. The key is "" for comments that stand alone.
type section struct{ key, text string }

var topLevelKey = regexp.MustCompile(`^([a-z_]+):`)

func sectionsOf(text string) (list []section) {
	above, open := "", false // open: the lines that follow belong to the last section
	for line := range strings.Lines(text) {
		key := topLevelKey.FindStringSubmatch(line)
		switch {
		case key != nil:
			list, above, open = append(list, section{key[1], above + line}), "", true
		case strings.TrimSpace(line) == "":
			if above != "" {
				list, above = append(list, section{"", above}), ""
			}
			open = false
		case open && line[0] != '#':
			list[len(list)-1].text += line
		default:
			above += line
			open = false
		}
	}
	return list
}

// belayYAML is the whole configuration.
func (s *setup) belayYAML(relayer bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Belay for the Safe %s, as `belay init` found it. What is still to be told is a comment.\n"+
		"# Unknown keys are errors; relative paths are relative to this file. After every change: belay --config belay.yaml check\n", s.address.Hex())
	for _, part := range sectionsOf(strings.ReplaceAll(shipped("belay.yaml"), "/etc/belay/secrets/", "secrets/")) {
		if part.key != "" {
			b.WriteString("\n" + s.fill(part, relayer))
		}
	}
	return b.String()
}

// fill gives one section its text.
func (s *setup) fill(part section, relayer bool) string {
	switch part.key {
	case "http":
		return edit(part.text, edits{"public_url": to(s.publicURL), "api_token_file": comment})
	case "store":
		return edit(part.text, edits{"path": to(quoted(s.storePath)), "log_key_file": to(quoted(s.logKeyFile()))})
	case "chains":
		return s.fillChain(part.text, relayer)
	case "safes":
		return edit(part.text, edits{"- {name": line(fmt.Sprintf("  - {name: %s, chain: %s, address: %q%s}", s.name, chainNameOf(s.chainID), s.address.Hex(), s.allowance()))})
	case "members":
		return s.members()
	case "pause_list":
		above, _, _ := strings.Cut(part.text, "pause_list:")
		return above + pauseListOf(setOf(s.set))
	case "discord":
		return commented(edit(part.text, edits{"application_id": func(l string) string { return strings.Replace(l, "104200000000000200", s.discordID(), 1) }}))
	case "timelocks":
		return commented(strings.ReplaceAll(part.text, "chain: ethereum", "chain: "+chainNameOf(s.chainID)))
	case "roles", "labels", "slack", "abis":
		return commented(part.text)
	}
	return part.text // privacy, commands, manifest, playbooks: as good as they are
}

func (s *setup) fillChain(text string, relayer bool) string {
	var providers strings.Builder
	for i := range s.rpc {
		fmt.Fprintf(&providers, "\n      - {name: %[1]s, url_file: secrets/%[1]s}", providerName(i))
	}
	changes := edits{
		"- name": to(chainNameOf(s.chainID)), "chain_id": to(fmt.Sprint(s.chainID)), "- {name": drop, "agreement": comment,
		"rpc":      func(l string) string { return strings.TrimRight(l, "\n") + providers.String() + "\n" },
		"explorer": to(explorerOf(s.chainID)), "emergency_key_files": comment, "emergency": comment,
	}
	if explorerOf(s.chainID) == "" {
		changes["explorer"] = comment
	}
	if !relayer {
		for _, key := range []string{"relayer", "key_file", "max_fee_gwei", "emergency_max_fee_gwei", "daily_budget"} {
			changes[key] = comment
		}
	}
	return edit(text, changes)
}

// members are the owners, for the person to name.
func (s *setup) members() string {
	var b strings.Builder
	b.WriteString("members:                                      # the Safe's owners: give each a name, and discord and slack ids; public: true where public_names is opt_in\n")
	for i, owner := range s.state.Owners {
		fmt.Fprintf(&b, "  - {name: owner%d, roles: [guardian, signer], wallets: [%q]}\n", i+1, owner.Hex())
	}
	return b.String()
}

func (s *setup) allowance() string {
	if s.allowUnverified {
		return ", allow_unverified: true"
	}
	return ""
}

func (s *setup) discordID() string {
	if s.discordApp == "" {
		return "APPLICATION_ID"
	}
	return s.discordApp
}

// pauseListOf cuts the pause list out of the file that holds it.
func pauseListOf(set playbookSet) string {
	for _, part := range sectionsOf(shipped(set.pauses)) {
		if part.key == "pause_list" {
			_, list, _ := strings.Cut(part.text, "pause_list:")
			return "pause_list:" + list
		}
	}
	panic(set.pauses + " holds no pause_list") // a test reads every one
}

// edits say what becomes of a line, by what stands before its first colon.
type edits map[string]func(line string) string

func edit(text string, changes edits) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		key, _, _ := strings.Cut(strings.TrimSpace(l), ":")
		if change := changes[key]; change != nil {
			l = change(l)
		}
		b.WriteString(l)
	}
	return b.String()
}

var keyAndValue = regexp.MustCompile(`^( *(?:- )?\w+: *)(\S+)`)

// to puts a value in the place of another, and leaves the comment behind it, in its column where there is room.
func to(value string) func(string) string {
	return func(l string) string {
		found := keyAndValue.FindStringSubmatch(l)
		if found == nil {
			return l
		}
		rest := l[len(found[0]):]
		behind := strings.TrimLeft(rest, " ")
		if behind == "\n" {
			return found[1] + value + behind
		}
		room := len(rest) - len(behind) + len(found[2]) - len(value)
		return found[1] + value + strings.Repeat(" ", max(1, room)) + behind
	}
}

func line(text string) func(string) string { return func(string) string { return text + "\n" } }

func drop(string) string { return "" }

// comment keeps the line's depth, so that taking "# " away makes it count again.
func comment(l string) string {
	depth := len(l) - len(strings.TrimLeft(l, " "))
	return l[:depth] + "# " + l[depth:]
}

// commented makes a whole section a comment.
func commented(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		if l[0] != '#' {
			l = "# " + l
		}
		b.WriteString(l)
	}
	return b.String()
}

// quoted is a YAML scalar of any text.
func quoted(text string) string { return fmt.Sprintf("%q", text) }

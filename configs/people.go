package configs

import (
	"encoding/hex"
	"strings"
	"unicode"

	"github.com/ethereum/go-ethereum/common"
)

func readMember(v value) Member {
	s := v.section()
	m := Member{
		Name:    s.need("name", "").name(),
		Roles:   s.get("roles").texts(),
		Discord: s.get("discord").snowflake(),
		Slack:   s.get("slack").text(),
		Public:  s.get("public").boolean(),
	}
	for _, item := range s.get("wallets").items() {
		if a := item.address(); a != (common.Address{}) {
			m.Wallets = append(m.Wallets, a)
		}
	}
	s.close()
	return m
}

// snowflake reads one of Discord's ids: up to 20 digits, from the text, since numbers this large lose digits elsewhere.
func (v value) snowflake() string {
	if v.node == nil {
		return ""
	}
	s := v.text()
	if s != "" && (strings.Trim(s, "0123456789") != "" || len(s) > 20) {
		v.problem("Discord: enable Developer Mode, then Copy ID", "%s: %q is not a Discord id", v.label(), s)
		return ""
	}
	return s
}

func (v value) snowflakes() []string {
	var ids []string
	for _, item := range v.items() {
		if id := item.snowflake(); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func readRoles(v value) []Role {
	var roles []Role
	for _, e := range v.entries() {
		if !namePattern.MatchString(e.key) {
			e.keyAt.problem("1 to 32 of a-z, 0-9, _ and -, a letter first", "roles: %q is not a name", e.key)
		}
		s := e.value.section()
		roles = append(roles, Role{Name: e.key, DiscordRoles: s.get("discord_roles").snowflakes(), SlackGroups: s.get("slack_groups").texts()})
		s.close()
	}
	return roles
}

func readLabels(v value) []Label {
	var labels []Label
	seen := map[common.Address]string{}
	for _, e := range v.entries() {
		a, why := parseAddress(e.key)
		if why != "" {
			e.keyAt.problem("copy it again from where you trust it", "labels: %s %s", e.key, why)
			continue
		}
		if first, twice := seen[a]; twice {
			e.keyAt.problem("keep one", "labels: %s has the label %q already", e.key, first)
		}
		label := Label{a, e.value.shortLabel()}
		seen[a] = label.Name
		labels = append(labels, label)
	}
	return labels
}

// shortLabel reads a label as cards show it: short, and never to be taken for an address.
func (v value) shortLabel() string {
	s := v.text()
	if len([]rune(s)) > 64 || strings.Contains(strings.ToLower(s), "0x") || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		v.problem("at most 64 printable characters, and no 0x", "%s: %q is not a label", v.label(), s)
	}
	return s
}

func readCommands(v value) Commands {
	s := v.section()
	c := Commands{"belay", "pause", "propose"}
	for key, name := range map[string]*string{"root": &c.Root, "pause": &c.Pause, "propose": &c.Propose} {
		if given := s.get(key); given.given() {
			*name = given.name()
		}
	}
	if c.Root == c.Pause || c.Root == c.Propose || c.Pause == c.Propose {
		s.problem("", "two commands have one name")
	}
	s.close()
	return c
}

func readDiscord(v value) *Discord {
	if !v.given() {
		return nil
	}
	s := v.section()
	d := &Discord{
		ApplicationID: s.need("application_id", "Developer Portal, General Information").snowflake(),
		PublicKey:     s.get("public_key").text(),
		GuildID:       s.need("guild_id", "the server's id").snowflake(),
		Token:         s.needSecret("token", "the bot's token"),
		Mode:          s.get("mode").oneOf("gateway", "http"),
		WarRoom:       s.need("war_room", "the channel where cards are posted").snowflake(),
		Community:     s.get("community").snowflake(),
		APIURL:        strings.TrimSuffix(s.get("api_url").webAddress("https://discord.com"), "/"),
	}
	key, err := hex.DecodeString(d.PublicKey)
	switch public := s.get("public_key"); {
	case public.given() && (err != nil || len(key) != 32):
		public.problem("Developer Portal, General Information: 64 hex digits", "%s is not an Ed25519 key", public.label())
	case d.Mode == "http" && !public.given():
		s.problem("interactions are checked with it", "%s.public_key is missing: mode http needs it", s.path)
	}
	s.checkChannels(d.WarRoom, d.Community)
	s.close()
	return d
}

func readSlack(v value) *Slack {
	if !v.given() {
		return nil
	}
	s := v.section()
	k := &Slack{
		TeamID:    s.need("team_id", "the workspace's id, such as T0123").text(),
		BotToken:  s.needSecret("bot_token", "the bot's token (xoxb-…)"),
		Mode:      s.get("mode").oneOf("socket", "http"),
		WarRoom:   s.need("war_room", "the channel where cards are posted").text(),
		Community: s.get("community").text(),
		APIURL:    strings.TrimSuffix(s.get("api_url").webAddress("https://slack.com/api/"), "/") + "/",
	}
	if k.Mode == "socket" {
		k.AppToken = s.needSecret("app_token", "the app-level token (xapp-…), which mode socket needs,")
		k.SigningSecret = s.secret("signing_secret")
	} else {
		k.AppToken = s.secret("app_token")
		k.SigningSecret = s.needSecret("signing_secret", "the signing secret, which mode http needs,")
	}
	s.checkChannels(k.WarRoom, k.Community)
	s.close()
	return k
}

// checkChannels keeps what the war room reads out of the community's channel.
func (s *section) checkChannels(warRoom, community string) {
	if community != "" && warRoom == community {
		s.get("community").problem("the war room sees what the public must not", "%s.community is the war room", s.path)
	}
}

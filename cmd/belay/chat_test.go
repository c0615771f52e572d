package main

import (
	"strings"
	"testing"

	discord "belay/bot/discord/standin"
	slack "belay/bot/slack/standin"
	"belay/governance"
	"belay/safe/devnet"
)

const signingSecret = "8f742231b10e8888abcd99yyyzzz85a5"

func TestAPauseTypedInSlackIsToldInItsThreadAndToTheCommunity(t *testing.T) {
	listen := freeAddress(t)
	room, err := slack.Start(slack.Options{Team: "T1", BotToken: "xoxb-test", SigningSecret: signingSecret, Channels: []string{"CWAR", "CALL"}, Endpoint: "http://" + listen})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	i := newIncident(t, func(g *devnet.Guarding) {
		g.Listen = listen
		g.Slack = "  {team_id: T1, mode: http, bot_token_env: BELAY_TEST_BOT, signing_secret_env: BELAY_TEST_SECRET, war_room: CWAR, community: CALL, api_url: \"" + room.URL() + "\"}"
		t.Setenv("BELAY_TEST_BOT", "xoxb-test")
		t.Setenv("BELAY_TEST_SECRET", signingSecret)
	})
	ack, err := room.Slash(t.Context(), "U0000001", "CWAR", "/pause", `pause-reserve USDC “oracle off by 9 %”`)
	if err != nil || ack == "" {
		t.Fatalf("acknowledged with %q, %v", ack, err)
	}
	card := func() slack.Message {
		for _, m := range room.Messages("CWAR") {
			if m.To == "" && m.Thread == "" {
				return m
			}
		}
		return slack.Message{}
	}
	i.eventually("the card is up", func() bool { return card().TS != "" })
	if len(room.Messages("CALL")) != 0 {
		t.Error("the community was told before it was executed")
	}
	v := i.get("P-1")
	if v.Reason.Raw() != "oracle off by 9 %" || v.Proposer != "alice" {
		t.Errorf("proposed by %q because %q", v.Proposer, v.Reason.Raw())
	}
	i.quorum(v)
	i.reaches("P-1", governance.StateExecuted)
	i.eventually("the card is final", func() bool { return strings.Contains(string(card().Blocks), "paused, checked at block") })
	i.eventually("the community is told", func() bool { return len(room.Messages("CALL")) > 0 })
	for _, m := range room.Messages("CALL") {
		if strings.Contains(string(m.Blocks)+m.Text, "alice") || strings.Contains(string(m.Blocks)+m.Text, "oracle off") {
			t.Errorf("the community reads the war room's words: %s", m.Blocks)
		}
	}
	if len(room.Thread("CWAR", card().TS)) == 0 {
		t.Error("no story under the card")
	}
	if p := room.Problems(); len(p) > 0 {
		t.Errorf("Slack would have complained: %v", p)
	}
	if _, err := room.Slash(t.Context(), "U0000009", "CWAR", "/pause", "pause-reserve weth"); err != nil {
		t.Fatal(err)
	}
	i.eventually("a stranger is refused in private", func() bool {
		for _, m := range room.Private("U0000009") {
			if strings.Contains(m.Text+string(m.Blocks), "U0000009") {
				return true
			}
		}
		return false
	})
}

func TestAParameterChangeInDiscordIsShownBeforeItIsProposed(t *testing.T) {
	listen := freeAddress(t)
	guild, err := discord.Start(discord.Options{ApplicationID: "900", GuildID: "901", Token: "bot-token", Channels: []string{"902", "903"}, Endpoint: "http://" + listen})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guild.Close)
	i := newIncident(t, func(g *devnet.Guarding) {
		g.Listen = listen
		g.Discord = "  {application_id: \"900\", public_key: \"" + guild.PublicKey() + "\", guild_id: \"901\", mode: http, token_env: BELAY_TEST_TOKEN, war_room: \"902\", community: \"903\", api_url: \"" + guild.URL() + "\"}"
		t.Setenv("BELAY_TEST_TOKEN", "bot-token")
	})
	alice := discord.Who{User: "104200000000000001"}
	if _, err := guild.Slash(t.Context(), alice, "902", "propose", discord.Sub("set-ltv", "asset", "usdc", "ltv_bps", "7000", "reason", "lower risk")); err != nil {
		t.Fatal(err)
	}
	var preview discord.Message
	i.eventually("the preview is shown in private", func() bool {
		for _, m := range guild.Private(alice.User) {
			if _, err := m.Button("Propose"); err == nil {
				preview = m
				return true
			}
		}
		return false
	})
	var page struct {
		Proposals []governance.View `json:"proposals"`
	}
	i.do("GET", "/api/v1/proposals", nil, &page)
	if len(page.Proposals) != 0 {
		t.Fatal("a preview was proposed")
	}
	if _, err := guild.Press(t.Context(), alice, preview, "Propose"); err != nil {
		t.Fatal(err)
	}
	i.reaches("P-1", governance.StateProposed)
	i.eventually("the card is up", func() bool { return len(guild.Messages("902")) > 0 })
	if p := guild.Problems(); len(p) > 0 {
		t.Errorf("Discord would have complained: %v", p)
	}
}

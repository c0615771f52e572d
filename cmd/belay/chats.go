package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"belay/bot"
	"belay/bot/discord"
	"belay/bot/slack"
	"belay/configs"
)

// chat is one platform: what the bot talks through, and its HTTP handler in http mode.
type chat struct {
	platform bot.Platform
	http     http.Handler // nil in socket and gateway mode
	run      func(context.Context) error
	health   func() error
}

// makeChats makes the configured platforms.
func makeChats(cfg *configs.Config, gate bot.Gate, log *slog.Logger, m *metrics) ([]chat, error) {
	names := bot.Names{Root: cfg.Commands.Root, Pause: cfg.Commands.Pause, Propose: cfg.Commands.Propose}
	var all []chat
	if c := cfg.Slack; c != nil {
		p, err := slack.New(slack.Config{TeamID: c.TeamID, BotToken: bot.Secret(c.BotToken.Reveal()), AppToken: bot.Secret(c.AppToken.Reveal()), SigningSecret: bot.Secret(c.SigningSecret.Reveal()),
			Mode: c.Mode, WarRoom: c.WarRoom, Community: c.Community, APIURL: c.APIURL, Groups: slackGroups(cfg), Names: names, Log: log, Observe: observeAcks(m)}, gate)
		if err != nil {
			return nil, usage(err)
		}
		one := chat{platform: p, run: p.Run, health: p.Health}
		if c.Mode == slack.ModeHTTP {
			one.http = p.Handler()
		}
		all = append(all, one)
	}
	if c := cfg.Discord; c != nil {
		p, err := discord.New(discord.Config{ApplicationID: c.ApplicationID, PublicKey: c.PublicKey, GuildID: c.GuildID, Token: bot.Secret(c.Token.Reveal()),
			Mode: c.Mode, WarRoom: c.WarRoom, Community: c.Community, APIURL: c.APIURL, Names: names, Log: log, Observe: observeAcks(m)}, gate)
		if err != nil {
			return nil, usage(err)
		}
		one := chat{platform: p, run: p.Run, health: p.Health}
		if c.Mode == discord.ModeHTTP {
			one.http = p.Handler()
		}
		all = append(all, one)
	}
	return all, nil
}

func slackGroups(cfg *configs.Config) []string {
	var ids []string
	for _, r := range cfg.Roles {
		ids = append(ids, r.SlackGroups...)
	}
	return ids
}

func observeAcks(m *metrics) bot.Observer {
	return func(platform string, outcome bot.Outcome, took time.Duration) { m.ack(platform, string(outcome), took) }
}

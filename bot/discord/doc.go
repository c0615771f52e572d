// Package discord is Belay's adapter for Discord: it verifies, hands over, decodes and lays out. Nothing else.
//
// Interactions come in over the gateway (the default; no public address is needed) or as signed HTTP requests. Either way
// the raw interaction is committed to the inbox first and then acknowledged by a deferred private answer, within a second;
// the worker edits that answer. If it cannot be committed the person reads "NOT recorded" and what to do instead. A forged
// or stale request gets 401 before anything in it is parsed.
//
// A command that lacks something (parameters that could not be options of their own) is not recorded: it is answered by a
// form that asks for the rest, where that fits into one. Everything else that is missing is told as a private answer.
//
// The types of components and embeds, and the numbers of the protocol, are discordgo's. Its gateway loop is not used: it
// locks up on some orders of packets, hides close codes, and does not follow the resume address. The loop here is small:
// it resumes, watches for a dead connection, waits between attempts, and stops on the codes that only an operator can mend.
// Nor is its REST client: that one queues acknowledgements behind other calls and keeps secrets in its errors.
//
// Run owns every goroutine and returns when its context ends or with such a stop. Interaction tokens, the bot token and
// what people wrote appear in no log and no error.
package discord

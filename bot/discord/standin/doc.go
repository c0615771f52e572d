// Package standin is a Discord server in one process, for tests and for the demo. It is as strict as the vendor where an
// app could notice: authorisation, three seconds for an acknowledgement and only one of them (10062, 40060), answers that
// exist only after it (10015), caps of messages and commands, threads (160004, 50083), rate limits, and a gateway that
// wants HELLO, IDENTIFY, heartbeats and resumes in order, with its close codes.
//
// It was written beside the bot, so a client that nobody here wrote judges it too: discord.js, in this package's tests.
package standin

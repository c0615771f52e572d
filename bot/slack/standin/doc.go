// Package standin is a Slack workspace in one process, for tests and for the demo. It is as strict as the vendor where an
// app could notice: tokens and their types, channels, caps of blocks, three seconds for an acknowledgement, one use of a
// socket's ticket, five uses and thirty minutes of a response address, 20 KB of a socket's answer, signed requests.
//
// It was written beside the bot, so clients that nobody here wrote judge it too: @slack/bolt and @slack/socket-mode, in
// this package's tests.
package standin

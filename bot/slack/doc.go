// Package slack is Belay's adapter for Slack: it verifies, hands over, decodes and lays out. Nothing else.
//
// Commands and clicks come in over Socket Mode (the default; no public address is needed) or as signed HTTP requests.
// Either way the raw payload is committed to the inbox first and acknowledged then, within a second, with what was
// understood; if it cannot be committed the person reads "NOT recorded" and what to do instead. A forged or stale request
// gets 401 before anything in it is parsed.
//
// A pause or a proposal that lacks something is not recorded: it is acknowledged with nothing, and a form asks for the rest
// before anything slow is done, since its trigger lives three seconds. What is wrong is said under its field from memory; what
// the chain has to say comes as a private answer. Where no form can be opened, the answer says in text what is missing.
//
// Run owns every goroutine of the socket and returns when its context ends, or with an error when Slack says that the
// credentials or permissions are wrong, which only an operator can mend. Response addresses, tokens and what people wrote
// appear in no log and no error.
package slack

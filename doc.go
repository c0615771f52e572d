// Package belay holds no code: it is the root of the module, and its test holds the rules of the house, which packages may
// import which and why. Start reading at governance, then docs/architecture.md.
package belay

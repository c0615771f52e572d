// Package liar stands between a chain and who asks it, as a provider that fails in a way of its choice. Tests, the soak and the bench
// use it; the program belay never links it.
//
// What it promises:
//
//   - [Faults] is one table of every way in which we know providers to fail: on the wire, in the protocol, and by lying. A new way is
//     a new row, and whatever goes through the table meets it from then on.
//   - A [Proxy] without a fault is honest to the byte of each answer. With one it fails in just that way, from the next exchange on,
//     until it is told otherwise.
//   - The chain behind it ([Node]) stays honest, and is what tests compare every claim with.
//   - It is an http.RoundTripper, for a client in the same process and in a bubble of testing/synctest, where its delays take no wall
//     time; and an http.Handler, for a program of its own. It starts no goroutine.
//   - What a row draws at random comes from the seed of its Proxy.
package liar

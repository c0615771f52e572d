// Package storetest is what any store of Belay has to pass: bbolt's does, so does the memory store of the coordinator's tests, and a
// second engine does or is none.
//
// It promises that whatever passes can be exchanged for another that does, as far as the coordinator can tell: records are whole or not
// there, refusals are told apart and write nothing, what went in comes out as it was and in its order, of rivals one wins, and who
// does not lead any more writes nothing. It knows no engine, and does not ask for what is an engine's own: that what was acknowledged
// survives a crash, and how a log is proven.
package storetest

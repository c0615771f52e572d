// Package tools pins the programs that `make lint` runs, in a module of their own so that Belay's own dependencies stay its
// own.
package tools

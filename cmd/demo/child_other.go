//go:build !linux

package main

import "syscall"

// ownGroup has nothing that every other system knows.
func ownGroup() *syscall.SysProcAttr { return nil }

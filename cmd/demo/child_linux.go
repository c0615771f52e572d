package main

import "syscall"

// ownGroup keeps Ctrl-C of the terminal from the process, so that we end it in our own order, and ends it with us.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

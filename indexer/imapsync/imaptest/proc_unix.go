//go:build unix && !linux

package imaptest

import "syscall"

// endWithUs does nothing here: only Linux can.
func endWithUs(*syscall.SysProcAttr) {}

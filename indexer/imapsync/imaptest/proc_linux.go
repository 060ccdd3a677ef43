package imaptest

import "syscall"

// endWithUs makes the process end when the test is killed.
func endWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGTERM }

package main

import "golang.org/x/sys/unix"

// monotonic is the clock that systemd compares reloads by, in microseconds.
func monotonic() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return t.Nano() / 1000
}

//go:build !linux

package main

func monotonic() int64 { return 0 } // there is no systemd here

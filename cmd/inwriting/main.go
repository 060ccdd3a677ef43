// Inwriting keeps a written record of who instructed what: it reads mailboxes
// without changing them, keeps every message byte for byte, and lays out the
// trail behind a disputed piece of work. Run "inwriting -h" for its verbs.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// A fifth less memory for no time that can be measured (bench index).
		debug.SetGCPercent(60)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // the second Ctrl-C ends the program at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), streams{os.Stdin, os.Stdout, os.Stderr}))
}

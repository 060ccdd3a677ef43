package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program: scripts and the kill tests run it
// as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"inwriting": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			os.Exit(run(ctx, os.Args[1:], os.Environ(), streams{os.Stdin, os.Stdout, os.Stderr}))
		},
	})
}

// TestScripts holds the command line's promises, the README's commands among
// them, as transcripts.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// mailserver starts a mail server at $MAILSERVER.
			"mailserver": mailserver,
			// waitfor FILE waits until a file is there.
			"waitfor": func(ts *testscript.TestScript, neg bool, args []string) {
				path := ts.MkAbs(args[0])
				for range 200 {
					if _, err := os.Stat(path); err == nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
				ts.Fatalf("%s does not appear", args[0])
			},
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CONFIG_HOME", "")
			e.Setenv("XDG_DATA_HOME", "")
			e.Setenv("LANG", "C.UTF-8")
			return os.Mkdir(e.WorkDir+"/home", 0o700)
		},
	})
}

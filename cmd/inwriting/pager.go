package main

import (
	"io"
	"os"
	"os/exec"
)

// paged runs fn with an output that goes through the pager when it goes to a
// terminal; what fits on the screen is left there (less -F).
func (a *app) paged(fn func(w io.Writer) error) error {
	t := a.outTerm()
	if !t.tty || a.noPager || a.json || a.plain {
		return fn(a.out)
	}
	command := a.getenv("PAGER")
	if command == "" {
		command = "less"
	}
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Env = append(os.Environ(), "LESS=FRX")
	cmd.Stdout, cmd.Stderr = a.out, a.err
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return fn(a.out)
	}
	err = fn(in) // a pager that was left early is no failure
	in.Close()
	cmd.Wait()
	return err
}

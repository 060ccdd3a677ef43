package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
)

// demoPages is the demo that the first page offers: a vault of its own on a port of
// its own, so that invented mail never mixes with real mail. It ends with the
// daemon.
type demoPages struct {
	mu   sync.Mutex
	url  string
	done chan struct{}
}

func (d *desk) CanDemo() bool { return d.app != nil }

// Demo starts the demo, once, and returns its address.
func (d *desk) Demo(context.Context) (string, error) {
	d.demo.mu.Lock()
	defer d.demo.mu.Unlock()
	if d.demo.url != "" {
		return d.demo.url, nil
	}
	dir, err := os.MkdirTemp("", "inwriting-demo-")
	if err != nil {
		return "", fmt.Errorf("making the demo's folder: %w", err)
	}
	s, server, _, err := openDemo(dir, d.s.log)
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		_, err = s.sync(d.ctx, syncArgs{}, true, func(any) {})
	}
	if err != nil {
		s.Close()
		server.Close()
		os.RemoveAll(dir)
		return "", fmt.Errorf("reading the demo's mailboxes: %w", err)
	}
	d.demo.url, d.demo.done = "http://"+ln.Addr().String()+"/", make(chan struct{})
	go func() {
		defer close(d.demo.done)
		if err := s.serve(d.ctx, ln, serveOptions{matters: demoMatters()}); err != nil {
			d.s.log.Error("serving the demo", "err", err)
		}
		s.Close()
		server.Close()
		os.RemoveAll(dir)
	}()
	return d.demo.url, nil
}

// wait waits until the demo, if it ran, has put its things away.
func (p *demoPages) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done != nil {
		<-p.done
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// feed tells whoever listens what the daemon does, as server-sent events:
//
//	event: progress     {"label":"nora@deskandco.example","done":120,"total":4870,"tail":"INBOX"}
//	event: mailbox      what a pass over a mailbox ended with, as in "inwriting sync --json"
//
// It keeps nothing: whoever comes late asks for the coverage.
type feed struct {
	mu        sync.Mutex
	listeners map[chan []byte]bool
	last      map[string]time.Time // by label, of the last progress told
}

const (
	keepAlive     = 15 * time.Second
	progressEvery = 250 * time.Millisecond
	listenerQueue = 64 // events; who is further behind misses some
)

// progress tells how far something is, a few times a second at most.
func (f *feed) progress(p progress) {
	f.mu.Lock()
	due := p.Done >= p.Total || time.Since(f.last[p.Label]) >= progressEvery
	if due {
		if f.last == nil {
			f.last = map[string]time.Time{}
		}
		f.last[p.Label] = time.Now()
	}
	f.mu.Unlock()
	if due {
		f.tell("progress", p)
	}
}

func (f *feed) tell(event string, doc any) {
	data, err := json.Marshal(doc)
	if err != nil {
		return // ours are marshalled elsewhere every day
	}
	msg := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, bytes.ReplaceAll(data, []byte("\n"), []byte(" ")))
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.listeners {
		select {
		case c <- msg:
		default:
		}
	}
}

// ServeHTTP streams events until the client goes or the daemon stops.
func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := make(chan []byte, listenerQueue)
	f.mu.Lock()
	if f.listeners == nil {
		f.listeners = map[chan []byte]bool{}
	}
	f.listeners[c] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.listeners, c)
		f.mu.Unlock()
	}()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	flush := http.NewResponseController(w)
	write := func(b []byte) bool {
		_, err := w.Write(b)
		return err == nil && flush.Flush() == nil
	}
	if !write([]byte(": inwriting\n\n")) {
		return
	}
	idle := time.NewTicker(keepAlive)
	defer idle.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case b := <-c:
			if !write(b) {
				return
			}
		case <-idle.C:
			if !write([]byte(": still here\n\n")) {
				return
			}
		}
	}
}

package main

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// gate lets answers go before the reading of mail: on two processors the reading of
// a thousand messages would hold each page up by as much as it takes to read several.
// The zero value is open.
type gate struct{ asked atomic.Int32 } // requests being answered

const (
	gateLook = time.Millisecond
	gateMost = 10 // looks; then a message is read all the same, so that new mail comes in
)

// giveWay waits while anybody is being answered, gateMost times gateLook at most.
func (g *gate) giveWay(ctx context.Context) {
	for n := 0; n < gateMost && g.asked.Load() > 0; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(gateLook):
		}
	}
}

// passing counts the requests that somebody waits for: not events, which never end.
func (g *gate) passing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/events") {
			g.asked.Add(1)
			defer g.asked.Add(-1)
		}
		next.ServeHTTP(w, r)
	})
}

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGate(t *testing.T) {
	var g gate
	inside := int32(-1)
	h := g.passing(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		inside = g.asked.Load()
		g.giveWay(t.Context()) // comes back all the same
	}))
	for path, want := range map[string]int32{"/m/flight": 1, "/events": 0} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if inside != want || g.asked.Load() != 0 {
			t.Errorf("%s: %d asked within, %d after; want %d and 0", path, inside, g.asked.Load(), want)
		}
	}
	g.asked.Add(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.giveWay(ctx) // whoever stops does not wait
}

package dkim

import (
	"sync"
	"sync/atomic"
	"time"
	_ "unsafe" // for go:linkname
)

// The library compares x= with the machine's clock and takes no other time. A
// signature that is checked again years later would then always have expired,
// whatever is found of it; so its clock is ours, and expiry is judged by judge.
//
//go:linkname libraryNow github.com/emersion/go-msgauth/dkim.now
var libraryNow func() time.Time

var (
	clock   atomic.Pointer[time.Time]
	clocked sync.Mutex
)

func init() {
	libraryNow = func() time.Time {
		if t := clock.Load(); t != nil {
			return *t
		}
		return time.Now()
	}
}

// withClock runs fn, which calls the library, with the library's clock at t.
func withClock[T any](t time.Time, fn func() (T, error)) (T, error) {
	clocked.Lock()
	defer clocked.Unlock()
	clock.Store(&t)
	defer clock.Store(nil)
	return fn()
}

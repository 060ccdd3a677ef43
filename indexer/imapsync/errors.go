package imapsync

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The kinds of failure callers act on; errors.Is finds them in what Run
// returns. Each wraps a *Error, which says what, where and what to do.
var (
	// ErrConfig: the account's settings cannot work as they are.
	ErrConfig = errors.New("settings of the mailbox")
	// ErrUnreachable: no connection, or connections keep breaking. Trying
	// again later may help.
	ErrUnreachable = errors.New("mail server not reachable")
	// ErrTLS: no encrypted connection, or a certificate that does not prove
	// whose server it is.
	ErrTLS = errors.New("no trusted encrypted connection")
	// ErrAuth: the server refused the login. Repeating it may lock the account.
	ErrAuth = errors.New("login refused")
	// ErrBusy: the server asks to come back later (quota, throttle, too many
	// connections).
	ErrBusy = errors.New("mail server asks to wait")
	// ErrFolder: one or more folders could not be collected in full; the
	// others were.
	ErrFolder = errors.New("folder not collected in full")
	// ErrProtocol: the server said something IMAP does not allow.
	ErrProtocol = errors.New("mail server breaks the protocol")
	// ErrStore: what came from the server could not be stored.
	ErrStore = errors.New("storing failed")
)

// Error is a failure of one account. Error() is one sentence for people and
// Hint what they can do about it.
type Error struct {
	Kind    error  // one of the Err… values
	Account string // address
	Doing   string // "logging in to imap.example:993 as \"nora\""
	Server  string // the server's own words, "" if it said nothing
	Hint    string // "" if there is nothing to advise
	Err     error  // cause, may be nil

	// Wait is how long the server wants to be left alone, 0 when it did not say
	// or when it is not the server that is in the way.
	Wait time.Duration
}

// backOff is for how long a server that is busy is left alone when it names no
// time, and backOffMost the longest it is believed.
const (
	backOff     = 15 * time.Minute
	backOffMost = 24 * time.Hour
)

// suggested is what Microsoft 365 says when it throttles.
var suggested = regexp.MustCompile(`(?i)back-?off time:?\s*(\d{1,12})\s*(m|s)?`)

// waitFor reads for how long the words of a busy server ask to be left alone.
func waitFor(text string) time.Duration {
	m := suggested.FindStringSubmatch(text)
	if m == nil {
		return backOff
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // at most 12 digits
	unit := time.Millisecond
	if strings.EqualFold(m[2], "s") {
		unit = time.Second
	}
	return min(time.Duration(min(n, int64(backOffMost/unit)))*unit, backOffMost)
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Account != "" {
		fmt.Fprintf(&b, "%s: ", e.Account)
	}
	b.WriteString(e.Doing)
	switch {
	case e.Err != nil:
		fmt.Fprintf(&b, ": %s", strings.TrimPrefix(e.Err.Error(), e.Account+": "))
		if e.Server != "" && !strings.Contains(e.Err.Error(), e.Server) {
			fmt.Fprintf(&b, " (the server says %q)", e.Server)
		}
	case e.Server != "":
		fmt.Fprintf(&b, ": the server says %q", e.Server)
	default:
		fmt.Fprintf(&b, ": %v", e.Kind)
	}
	return b.String()
}

// Unwrap makes errors.Is and errors.As see the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

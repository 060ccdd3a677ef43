// Package thread finds how messages hang together: which answers which, and
// which belong to one conversation. It takes values and returns values.
package thread

import "time"

// Info is what threading needs to know of one message.
type Info struct {
	MessageID    string
	Refs         []string // References, then In-Reply-To, without angle brackets, the direct parent last
	ThreadIndex  string   // hexadecimal, as message.Message has it
	Subject      string
	Participants []string // addresses, lower-case: sender and receivers
	Date         time.Time
	NewHashes    []uint64 // Shingles of the text its author wrote
	QuotedHashes []uint64 // Shingles of the text it quotes or forwards
}

// Link says that one message follows another in a conversation. Both are
// positions in the slice that was given to Links.
type Link struct {
	Msg, Parent int
	Reason      string // for people, e.g. "cites <id> in References"
}

// Links joins messages.
func Links(msgs []Info) []Link { return nil }

// Index groups messages into conversations: each group in order of Date, the
// groups in order of their first message. Every message is in one group.
func Index(msgs []Info) [][]int { return Groups(msgs, Links(msgs)) }

// Groups makes the groups that links join.
func Groups(msgs []Info, links []Link) [][]int { return nil }

// BaseSubject strips reply and forward marks, list tags and white space from a
// subject (RFC 5256 section 2.1) and says which marks stood there.
func BaseSubject(s string) (base string, reply bool, fwd bool) { return s, false, false }

// Shingles hashes the normalised sentences and lines of text that have six words or more.
func Shingles(text string) []uint64 { return nil }

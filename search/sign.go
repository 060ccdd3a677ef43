package search

import (
	"fmt"
	"time"

	"inwriting/indexer/archive"
)

// Sign is something about a message that whoever relies on it should know: it was
// moved, it is gone, its dates do not fit, another version of it is kept. A sign is an
// observation with its innocent causes; what it means is for people to say.
type Sign struct {
	Kind string        `json:"kind"` // "variant", "replaced", "moved", "gone", "renumbered", "dates", "order" or "converted"
	Text string        `json:"text"`
	Refs []archive.Ref `json:"refs,omitempty"` // the other messages
}

// dateSlack is how far apart a message's dates may be without being worth a word.
const dateSlack = 10 * time.Minute

// apart says how two dates differ.
func apart(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

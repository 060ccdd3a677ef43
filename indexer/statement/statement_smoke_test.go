package statement

import (
	"fmt"
	"testing"
	"time"

	"inwriting/indexer/message"
)

func TestSmoke(t *testing.T) {
	text := "Hi Marisa,\n\nCould you send me two rooms by Friday 17 March at 10am? £350 return is the most I want to spend.\nPlease don’t put me through Amsterdam again, and I will pay 2k. Noted - option B, Thursday 16 March, 06:40 direct, window seat.\n"
	m := &message.Message{Text: text, Date: time.Date(2023, 3, 1, 9, 0, 0, 0, time.UTC), Zones: []message.Zone{{Kind: message.New, Start: 0, End: len(text)}}}
	for _, s := range Read(m).Statements {
		fmt.Printf("%s %.2f %q %v %v\n", s.Kind, s.Confidence, s.Quote, s.Facts, s.Why)
	}
}

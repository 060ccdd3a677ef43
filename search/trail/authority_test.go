package trail

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSpeaks(t *testing.T) {
	p := People{Clients: []Party{
		{Name: "Hale", Domains: []string{"hale.example"}, Authority: []Authority{{Address: "martin@hale.example", To: "2023-06-30"}, {Address: "ida@hale.example", From: "2023-07-01"}}},
		{Name: "Falk", Domains: []string{"falk.example"}},
	}}
	for _, tt := range []struct {
		address, at string
		want        bool
	}{
		{"Martin@hale.example", "2023-06-30T23:59:00Z", true},
		{"martin@hale.example", "2023-07-01T00:00:00Z", false},
		// A day is the writer's.
		{"martin@hale.example", "2023-07-01T00:30:00+02:00", false},
		{"ida@hale.example", "2023-06-30T12:00:00Z", false},
		{"ida@hale.example", "2023-07-01T12:00:00Z", true},
		{"jo@hale.example", "2023-07-01T12:00:00Z", false},
		{"jo@falk.example", "2023-07-01T12:00:00Z", true},
		{"nobody@x.example", "2023-07-01T12:00:00Z", true},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Speaks(tt.address, at); got != tt.want {
			t.Errorf("%s at %s: %v", tt.address, tt.at, got)
		}
	}
}

// A change by somebody of the client who did not speak for it then is shown and is
// not applied.
func TestAuthority(t *testing.T) {
	for _, tt := range []struct {
		to   string
		want string
	}{{"", "changes"}, {"2023-05-09", "changes"}, {"2023-05-08", "did not speak for the client then; it is not applied"}} {
		people := deskPeople
		people.Clients = slices.Clone(people.Clients)
		people.Clients[0].Authority = []Authority{{Address: "martin@halearchitects.example", To: tt.to}}
		tr, err := Build(context.Background(), newMemory(post(t, berlin)), people, "berlin hotel booking", Options{})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range tr.Findings {
			if f.Type == Changed && f.B == 3 {
				found = true
				if !strings.Contains(f.Text, tt.want) || f.NotApplied != (tt.want != "changes") {
					t.Errorf("until %q: %q, not applied %v", tt.to, f.Text, f.NotApplied)
				}
			}
		}
		if !found {
			t.Errorf("until %q: no change found: %+v", tt.to, tr.Findings)
		}
	}
}

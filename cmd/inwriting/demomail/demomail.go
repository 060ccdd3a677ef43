// Package demomail holds the invented mail of a small agency and serves it over
// IMAP on loopback, so that a stranger can see the program at work without
// lending it a mailbox.
//
// Nothing in it is random and nothing looks at the clock: the same build gives
// the same octets. All people, firms and addresses are invented; every address
// ends in ".example". The sources are the text files under mail, described in
// mail/FORMAT.md; compose.go turns them into messages in the manner of the mail
// programs that would have sent them.
package demomail

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Mailbox is one account of the agency.
type Mailbox struct {
	Address string
	Folders []Folder
}

// Folder is one folder of an account. Name is UTF-8 with "/" between levels.
type Folder struct {
	Name     string
	Messages []Message // in the order of arrival
}

// Message is one message where it lies. Raw has CRLF line ends; the same octets
// may lie in several folders, and must not be changed.
type Message struct {
	Raw          []byte
	InternalDate time.Time
	Flags        []string // IMAP system flags, as `\Seen`
}

// Party is somebody the agency deals with.
type Party struct {
	Name      string
	Addresses []string
	Domains   []string // every address below them
}

// Dispute is one quarrel that the mail holds in full.
type Dispute struct {
	Name     string // as in /m/NAME
	Title    string
	Client   string // a Party's name
	Question string // what somebody under stress would type
	Claim    string // what the client says now, verbatim
}

// Timezone is where the agency works.
const Timezone = "Europe/Dublin"

// Disputes are the two large ones; the smaller stories have no entry.
var Disputes = []Dispute{
	{
		Name:     "vienna-flight",
		Title:    "Vienna flight, March",
		Client:   "Hale Architects",
		Question: "what date did Martin want to fly to Vienna",
		Claim:    "I never said the 15th. This is not what I asked for.",
	},
	{
		Name:     "receipts-falk",
		Title:    "Receipts, September to February",
		Client:   "Falk Dental",
		Question: "what did Falk agree to pay for the receipts?",
		Claim:    "I never agreed to pay for this by the hour.",
	},
}

// Config names who is who in the demo mail: the agency's own addresses, its
// clients, and the third parties that it knows.
func Config() (me []string, clients, others []Party) {
	me = []string{"nora@deskandco.example", "travel@deskandco.example", "billing@deskandco.example"}
	clients = []Party{
		{Name: "Hale Architects", Addresses: []string{"m.hale@homepost.example"}, Domains: []string{"halearchitects.example"}},
		{Name: "Falk Dental", Addresses: []string{"rfalk@homepost.example"}, Domains: []string{"falkdental.example"}},
		{Name: "Raman & Voss", Domains: []string{"ramanvoss.example"}},
		{Name: "Night Ferry", Addresses: []string{"tomas.berg@mailbox.example"}, Domains: []string{"nightferry.example"}},
	}
	others = []Party{
		{Name: "Alpenair", Domains: []string{"alpenair.example"}},
		{Name: "Kessler Bau", Domains: []string{"kesslerbau.example"}},
		{Name: "Sootmark Print", Domains: []string{"sootmark.example"}},
		{Name: "Blue Pike", Domains: []string{"bluepike.example"}},
		{Name: "Keane Tax Advisers", Domains: []string{"keanetax.example"}},
		{Name: "Tanner's Cars", Domains: []string{"tannerscars.example"}},
		{Name: "Pension Arendt", Domains: []string{"pension-arendt.example"}},
	}
	return me, clients, others
}

var mailboxes = sync.OnceValue(build)

// Mailboxes returns the three accounts with their mail. Every call returns the
// same data, which callers share and must not change.
func Mailboxes() []Mailbox { return mailboxes() }

// sortFolder puts a folder into the order in which a server would have got it.
func sortFolder(f *Folder) {
	slices.SortStableFunc(f.Messages, func(a, b Message) int {
		return cmp.Compare(a.InternalDate.UnixNano(), b.InternalDate.UnixNano())
	})
}

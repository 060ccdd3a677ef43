package demomail

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// filed is the day before which mail has left the inboxes for the folders.
var filed = time.Date(2023, 2, 6, 0, 0, 0, 0, time.UTC)

// build composes every message and puts it where it lies.
func build() []Mailbox {
	people, entries, err := parseSources(sources)
	if err != nil {
		panic("demomail: " + err.Error()) // the sources are part of the program
	}
	answered := map[*entry][]*person{}
	for _, e := range entries {
		if e.parent != nil {
			answered[e.parent] = append(answered[e.parent], e.from)
		}
	}

	boxes := []Mailbox{{Address: "nora@deskandco.example"}, {Address: "travel@deskandco.example"}, {Address: "billing@deskandco.example"}}
	folder := func(key, name string) *Folder {
		p := people[key]
		for i := range boxes {
			if p == nil || boxes[i].Address != p.address {
				continue
			}
			for k := range boxes[i].Folders {
				if boxes[i].Folders[k].Name == name {
					return &boxes[i].Folders[k]
				}
			}
			boxes[i].Folders = append(boxes[i].Folders, Folder{Name: name})
			return &boxes[i].Folders[len(boxes[i].Folders)-1]
		}
		panic(fmt.Sprintf("demomail: there is no mailbox %q", key))
	}
	for _, e := range entries {
		octets := compose(e)
		for _, group := range strings.Fields(places(e)) {
			var raw []byte
			for i, place := range strings.Split(group, ">") {
				key, name, _ := strings.Cut(strings.ReplaceAll(place, "_", " "), "/")
				at := arrival(e)
				if i == 0 {
					raw = octets
					if name == "Sent" {
						at = e.date
					} else {
						raw = deliver(e, people[key], octets)
					}
				}
				if name == "Sent" {
					at = e.date
				}
				f := folder(key, name)
				f.Messages = append(f.Messages, Message{Raw: raw, InternalDate: at, Flags: flagsOf(e, key, name, answered[e])})
			}
		}
	}
	for i := range boxes {
		slices.SortFunc(boxes[i].Folders, func(a, b Folder) int {
			if (a.Name == "INBOX") != (b.Name == "INBOX") {
				if a.Name == "INBOX" {
					return -1
				}
				return 1
			}
			return strings.Compare(a.Name, b.Name)
		})
		for k := range boxes[i].Folders {
			sortFolder(&boxes[i].Folders[k])
		}
	}
	return boxes
}

// places is where a message lies, in the notation of FORMAT.md with "_" for a
// space in a folder's name.
func places(e *entry) string {
	if in := e.fields["in"]; in != "" {
		return in
	}
	var out []string
	if e.from.ours && e.via() != "bounce" && e.via() != "bot" {
		out = append(out, e.from.key+"/Sent")
	}
	for _, p := range slices.Concat(e.to, e.cc) {
		if !p.ours || p == e.from && e.via() != "bot" && e.via() != "bounce" {
			continue
		}
		name := "INBOX"
		if e.date.Before(filed) {
			name = "Archive"
			switch {
			case p.key == "travel":
				name = "Bookings_2022"
			case p.key == "billing":
				name = "Invoices_2022"
			case e.from.file != "":
				name = e.from.file
			}
			if p.key != "nora" && e.date.Year() == 2023 {
				name = "INBOX"
			}
		}
		out = append(out, p.key+"/"+name)
	}
	return strings.Join(out, " ")
}

func flagsOf(e *entry, key, folder string, answers []*person) []string {
	explicit := strings.Fields(e.fields["flags"])
	if slices.Contains(explicit, "unseen") {
		return nil
	}
	flags := []string{`\Seen`}
	for _, p := range answers {
		if p.key == key && folder != "Sent" {
			flags = append(flags, `\Answered`)
			break
		}
	}
	for _, f := range explicit {
		flags = append(flags, `\`+f)
	}
	return flags
}

// deliver puts the lines of the servers on the way on top of a message.
func deliver(e *entry, to *person, octets []byte) []byte {
	domain := domainOf(e.from.address)
	back := e.from.address
	switch e.via() {
	case "ooo", "bounce":
		back = "" // RFC 5321 section 4.5.5: a report must not be reported on
	case "news", "bot", "html":
		back = "bounces+" + hash(10, "verp", e.id) + "@" + domain
	}
	at := dublin(arrival(e))
	stamp := at.Format("Mon, 2 Jan 2006 15:04:05 -0700")
	var b strings.Builder
	b.WriteString("Return-Path: <" + back + ">\r\nDelivered-To: " + to.address + "\r\n")
	ip := fmt.Sprintf("192.0.2.%d", 20+hashInt(200, "ip", domain))
	host := fmt.Sprintf("mx%d.%s", 1+hashInt(3, "mx", domain), domain)
	queue := strings.ToUpper(hash(10, "queue", e.id, to.address))
	switch {
	case e.via() == "bounce":
		b.WriteString("Received: by mail.deskandco.example (Postfix)\r\n\tid " + queue + "; " + stamp + "\r\n")
	case e.from.ours:
		b.WriteString("Received: from [198.51.100.14] (office.deskandco.example [198.51.100.14])\r\n\t(Authenticated sender: " + e.from.address +
			")\r\n\tby mail.deskandco.example (Postfix) with ESMTPSA id " + queue + "\r\n\tfor <" + to.address + ">; " + stamp + "\r\n")
	default:
		b.WriteString("Received: from " + host + " (" + host + " [" + ip + "])\r\n\tby mail.deskandco.example (Postfix) with ESMTPS id " + queue +
			"\r\n\tfor <" + to.address + ">; " + stamp + "\r\n")
	}
	if e.from.dkim {
		b.WriteString(dkim(domain, octets))
	}
	return append([]byte(b.String()), octets...)
}

// dublin is an instant on our server's clock. Within an hour of the change of
// clocks it may be off by one; no mail is.
func dublin(t time.Time) time.Time {
	_, offset := inZone(t.UTC(), "").Zone()
	return t.In(time.FixedZone("", offset))
}

// DKIMKey is the public key that a domain of the demo mail signs with, selector
// "s1", RFC 8463. The private half follows from the domain's name: a signature
// here shows how checking works, and proves nothing.
func DKIMKey(domain string) ed25519.PublicKey {
	return dkimKey(domain).Public().(ed25519.PublicKey)
}

func dkimKey(domain string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("inwriting demo mail, DKIM, " + domain))
	return ed25519.NewKeyFromSeed(seed[:])
}

// dkim is the DKIM-Signature field for a message, RFC 6376 with the simple
// canonicalization of header and body.
func dkim(domain string, octets []byte) string {
	header, body, _ := strings.Cut(string(octets), "\r\n\r\n")
	digest := sha256.Sum256([]byte(strings.TrimRight(body, "\r\n") + "\r\n"))
	signed := []string{"from", "to", "subject", "date", "message-id"}
	var lines []string
	for l := range strings.SplitSeq(header, "\r\n") {
		if strings.HasPrefix(l, " ") || strings.HasPrefix(l, "\t") {
			lines[len(lines)-1] += "\r\n" + l
			continue
		}
		lines = append(lines, l)
	}
	var input strings.Builder
	var present []string
	for _, name := range signed {
		for _, l := range lines {
			if f, _, _ := strings.Cut(l, ":"); strings.EqualFold(f, name) {
				input.WriteString(l + "\r\n")
				present = append(present, name)
			}
		}
	}
	own := "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=" + domain + "; s=s1;\r\n\th=" + strings.Join(present, ":") +
		";\r\n\tbh=" + base64.StdEncoding.EncodeToString(digest[:]) + ";\r\n\tb="
	sum := sha256.Sum256([]byte(input.String() + own))
	return own + base64.StdEncoding.EncodeToString(ed25519.Sign(dkimKey(domain), sum[:])) + "\r\n"
}

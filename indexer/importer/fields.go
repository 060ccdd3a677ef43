package importer

import (
	"mime"
	"slices"
	"strconv"
	"strings"
)

// mboxFields takes flags and labels from the fields that mail programs add to
// messages in an mbox.
func mboxFields(header []byte, it *Item) {
	flag := func(on bool, f string) {
		if on {
			it.Flags = append(it.Flags, f)
		}
	}
	// Google Takeout writes these two before everything else. Further down they
	// would be the sender's words.
	var first []string
	fields(header, func(name, value string) {
		if len(first) < 2 {
			first = append(first, name)
			if name == "x-gmail-labels" && first[0] == "x-gm-thrid" {
				labels(value, it)
			}
		}
		switch name {
		case "status":
			flag(len(value) < 4 && strings.Contains(value, "R"), `\Seen`)
		case "x-status":
			if len(value) < 8 {
				flag(strings.Contains(value, "A"), `\Answered`)
				flag(strings.Contains(value, "F"), `\Flagged`)
				flag(strings.Contains(value, "T"), `\Draft`)
				flag(strings.Contains(value, "D"), `\Deleted`)
			}
		case "x-mozilla-status":
			if v, err := strconv.ParseUint(value, 16, 16); err == nil {
				flag(v&1 != 0, `\Seen`)
				flag(v&2 != 0, `\Answered`)
				flag(v&4 != 0, `\Flagged`)
				flag(v&8 != 0, `\Deleted`)
			}
		}
	})
}

// labels turns Gmail's labels into folders and flags. Each label is a place; Folder is
// the one where the message was kept, if any was such.
func labels(value string, it *Item) {
	if d, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		value = d
	}
	var places []string
	unread := false
	for _, l := range strings.Split(value, ",") {
		l = strings.Trim(strings.TrimSpace(l), `"`)
		switch l {
		case "":
		case "Sent", "Drafts", "Spam", "Trash", "Inbox":
			// Mail to oneself is in two of them; what is no inbox says more.
			at := 0
			if l == "Inbox" {
				at = slices.IndexFunc(places, func(p string) bool { return !slices.Contains(kept, p) })
				if at < 0 {
					at = len(places)
				}
			}
			places = slices.Insert(places, at, l)
		case "Unread":
			unread = true
		case "Starred":
			it.Flags = append(it.Flags, `\Flagged`)
		case "Opened", "Important", "Archived", "Chat":
		default:
			if !strings.HasPrefix(l, "Category ") {
				places = append(places, l)
			}
		}
	}
	if !unread {
		it.Flags = append(it.Flags, `\Seen`)
	}
	if places = slices.Compact(places); len(places) > 0 {
		it.Folder, it.Also = places[0], places[1:]
	}
}

// kept are the labels of Gmail that say where a message was kept.
var kept = []string{"Inbox", "Sent", "Drafts", "Spam", "Trash"}

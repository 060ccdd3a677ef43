package message

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

const (
	maxAddresses = 5000
	maxIDs       = 1000
)

// envelope reads the fields of the outermost header section.
func (p *parser) envelope() {
	m, o := p.m, &p.header
	m.From = p.addresses(o.from)
	m.Sender = p.addresses(o.sender)
	m.ReplyTo = p.addresses(o.replyTo)
	m.To = p.addresses(o.to)
	m.Cc = p.addresses(o.cc)
	m.Bcc = p.addresses(o.bcc)
	m.Subject = cleanLine(p.decodeText(o.subject))
	m.Mailer = clip(cleanLine(p.decodeText(o.mailer)), 200)
	if ids := messageIDs(o.messageID, true); len(ids) > 0 {
		m.MessageID = ids[0]
	} else {
		p.defect("message-id-missing", "no Message-ID")
	}
	m.InReplyTo = messageIDs(o.inReplyTo, false)
	m.References = messageIDs(o.references, true)
	if o.threadIndex != "" {
		if b, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, o.threadIndex)); err == nil {
			m.ThreadIndex = hex.EncodeToString(b)
		} else {
			p.defect("thread-index-malformed", "Thread-Index is no base64")
		}
	}

	m.DateRaw = strings.ToValidUTF8(o.date, "\uFFFD")
	switch t, ok := parseDate(o.date); {
	case ok:
		m.Date = t
	case strings.TrimSpace(o.date) == "":
		p.defect("date-missing", "no Date")
	default:
		p.defect("date-unreadable", "Date %q", clip(m.DateRaw, 60))
	}
	for _, r := range o.received {
		// RFC 5321 section 4.4: the time stands after the last semicolon.
		if i := strings.LastIndexByte(r, ';'); i >= 0 {
			if t, ok := parseDate(r[i+1:]); ok {
				m.Received = t
				break
			}
		}
	}
	if len(m.From) == 0 {
		p.defect("from-missing", "no author in From")
	}
	m.Auto = o.auto
	for _, a := range append(m.From[:len(m.From):len(m.From)], m.Sender...) {
		if robot(a.Address) {
			m.Auto = true
		}
	}
}

func dropSpace(r rune) rune {
	if r <= ' ' {
		return -1
	}
	return r
}

// robot tells addresses that no person writes from.
func robot(address string) bool {
	local, _, _ := strings.Cut(address, "@")
	switch strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return r
	}, local) {
	case "noreply", "donotreply", "nichtantworten", "noresponse", "mailerdaemon", "nepasrepondre", "noresponder":
		return true
	}
	return strings.HasPrefix(local, "noreply") || strings.HasPrefix(local, "no-reply") || strings.HasPrefix(local, "do-not-reply")
}

// messageIDs lists the identifiers of a field (RFC 5322 section 3.6.4).
// Without any angle bracket the words that look like one are taken; bare asks for
// more: any lone word will do.
func messageIDs(s string, bare bool) []string {
	var ids []string
	for rest := s; len(ids) < maxIDs; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		j := strings.IndexAny(rest, "<>")
		if j < 0 {
			break
		}
		// Folding within an identifier is seen in practice.
		id := strings.Map(dropSpace, rest[:j])
		// In-Reply-To of old held phrases with addresses in brackets; they do no harm.
		if id != "" {
			ids = append(ids, validID(id))
		}
		rest = rest[j:]
		if rest[0] == '>' {
			rest = rest[1:]
		}
	}
	if len(ids) > 0 {
		return ids
	}
	words := strings.Fields(s)
	for _, w := range words {
		w = strings.Trim(w, "<>,;\"'")
		if w != "" && (strings.Contains(w, "@") || bare && len(words) == 1) && len(ids) < maxIDs {
			ids = append(ids, validID(w))
		}
	}
	return ids
}

func validID(id string) string { return clip(strings.ToValidUTF8(id, "\uFFFD"), 998) }

// addresses reads an address list (RFC 5322 section 3.4) as mailers write it:
// commas within bare names, lost quotes and brackets, semicolons between addresses,
// raw octets.
func (p *parser) addresses(s string) []Address {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var (
		list    []Address
		phrase  strings.Builder
		comment string
		angle   string
		angled  bool
		lonely  string // a phrase without address that a comma ended: "Smith, John <…>"
		lost    bool
		open    bool // a quotation mark is never closed: none of the rest counts
		bare    bool // no ">" follows any more
	)
	add := func(name, addr string) {
		if a := p.address(name, addr); a != (Address{}) {
			list = append(list, a)
		}
	}
	end := func(sep byte) {
		name, addr := strings.Join(strings.Fields(phrase.String()), " "), ""
		if angled {
			addr = angle
			if lonely != "" {
				name = lonely + ", " + name
			}
			lonely = ""
		} else if strings.Contains(name, "@") {
			// The word with the @ is the address, the rest its name.
			var rest []string
			for _, w := range strings.Fields(name) {
				if addr == "" && strings.Contains(w, "@") {
					addr = w
				} else {
					rest = append(rest, w)
				}
			}
			name = strings.Join(rest, " ")
		}
		if name == "" {
			name = comment
		}
		if lonely != "" {
			add(lonely, "")
			lonely = ""
		}
		switch {
		case addr != "":
			add(name, addr)
		case name == "":
		case sep == ',':
			lonely = name
			lost = true
		default:
			add(name, "")
			lost = true
		}
		phrase.Reset()
		comment, angle, angled = "", "", false
	}
	for i := 0; i < len(s) && len(list) < maxAddresses; i++ {
		switch c := s[i]; c {
		case '"':
			if open {
				continue
			}
			v, rest := quotedString(s[i:])
			if rest == "" && !strings.HasSuffix(s, `"`) {
				open = true
				continue
			}
			if phrase.Len() > 0 {
				phrase.WriteByte(' ')
			}
			phrase.WriteString(v)
			i = len(s) - len(rest) - 1
		case '(':
			depth, j := 1, i+1
			for ; j < len(s) && depth > 0; j++ {
				switch s[j] {
				case '\\':
					j++
				case '(':
					depth++
				case ')':
					depth--
				}
			}
			j = min(j, len(s))
			comment = strings.TrimSpace(unescape(strings.TrimSuffix(s[i+1:j], ")")))
			i = j - 1
		case '<':
			j := -1
			if !bare {
				j = strings.IndexByte(s[i:], '>')
			}
			if j < 0 {
				bare = true
				if j = strings.IndexAny(s[i:], ",;"); j < 0 {
					j = len(s) - i
				}
				angle, angled = s[i+1:i+j], true
				i += j - 1
				continue
			}
			if !angled || strings.Contains(s[i:i+j], "@") {
				angle, angled = s[i+1:i+j], true
			}
			i += j
		case ',', ';':
			end(c)
		case ':':
			if strings.Contains(phrase.String(), "@") {
				phrase.WriteByte(c)
			} else {
				phrase.Reset() // name of a group, or "mailto:"
			}
		default:
			phrase.WriteByte(c)
		}
	}
	end(0)
	if lost {
		p.defect("address-malformed", "an address field has a name without an address")
	}
	return list
}

func (p *parser) address(name, addr string) Address {
	name = cleanLine(p.decodeText(name))
	// Apple and Exchange quote names twice.
	if len(name) > 1 && (name[0] == '\'' || name[0] == '"') && name[len(name)-1] == name[0] {
		name = strings.TrimSpace(name[1 : len(name)-1])
	}
	addr = strings.Map(dropSpace, addr)
	if i := strings.LastIndexByte(addr, ':'); i >= 0 && (strings.HasPrefix(addr, "@") || strings.HasPrefix(strings.ToLower(addr), "mailto:")) {
		addr = addr[i+1:] // RFC 5322 section 4.4: a route
	}
	addr = strings.Trim(addr, "<>'\"")
	addr, _ = toUTF8([]byte(addr), "")
	addr = clip(strings.ToLower(addr), 320)
	if strings.EqualFold(name, addr) {
		name = ""
	}
	if addr == "" && name != "" && !strings.ContainsAny(name, " ,") {
		return Address{Address: clip(strings.ToLower(name), 320)} // a local name, as in "root"
	}
	return Address{Name: clip(name, 500), Address: addr}
}

package message

import (
	"strconv"
	"strings"
)

type param struct{ name, value string }

type params []param

const maxParams = 100

// parseParams reads a value with parameters (RFC 2045 section 5.1), forgiving
// missing quotes, missing values and doubled semicolons.
func parseParams(s string) (value string, ps params) {
	value, s, _ = strings.Cut(s, ";")
	value = strings.TrimSpace(value)
	if i := strings.IndexByte(value, '('); i > 0 {
		value = strings.TrimSpace(value[:i])
	}
	// A lost semicolon: "text/plain charset=us-ascii".
	if i := strings.IndexAny(value, " \t"); i > 0 && strings.Contains(value[i:], "=") {
		s = value[i:] + ";" + s
		value = value[:i]
	}
	value = strings.Trim(value, `"'`)
	for len(s) > 0 && len(ps) < maxParams {
		s = strings.TrimLeft(s, " \t\r\n;")
		i := strings.IndexAny(s, "=;")
		if i < 0 {
			break
		}
		if s[i] == ';' {
			s = s[i+1:]
			continue
		}
		name := strings.ToLower(strings.TrimSpace(s[:i]))
		s = strings.TrimLeft(s[i+1:], " \t")
		var v string
		if strings.HasPrefix(s, `"`) {
			v, s = quotedString(s)
		} else {
			v, s, _ = strings.Cut(s, ";")
			v = strings.TrimSpace(v)
			if !strings.HasPrefix(name, "name") && !strings.HasPrefix(name, "filename") {
				// A comment, or the next parameter after a lost semicolon.
				if j := strings.IndexAny(v, " \t"); j >= 0 {
					if strings.Contains(v[j:], "=") {
						s = v[j:] + ";" + s
					}
					v = v[:j]
				}
			}
		}
		ps = append(ps, param{name, v})
	}
	return value, ps
}

// quotedString reads the quoted string that s begins with (RFC 5322 section
// 3.2.4). Without a closing quote it ends with s.
func quotedString(s string) (value, rest string) {
	i := 1
	for ; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	if i >= len(s) {
		return unescape(s[1:]), ""
	}
	return unescape(s[1:i]), s[i+1:]
}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		// A backslash before a letter is a path of some Windows mailer.
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\' || s[i+1] == '(' || s[i+1] == ')') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// get gives the plain value of a parameter.
func (ps params) get(name string) string {
	for _, p := range ps {
		if p.name == name {
			return p.value
		}
	}
	for _, p := range ps {
		if p.name == name+"*" || p.name == name+"*0" || p.name == name+"*0*" {
			v, _ := ps.extended(name)
			return v
		}
	}
	return ""
}

// text gives a parameter for people, decoded.
func (ps params) text(p *parser, name string) string {
	if v, ok := ps.extended(name); ok {
		return cleanLine(v)
	}
	v := ps.get(name)
	if v == "" {
		return ""
	}
	// RFC 2047 section 5 forbids encoded words here; most mailers write them.
	return cleanLine(p.decodeText(v))
}

// extended joins the sections of a parameter and decodes them (RFC 2231).
func (ps params) extended(name string) (string, bool) {
	var raw []byte
	charset, any := "", false
	add := func(v string, encoded, first bool) {
		if encoded {
			if first {
				if cs, rest, ok := strings.Cut(v, "'"); ok {
					if _, val, ok := strings.Cut(rest, "'"); ok {
						charset, v = strings.ToLower(cs), val
					}
				}
			}
			raw = appendPercent(raw, v)
		} else {
			raw = append(raw, v...)
		}
		any = true
	}
	for _, q := range ps {
		if q.name == name+"*" {
			add(q.value, true, true)
			break
		}
	}
	for i := 0; !any || i > 0; i++ {
		found := false
		section := name + "*" + strconv.Itoa(i)
		for _, q := range ps {
			if q.name == section || q.name == section+"*" {
				add(q.value, q.name != section, i == 0)
				found = true
				break
			}
		}
		if !found {
			break
		}
	}
	if !any {
		return "", false
	}
	s, _ := toUTF8(raw, charset)
	return s, true
}

func appendPercent(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hexValue(s[i+1]) >= 0 && hexValue(s[i+2]) >= 0 {
			dst = append(dst, byte(hexValue(s[i+1])<<4|hexValue(s[i+2])))
			i += 2
			continue
		}
		dst = append(dst, s[i])
	}
	return dst
}

package message

import (
	"strings"
	"time"
)

// calendarText makes text of an iCalendar object (RFC 5545): what a person would
// want to read of its events. Anything else in it is left out.
func calendarText(s string) string {
	var out strings.Builder
	method := ""
	var event map[string]string
	for _, l := range unfolded(s) {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			continue
		}
		name, params, _ := strings.Cut(name, ";")
		// A parameter may hold a colon in quotation marks (section 3.2).
		for strings.Count(params, `"`)%2 == 1 {
			more, rest, ok := strings.Cut(value, ":")
			params += ":" + more
			if value = rest; !ok {
				break
			}
		}
		switch name = strings.ToUpper(name); {
		case name == "METHOD":
			method = strings.ToUpper(value)
		case name == "BEGIN" && strings.EqualFold(value, "VEVENT"):
			event = map[string]string{}
		case name == "END" && strings.EqualFold(value, "VEVENT") && event != nil:
			writeEvent(&out, event, method)
			event = nil
		case event != nil && event[name] == "":
			switch name {
			case "SUMMARY", "LOCATION", "DESCRIPTION", "STATUS":
				event[name] = unescaped(value)
			case "DTSTART", "DTEND":
				event[name] = calendarTime(value, params)
			case "ORGANIZER":
				event[name] = strings.TrimPrefix(value, "mailto:")
				if cn := parameter(params, "CN"); cn != "" {
					event[name] = cn
				}
			}
		}
	}
	return strings.TrimSpace(out.String())
}

func writeEvent(out *strings.Builder, event map[string]string, method string) {
	if out.Len() > 0 {
		out.WriteString("\n\n")
	}
	if method == "CANCEL" || event["STATUS"] == "CANCELLED" {
		out.WriteString("Cancelled: ")
	}
	out.WriteString(event["SUMMARY"] + "\n")
	when := event["DTSTART"]
	if end := event["DTEND"]; end != "" {
		if day, rest, ok := strings.Cut(end, " "); ok && strings.HasPrefix(when, day+" ") {
			end = rest
		}
		when += " to " + end
	}
	for _, f := range [...]struct{ label, value string }{{"When", when}, {"Where", event["LOCATION"]}, {"Organizer", event["ORGANIZER"]}} {
		if f.value != "" {
			out.WriteString(f.label + ": " + f.value + "\n")
		}
	}
	if d := event["DESCRIPTION"]; d != "" {
		out.WriteString("\n" + d + "\n")
	}
}

// unfolded joins the lines that were folded (RFC 5545 section 3.1).
func unfolded(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		l = strings.TrimSuffix(l, "\r")
		if len(out) > 0 && l != "" && (l[0] == ' ' || l[0] == '\t') {
			out[len(out)-1] += l[1:]
			continue
		}
		out = append(out, l)
	}
	return out
}

// unescaped takes RFC 5545 section 3.3.11's escapes off.
var unescaped = strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace

func parameter(params, name string) string {
	for _, p := range strings.Split(params, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(k, name) {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

// calendarTime writes "20230314T160000" with its zone as people do; what it cannot
// read it leaves.
func calendarTime(value, params string) string {
	zone := parameter(params, "TZID")
	if strings.HasSuffix(value, "Z") {
		zone, value = "UTC", strings.TrimSuffix(value, "Z")
	}
	if t, err := time.Parse("20060102T150405", value); err == nil {
		return strings.TrimSpace(t.Format("2006-01-02 15:04") + " " + zone)
	}
	if t, err := time.Parse("20060102", value); err == nil {
		return t.Format("2006-01-02")
	}
	return value
}

package imapsync

import (
	"strings"
)

// excluded reports whether the settings leave a folder out.
func excluded(f FolderInfo, a Account) bool {
	return f.matches(a.Exclude) || len(a.Include) > 0 && !f.matches(a.Include)
}

// matches reports whether a folder is one of those that patterns name: by display
// name, by the octets of its name, or by what it is for.
func (f FolderInfo) matches(patterns []string) bool {
	for _, x := range patterns {
		if strings.HasPrefix(x, `\`) && (f.has(x) || strings.EqualFold(f.Use, x)) || glob(x, f.Display) || x == f.Name ||
			f.Name == "INBOX" && strings.EqualFold(x, "INBOX") { // RFC 9051 section 5.1
			return true
		}
	}
	return false
}

// glob matches "*" with any run of characters and everything else with itself.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}

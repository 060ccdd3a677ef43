package imapsync

import (
	"strings"
)

// excluded reports whether the settings leave a folder out.
func excluded(f FolderInfo, patterns []string) bool {
	for _, x := range patterns {
		if strings.HasPrefix(x, `\`) && f.has(x) || glob(x, f.Display) || x == f.Name {
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

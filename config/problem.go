package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ErrInvalid is what every *Error is: the file was read and not accepted.
var ErrInvalid = errors.New("invalid configuration")

// Problem is one thing wrong with a configuration.
type Problem struct {
	File    string
	Line    int    // from 1; 0 when the settings did not come from a file
	Column  int    // from 1, in characters
	Message string // "unknown setting …"
	Hint    string // "did you mean …?"; may be empty
	Excerpt string // the line, the one before it and a caret; ends in a line end, may be empty
}

// String returns "file:line:column: message; hint" and the excerpt below it.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	case p.File != "":
		fmt.Fprintf(&b, "%s: ", p.File)
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	if p.Excerpt != "" {
		b.WriteByte('\n')
		b.WriteString(strings.TrimSuffix(p.Excerpt, "\n"))
	}
	return b.String()
}

// Error is every problem of one configuration, in the order of the file.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	s := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		s[i] = p.String()
	}
	return strings.Join(s, "\n")
}

// Is makes errors.Is(err, ErrInvalid) true.
func (e *Error) Is(target error) bool { return target == ErrInvalid }

// span is a stretch of the file, in bytes.
type span struct{ start, end int }

func (c *Config) problem(at span, known bool, message, hint string) Problem {
	p := Problem{File: c.file, Message: message, Hint: hint}
	if !known || at.start < 0 || at.start > len(c.src) {
		return p
	}
	before := c.src[:at.start]
	p.Line = 1 + strings.Count(string(before), "\n")
	lineStart := strings.LastIndexByte(string(before), '\n') + 1
	p.Column = 1 + utf8.RuneCount(c.src[lineStart:at.start])
	p.Excerpt = excerpt(string(c.src), p.Line, p.Column, utf8.RuneCount(c.src[at.start:max(at.start, min(at.end, len(c.src)))]))
	return p
}

// secretLine finds what must not be repeated on a terminal that somebody may be
// looking at, or in a log: the value of anything that sounds like a password.
// password_file is only a path.
var (
	secretLine = regexp.MustCompile(`(?i)((?:pass|secret|token|pwd|webhook)[\w-]*["']?\s*=\s*)\S.*`)
	secretFile = regexp.MustCompile(`(?i)(?:pass|secret|token|pwd)\w*_file["']?\s*=`)
	userinfo   = regexp.MustCompile(`//[^\s"'/]*@`)
)

func excerpt(src string, line, column, width int) string {
	// A string that runs over lines may be a secret whose key stands elsewhere.
	if strings.Contains(src, `"""`) || strings.Contains(src, `'''`) {
		return ""
	}
	lines := strings.Split(src, "\n")
	if line > len(lines) {
		return ""
	}
	var b strings.Builder
	if line > 1 && strings.TrimSpace(lines[line-2]) != "" {
		fmt.Fprintf(&b, "%4d | %s\n", line-1, printable(lines[line-2]))
	}
	text := printable(lines[line-1])
	fmt.Fprintf(&b, "%4d | %s\n", line, text)
	n := utf8.RuneCountInString(text)
	if column > n+1 {
		column = n + 1
	}
	width = max(1, min(width, n-column+1))
	fmt.Fprintf(&b, "     | %s%s\n", strings.Repeat(" ", column-1), strings.Repeat("^", width))
	return b.String()
}

// printable hides secrets and makes a line safe for a terminal, one character
// for one, so that the caret stays where it belongs.
func printable(line string) string {
	if !secretFile.MatchString(line) {
		line = secretLine.ReplaceAllString(line, "${1}"+hidden)
	}
	line = userinfo.ReplaceAllString(line, "//"+hidden+"@")
	line = strings.TrimRight(line, "\r")
	if utf8.RuneCountInString(line) > 160 {
		line = string([]rune(line)[:159]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, line)
}

package imapsync

import (
	"fmt"
	"regexp"
	"strings"
)

// allowed are the commands that read. Those with arguments of ours are spelled
// out, so that neither STORE nor BODY[] without PEEK can pass. A folder's name
// and the login are the only free texts, and they are quoted or literals.
var allowed = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`CAPABILITY|NOOP|LOGOUT|STARTTLS|UNSELECT|IDLE|COMPRESS DEFLATE|ENABLE QRESYNC`,
	regexp.QuoteMeta(notifyCommand),
	`ID \("name" "[a-z]+"\)`,
	`LOGIN ` + astringPattern + ` ` + astringPattern,
	`AUTHENTICATE (?:PLAIN|XOAUTH2|OAUTHBEARER)(?: [A-Za-z0-9+/=]+)?`,
	`LIST "" "\*"(?: RETURN \([A-Z0-9 ()-]+\))?`,
	`STATUS ` + astringPattern + ` \([A-Z ]+\)`,
	`EXAMINE ` + astringPattern + `(?: \(CONDSTORE\))?`,
	`UID SEARCH (?:RETURN \(ALL\) )?UID [0-9:*,]+`,
	`UID FETCH [0-9:*,]+ \(` + fetchItem + `(?: ` + fetchItem + `)*\)(?: \(CHANGEDSINCE [0-9]+\))?`,
}, `|`) + `)$`)

const (
	astringPattern = `(?:"(?:[^"\\\x00-\x1f]|\\["\\])*"|\{[0-9]+\})`
	fetchItem      = `(?:UID|FLAGS|INTERNALDATE|RFC822\.SIZE|EMAILID|THREADID|X-GM-(?:MSGID|THRID|LABELS)|BODY\.PEEK\[(?:HEADER)?\])`
)

// permit refuses any command that is not on the list. command is without its
// tag and line end; an argument that is a literal stands as "{n}".
func permit(command string) error {
	if allowed.MatchString(command) {
		return nil
	}
	verb, _, _ := strings.Cut(command, " ") // the rest may be a password
	return fmt.Errorf("%w: %q", errNotRead, shorten([]byte(verb)))
}

package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"os"
	"strconv"
	"strings"
	"time"
)

// An mbox is messages one after another:
//
//	From nora@deskandco.example Thu Mar  2 09:12:07 2023     From_ line, the container's
//	Subject: …                                               the message
//	…
//	                                                         one empty line, the container's
//	From …
//
// There are four ways to keep a line of a message that begins with "From " from
// being taken for the next From_ line, and no file says which one it uses
// (RFC 4155 appendix A only names the trouble):
//
//   - mboxrd puts ">" before every line of the form ">*From "; one is taken off;
//   - mboxo puts ">" before "From " alone. Taking one off gives the original
//     back, but for lines that began with ">From " by themselves. Nothing in the
//     file can tell those apart, so they lose a ">" here as with every reader
//     of mboxrd;
//   - mboxcl is mboxo with the length in a Content-Length field;
//   - mboxcl2 has the length and quotes nothing.
//
// Content-Length is believed only when it leads exactly to the next From_ line or
// to the end: mail carries false ones. Then the message is taken as it stands,
// because with quoting in play the length of the original would not fit. Else
// the next message begins at a From_ line after an empty line.
//
// Line ends are kept as found.

// bufLen is the buffer of the splitter. What has to be seen ahead lies in it.
const bufLen = 64 << 10

// fromLen is how far past an empty line one looks for a From_ line and the
// header field after it.
const fromLen = 2 << 10

// headerLen is how much of a header section is kept for Content-Length, flags
// and labels.
const headerLen = 64 << 10

// spoolLen bounds what a Content-Length may make us copy aside.
const spoolLen = 256 << 20

// mboxReader splits an mbox. Use: next, then read m to its end, then next.
type mboxReader struct {
	br  *bufio.Reader
	q   *queue
	at  io.ReaderAt // the same octets, when they can be read anywhere; else nil
	off int64       // octets consumed

	from    fromLine // of the message being read
	git     bool     // the file begins with a line of git format-patch, so such lines count
	extent  extent
	header  []byte // of the message being read, at most headerLen
	closing []byte // the line that ends its outermost multipart; nil when there is none
	closed  bool   // closing was seen
	believe int    // Content-Length fields that fitted
	misses  int    // those that had to be copied aside and did not

	state   state
	pending []byte // part of br's buffer, to be given out before br is touched
	rest    int64  // octets left, in state counted
	midline bool
	newline bool // the octet consumed last was a line feed
	short   bool // Content-Length led past the end
	counted bool // the message's length is known
	err     error
}

type state int

const (
	between state = iota // before a From_ line
	inHeader
	inBody
	inCounted // the length is known
)

// extent is where a message lies in the stream. Each octet belongs to exactly
// one: [start,body) is the From_ line, [body,end) the message as written, and
// the container's empty line lies before the next start.
type extent struct{ start, body, end int64 }

// queue gives what was copied aside before it goes on with the source.
type queue struct {
	front *os.File
	base  io.Reader
}

func (q *queue) Read(b []byte) (int, error) {
	if q.front != nil {
		n, err := q.front.Read(b)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		q.close()
	}
	return q.base.Read(b)
}

func (q *queue) close() {
	if q.front != nil {
		q.front.Close()
		os.Remove(q.front.Name())
		q.front = nil
	}
}

// newMbox splits what r gives; at gives the same octets by offset, or is nil.
func newMbox(r io.Reader, at io.ReaderAt) *mboxReader {
	q := &queue{base: r}
	return &mboxReader{br: bufio.NewReaderSize(q, bufLen), q: q, at: at}
}

// close removes what was copied aside.
func (m *mboxReader) close() { m.q.close() }

// next goes to the next message. It returns io.EOF after the last.
func (m *mboxReader) next() error {
	if m.state != between { // the reader of the message stopped early
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
	}
	if m.err != nil {
		return m.err
	}
	first := m.off == 0
	for { // empty lines before the first message, or more than one between two
		n, err := m.blank()
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		m.discard(n)
	}
	start := m.off
	head, err := m.br.Peek(fromLen)
	if len(head) == 0 {
		return m.fail(err)
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	from, ok := parseFrom(line)
	if !ok {
		return m.fail(fmt.Errorf("octet %d: want a line that begins with \"From \", got %.40q", m.off, line))
	}
	if first {
		m.git = from.git
	}
	for { // the line may be longer than the buffer
		b, err := m.br.ReadSlice('\n')
		m.consumed(b)
		if err == nil || err == io.EOF {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return m.fail(err)
		}
	}
	m.from, m.extent = from, extent{start: start, body: m.off, end: m.off}
	m.header, m.closing, m.closed, m.short, m.counted = m.header[:0], nil, false, false, false
	m.state, m.midline = inHeader, false
	return nil
}

func (m *mboxReader) fail(err error) error {
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	m.err, m.state = err, between
	return err
}

// consumed accounts for octets taken from br.
func (m *mboxReader) consumed(b []byte) {
	m.off += int64(len(b))
	if len(b) > 0 {
		m.newline = b[len(b)-1] == '\n'
	}
}

// discard drops n octets that are known to be in the buffer.
func (m *mboxReader) discard(n int) {
	b, _ := m.br.Peek(n)
	m.consumed(b)
	_, _ = m.br.Discard(n)
}

// blank returns the length of the empty line at the read position, 0 when there
// is none.
func (m *mboxReader) blank() (int, error) {
	b, err := m.br.Peek(2)
	switch {
	case len(b) >= 1 && b[0] == '\n':
		return 1, nil
	case len(b) == 2 && b[0] == '\r' && b[1] == '\n':
		return 2, nil
	case len(b) == 0 && err != nil && err != io.EOF:
		return 0, m.fail(err)
	}
	return 0, nil
}

// Read gives the octets of the message, unquoted.
func (m *mboxReader) Read(p []byte) (int, error) {
	for len(m.pending) == 0 {
		if m.state == between {
			if m.err != nil && m.err != io.EOF {
				return 0, m.err
			}
			return 0, io.EOF
		}
		if err := m.fill(len(p)); err != nil {
			return 0, m.fail(err)
		}
	}
	n := copy(p, m.pending)
	m.pending = m.pending[n:]
	return n, nil
}

// fill sets pending to the next stretch of the message, or state to between.
func (m *mboxReader) fill(want int) error {
	if m.state == inCounted {
		return m.fillCounted(want)
	}
	if !m.midline {
		done, err := m.lineStart()
		if err != nil || done {
			return err
		}
		if m.state == inCounted {
			return m.fillCounted(want)
		}
	}
	if m.state == inBody {
		if b := m.plain(); len(b) > 0 {
			m.consumed(b)
			m.extent.end = m.off
			m.pending = b
			m.midline = !m.newline
			_, _ = m.br.Discard(len(b)) // moves the read position only; b stays until br is read again
			return nil
		}
	}
	b, err := m.br.ReadSlice('\n')
	switch {
	case err == nil:
		m.midline = false
	case errors.Is(err, bufio.ErrBufferFull):
		m.midline = true
	case err == io.EOF:
		m.midline = false
		if len(b) == 0 {
			m.finish()
			return nil
		}
	default:
		return err
	}
	m.consumed(b)
	m.extent.end = m.off
	if m.state == inHeader && len(m.header) < headerLen {
		m.header = append(m.header, b[:min(len(b), headerLen-len(m.header))]...)
	}
	m.pending = b
	return nil
}

// plain returns what lies in the buffer before the next line that lineStart has
// to look at. The line at the read position has been looked at. Nearly all of a
// mailbox passes here, so lines are not taken one by one.
func (m *mboxReader) plain() []byte {
	b, _ := m.br.Peek(m.br.Buffered())
	at := func(i int) byte { // what cannot be seen yet may be anything
		if i < len(b) {
			return b[i]
		}
		return 'F'
	}
	for pos := 0; ; {
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			return b[:pos]
		}
		pos += i + 1
		special := pos == len(b)
		switch at(pos) {
		case '\n':
			special = at(pos+1) == 'F'
		case '\r':
			special = pos+1 == len(b) || b[pos+1] == '\n' && at(pos+2) == 'F'
		case '>':
			c := at(pos + 1)
			special = c == 'F' || c == '>'
		case '-':
			special = m.closing != nil && !m.closed && (pos+1 == len(b) || b[pos+1] == '-')
		}
		if special {
			return b[:pos]
		}
	}
}

// lineStart looks at the line that begins here. It reports true when the
// message ended before it.
func (m *mboxReader) lineStart() (done bool, err error) {
	n, err := m.blank()
	if err != nil {
		return false, err
	}
	if n > 0 {
		ahead, err := m.br.Peek(n + fromLen)
		if err != nil && err != io.EOF && len(ahead) <= n {
			return false, err
		}
		if len(ahead) == n && err == io.EOF || m.separator(ahead[n:]) {
			m.discard(n)
			m.finish()
			return true, nil
		}
		if m.state == inHeader {
			m.closing = closingLine(m.header)
			return false, m.count(n)
		}
		return false, nil
	}
	if m.state == inHeader && m.off == m.extent.body {
		// An empty message: the next From_ line follows at once.
		if ahead, _ := m.br.Peek(fromLen); m.separator(ahead) {
			m.finish()
			return true, nil
		}
	}
	b, _ := m.br.Peek(1)
	if len(b) == 0 {
		return false, nil
	}
	if b[0] == '-' && m.closing != nil && !m.closed {
		if b, _ := m.br.Peek(len(m.closing)); bytes.Equal(b, m.closing) {
			m.closed = true
		}
	}
	if b[0] == '>' && m.quoted() {
		m.discard(1)
	}
	return false, nil
}

// quoted reports whether the line here is ">*From ". Quotation marks beyond the
// buffer are nobody's.
func (m *mboxReader) quoted() bool {
	for n := 64; ; n *= 2 {
		b, err := m.br.Peek(min(n, bufLen))
		rest := bytes.TrimLeft(b, ">")
		if len(rest) >= 5 || err != nil || n >= bufLen {
			return bytes.HasPrefix(rest, []byte("From "))
		}
	}
}

func (m *mboxReader) finish() { m.state = between }

// separator reports whether b, which follows an empty line, begins with a From_
// line. Text has lines that begin with "From " too; a date in its place, or next
// to nothing followed by a header field, tells them apart. git format-patch
// begins patches with such a line and mail carries patches, so its fixed date
// only counts in a file that is made of them.
func (m *mboxReader) separator(b []byte) bool {
	if !bytes.HasPrefix(b, []byte("From ")) {
		return false
	}
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	from, ok := parseFrom(line)
	if !ok || from.git && !m.git {
		return false
	}
	return from.dated || headerLike(rest)
}

// count enters state inCounted when the header section has a Content-Length that
// fits. The empty line that ends the section, of length blank, is still unread.
func (m *mboxReader) count(blank int) error {
	m.state = inBody
	n, ok := contentLength(m.header)
	if !ok {
		return nil
	}
	fits, err := m.fits(int64(blank), n)
	if err != nil || !fits {
		return err
	}
	m.believe++
	m.counted = true
	m.state, m.rest = inCounted, int64(blank)+n
	return nil
}

// fits reports whether the message can end n octets after the empty line.
func (m *mboxReader) fits(blank, n int64) (bool, error) {
	from := max(blank+n-1, 0) // the octet before the end, to see that a line ended there
	tail, err := m.ahead(from, fromLen)
	if err != nil {
		return false, err
	}
	if len(tail) == 0 {
		m.short = true
		return false, nil
	}
	last, tail := tail[0], tail[1:]
	if len(tail) == 0 { // the end of the file
		return true, nil
	}
	if last == '\n' && m.separator(tail) {
		return true, nil
	}
	// One empty line, or two line ends where the message's last line had none.
	for range 2 {
		switch {
		case tail[0] == '\n':
			tail = tail[1:]
		case bytes.HasPrefix(tail, []byte("\r\n")):
			tail = tail[2:]
		default:
			return false, nil
		}
		if len(tail) == 0 || m.separator(tail) {
			return true, nil
		}
	}
	return false, nil
}

// ahead returns up to want octets from off octets ahead, fewer at the end.
func (m *mboxReader) ahead(off int64, want int) ([]byte, error) {
	if off+int64(want) <= bufLen {
		b, err := m.br.Peek(int(off) + want)
		if err != nil && err != io.EOF {
			return nil, err
		}
		return b[min(int(off), len(b)):], nil
	}
	buf := make([]byte, want)
	if m.at != nil {
		n, err := m.at.ReadAt(buf, m.off+off)
		if err != nil && err != io.EOF {
			return nil, err
		}
		return buf[:n], nil
	}
	// A packed source cannot be read elsewhere: copy the message aside and go on
	// from the copy. After three that led nowhere the file's lengths are not
	// worth the copies.
	if off > spoolLen || m.misses >= 3 {
		return []byte{0, 0}, nil // fits nothing
	}
	f, err := os.CreateTemp("", "inwriting-import-*")
	if err != nil {
		return nil, fmt.Errorf("copying a long message aside: %w", err)
	}
	n, err := m.aside(f, off+int64(want))
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, fmt.Errorf("copying a long message aside: %w", err)
	}
	m.q.close()
	m.q.front = f
	m.br.Reset(m.q)
	got := max(0, min(int64(want), n-off))
	if _, err := f.ReadAt(buf[:got], off); err != nil && err != io.EOF {
		return nil, err
	}
	return buf[:got], nil
}

// aside copies n octets, or what is left, to f and leaves f where they begin.
// What br and an older copy hold beyond them follows in f: they belong in front
// of the rest of the source.
func (m *mboxReader) aside(f *os.File, n int64) (int64, error) {
	copied, err := io.CopyN(f, m.br, n)
	if err != nil && err != io.EOF {
		return 0, err
	}
	extra, _ := m.br.Peek(m.br.Buffered())
	if _, err := f.Write(extra); err != nil {
		return 0, err
	}
	if m.q.front != nil {
		if _, err := io.Copy(f, m.q.front); err != nil {
			return 0, err
		}
	}
	_, err = f.Seek(0, io.SeekStart)
	return copied, err
}

// fillCounted gives the next stretch of a message whose length is known.
func (m *mboxReader) fillCounted(want int) error {
	if m.rest == 0 {
		m.finish()
		m.midline = false
		return nil
	}
	n := int(min(m.rest, int64(max(want, 1)), bufLen))
	b, err := m.br.Peek(n)
	if len(b) == 0 {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	m.consumed(b)
	m.rest -= int64(len(b))
	m.extent.end = m.off
	m.pending = b
	_, _ = m.br.Discard(len(b)) // moves the read position only; b stays until br is read again
	return nil
}

// torn says why the last message may be incomplete; "" when nothing speaks for
// it. It is asked after next returned io.EOF.
func (m *mboxReader) torn() string {
	switch {
	case !m.newline:
		return "the file ends in the middle of a line"
	case m.short && m.believe > 0:
		return "the file ends before the length the message states"
	case m.closing != nil && !m.closed && !m.counted:
		return "the file ends before the last part of the message is closed"
	}
	return ""
}

// fromLine is a From_ line as far as it could be read.
type fromLine struct {
	date  time.Time
	dated bool
	git   bool // as git format-patch writes it: an object name and a fixed date
}

var fromLayouts = []string{
	"Mon Jan 2 15:04:05 2006",
	"Mon Jan 2 15:04:05 -0700 2006", // Google Takeout
	"Mon Jan 2 15:04:05 2006 -0700",
	"Mon Jan 2 15:04:05 MST 2006",
	"Mon Jan 2 15:04 2006",
	"Mon Jan 2 15:04 MST 2006",
	"Mon Jan 2 15:04:05 2006 MST",
	"Mon, 2 Jan 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04:05",
	"Mon 2 Jan 2006 15:04:05",
}

// parseFrom reads a From_ line (RFC 4155 appendix A: sender, then asctime in
// UTC). ok is false when the line does not begin with "From " or goes on as text.
func parseFrom(line []byte) (f fromLine, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimRight(string(line[:min(len(line), 1000)]), "\r\n"), "From ")
	if !ok {
		return f, false
	}
	words := strings.Fields(rest)
	for i, w := range words {
		if len(w) < 3 || !isWeekday(w[:3]) || len(w) > 4 || len(w) == 4 && w[3] != ',' {
			continue
		}
		// "remote from host" and the like may follow the date.
		for end := len(words); end > i+3; end-- {
			s := strings.Join(words[i:end], " ")
			for _, l := range fromLayouts {
				if t, err := time.Parse(l, s); err == nil {
					f.date, f.dated = t.UTC(), true
					f.git = i == 1 && len(words[0]) == 40 && strings.Trim(words[0], "0123456789abcdef") == "" &&
						s == "Mon Sep 17 00:00:00 2001"
					return f, true
				}
			}
		}
	}
	return f, len(words) <= 1
}

func isWeekday(s string) bool {
	switch s {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// fields calls f with each header field, unfolded, its name in lower case.
func fields(header []byte, f func(name, value string)) {
	var name, value string
	flush := func() {
		if name != "" {
			f(name, strings.TrimSpace(value))
		}
		name, value = "", ""
	}
	for len(header) > 0 {
		var line []byte
		line, header = cutLine(header)
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			value += string(line)
			continue
		}
		flush()
		if n, ok := fieldName(line); ok {
			name, value = n, string(line[bytes.IndexByte(line, ':')+1:])
		}
	}
	flush()
}

func contentLength(header []byte) (n int64, ok bool) {
	if !bytes.Contains(bytes.ToLower(header), []byte("content-length")) {
		return 0, false
	}
	fields(header, func(name, value string) {
		if name == "content-length" {
			v, err := strconv.ParseInt(value, 10, 64)
			n, ok = v, err == nil && v >= 0 && v < math.MaxInt64-headerLen
		}
	})
	return n, ok
}

// closingLine returns "--boundary--" of a multipart message (RFC 2046 section
// 5.1.1), nil for any other.
func closingLine(header []byte) []byte {
	if !bytes.Contains(bytes.ToLower(header), []byte("multipart/")) {
		return nil
	}
	var out []byte
	fields(header, func(name, value string) {
		if name != "content-type" || out != nil {
			return
		}
		typ, params, err := mime.ParseMediaType(value)
		if b := params["boundary"]; err == nil && strings.HasPrefix(typ, "multipart/") && b != "" && len(b) <= 70 {
			out = []byte("--" + b + "--")
		}
	})
	return out
}

// mbox imports the messages of an mbox.
func (r *run) mbox(in *input, br *bufio.Reader) error {
	var at io.ReaderAt
	if in.file != nil {
		at = in.file
	}
	m := newMbox(br, at)
	defer m.close()
	var n int
	for {
		unread := len(r.unread)
		err := m.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			r.cannotRead(fmt.Errorf("reading %q after message %d: %w", in.place.path, n, err))
			return nil
		}
		n++
		it := Item{Folder: in.place.folder, Path: fmt.Sprintf("%s:%d", in.place.path, n), Date: m.from.date}
		fill := func(it *Item) { mboxFields(m.header, it) }
		if _, err := r.message(m, it, fill); err != nil {
			return err
		}
		if len(r.unread) > unread && m.err != nil {
			return nil // the source failed, and message has said so
		}
	}
	if why := m.torn(); n > 0 && why != "" {
		r.skip(fmt.Sprintf("%s:%d", in.place.path, n), why+": the last message was imported as far as it goes and may be incomplete")
	}
	return nil
}

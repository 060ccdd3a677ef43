package message

// A phraseSet finds many phrases in one pass over a text (Aho and Corasick). ASCII
// case does not count and any run of white space equals a space, so phrases are
// found over line ends. It is built once and then only read.
type phraseSet struct {
	class [256]uint8 // octet to column; 0 is every octet that no phrase has
	width int
	next  []uint16   // state * width + column
	found [][]uint16 // by state: the phrases that end there
}

// A hit is a phrase of a set and where its last octet stands.
type hit struct {
	at int
	id uint16
}

func newPhraseSet(phrases []string) *phraseSet {
	s := &phraseSet{width: 1}
	for _, p := range phrases {
		for i := range len(p) {
			if s.class[p[i]] == 0 {
				s.class[p[i]] = uint8(s.width)
				s.width++
			}
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		s.class[c] = s.class[c+'a'-'A']
	}
	for _, c := range []byte("\t\n\r\v\f") {
		s.class[c] = s.class[' ']
	}
	s.next = make([]uint16, s.width)
	s.found = make([][]uint16, 1)
	for id, p := range phrases {
		state := 0
		for i := range len(p) {
			at := state*s.width + int(s.class[p[i]])
			if s.next[at] == 0 {
				s.next[at] = uint16(len(s.found))
				s.found = append(s.found, nil)
				s.next = append(s.next, make([]uint16, s.width)...)
			}
			state = int(s.next[at])
		}
		s.found[state] = append(s.found[state], uint16(id))
	}
	// Breadth first, the state to fall back to is complete before it is used.
	fail := make([]uint16, len(s.found))
	var queue []uint16
	for c := range s.width {
		if n := s.next[c]; n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		back := int(fail[state])
		s.found[state] = append(s.found[state], s.found[back]...)
		for c := range s.width {
			at := int(state)*s.width + c
			if n := s.next[at]; n != 0 {
				fail[n] = s.next[back*s.width+c]
				queue = append(queue, n)
			} else {
				s.next[at] = s.next[back*s.width+c]
			}
		}
	}
	return s
}

// hits appends what stands in text to dst. Positions count from base.
func (s *phraseSet) hits(dst []hit, text string, base int) []hit {
	state := 0
	space := s.class[' ']
	spaced := false
	for i := range len(text) {
		c := s.class[text[i]]
		if c == space && space != 0 {
			if spaced {
				continue
			}
			spaced = true
		} else {
			spaced = false
		}
		state = int(s.next[state*s.width+int(c)])
		for _, id := range s.found[state] {
			dst = append(dst, hit{base + i, id})
		}
	}
	return dst
}

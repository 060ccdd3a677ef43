package message

import (
	"fmt"
	"io"
)

// Leaf is a leaf of the MIME tree whose octets are about to come.
type Leaf struct {
	Number      string // as in IMAP sections: "2", "1.2"
	ContentType string // lower-case type/subtype
	Charset     string // as labelled
	Name        string
	ContentID   string
	Text        bool // a candidate for Message.Text
	Foreign     bool // inside a nested message, which is a leaf too
}

// ReadLeaves is Read that also gives the decoded octets of every leaf, as they
// stream by, to the writer that open returns for it; nil passes it over. Errors of
// a writer are the writer's business.
func ReadLeaves(r io.Reader, open func(Leaf) io.Writer) (*Message, error) {
	p := parsers.Get().(*parser)
	defer p.release()
	p.m = &Message{}
	p.leaf = open
	p.br.Reset(r)
	if err := p.run(); err != nil {
		return nil, fmt.Errorf("reading message: %w", err)
	}
	p.finish()
	return p.m, nil
}

// offer opens the writer of a leaf.
func (p *parser) offer(e *entity) {
	if p.leaf != nil {
		e.out = p.leaf(Leaf{Number: e.number, ContentType: e.typ, Charset: e.charset, Name: e.name, ContentID: e.cid, Text: e.text, Foreign: e.foreign})
	}
}

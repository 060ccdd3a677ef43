package dkim

import (
	"context"
	"errors"
	"net"
)

// System asks the machine's own resolver. It does not tell whether DNSSEC vouches for
// an answer.
func System(ctx context.Context, name string) (Record, error) {
	texts, err := net.DefaultResolver.LookupTXT(ctx, name)
	var de *net.DNSError
	if errors.As(err, &de) && de.IsNotFound {
		return Record{}, ErrNoKey
	}
	return Record{Name: name, Texts: texts}, err
}

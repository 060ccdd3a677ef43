// Package anchor puts an outside time on a file: an RFC 3161 authority signs the
// file's SHA-256 together with its own clock. Only that hash and a random number
// leave the machine.
//
// An answer is believed when its status is granted, it stamps the hash that was
// sent, carries the nonce that was sent, is signed by the certificate that it names
// itself, and that certificate was valid for time stamping, at the time in the token,
// under a root that we trust. The certificates are kept with it: a token is as good
// in ten years, when they have ended, as today (Check never looks at the clock).
//
// What stock openssl says of the same files:
//
//	openssl ts -verify -data checkpoint -in token.tsr -CAfile root.pem -untrusted chain.pem -attime <Unix time of the stamp>
package anchor

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

var (
	// ErrRefused: the authority answered, and gave no token.
	ErrRefused = errors.New("the authority refused")
	// ErrImprint: the token stamps something else.
	ErrImprint = errors.New("the token stamps another file")
	// ErrNonce: the token answers another request.
	ErrNonce = errors.New("the token answers another request")
	// ErrChain: the certificate is not one that we trust for time stamps.
	ErrChain = errors.New("the authority's certificate is not trusted for time stamps")
	// ErrToken: the answer cannot be read or its signature does not hold.
	ErrToken = errors.New("the token does not hold")
)

// Authority is a time-stamping authority.
type Authority struct {
	Name  string         // short, for file names: see ledger.AuthorityName
	URL   string         // where it takes requests
	Roots *x509.CertPool // whom we trust for it; nil: whom the system trusts
}

// Stamp is a token that was checked.
type Stamp struct {
	Response []byte // TimeStampResp as received, DER: what openssl ts reads
	Time     time.Time
	Accuracy time.Duration // 0 when the authority states none
	Serial   string        // hexadecimal
	Policy   string        // dotted
	Subject  string        // of the authority's certificate
	// Chain is the authority's certificate, what it rests on, and the root last.
	Chain []*x509.Certificate
}

// Expires is when the first certificate of the chain ends. The stamp stays
// good; without -attime, stock tools will then say that it is not.
func (s *Stamp) Expires() time.Time {
	var at time.Time
	for _, c := range s.Chain {
		if at.IsZero() || c.NotAfter.Before(at) {
			at = c.NotAfter
		}
	}
	return at
}

// PEM returns the chain.
func (s *Stamp) PEM() []byte {
	var b bytes.Buffer
	for _, c := range s.Chain {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.Bytes()
}

// maxResponse bounds an answer; an honest one has a few thousand octets.
const maxResponse = 1 << 20

// Stamp asks the authority for a token over data, and checks it. client may be nil.
func (a Authority) Stamp(ctx context.Context, client *http.Client, data []byte) (*Stamp, error) {
	s, err := a.stamp(ctx, client, data)
	if err != nil {
		return nil, fmt.Errorf("time stamp from %q: %w", a.Name, err)
	}
	return s, nil
}

func (a Authority) stamp(ctx context.Context, client *http.Client, data []byte) (*Stamp, error) {
	if client == nil {
		client = http.DefaultClient
	}
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	req := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true, Nonce: nonce}
	der, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	// RFC 3161 section 3.4.
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(der))
	if err != nil {
		return nil, err
	}
	post.Header.Set("Content-Type", "application/timestamp-query")
	post.Header.Set("Accept", "application/timestamp-reply")
	resp, err := client.Do(post)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s", ErrRefused, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxResponse {
		return nil, fmt.Errorf("%w: the answer has more than %d octets", ErrToken, maxResponse)
	}
	return Check(body, data, Options{Roots: a.Roots, Nonce: nonce})
}

// Options of Check.
type Options struct {
	Roots *x509.CertPool // nil: whom the system trusts
	Nonce *big.Int       // that the token must carry; nil: any, for tokens of earlier
	// Chain are certificates that may be needed and are not in the token.
	Chain []*x509.Certificate
}

// Check reads a TimeStampResp and checks all that can be checked without asking
// anybody. Certificates are judged as of the time in the token.
func Check(response, data []byte, opt Options) (s *Stamp, err error) {
	defer func() {
		// The parsers below are not ours, and answers come from outside.
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("%w: reading it failed: %v", ErrToken, r)
		}
	}()
	token, err := granted(response)
	if err != nil {
		return nil, err
	}
	ts, err := timestamp.Parse(token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	sum := sha256.Sum256(data)
	if ts.HashAlgorithm != crypto.SHA256 || !bytes.Equal(ts.HashedMessage, sum[:]) {
		return nil, ErrImprint
	}
	if opt.Nonce != nil && (ts.Nonce == nil || ts.Nonce.Cmp(opt.Nonce) != 0) {
		return nil, ErrNonce
	}
	p7, err := pkcs7.Parse(ts.RawToken)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	signer, err := signerOf(p7, opt.Chain)
	if err != nil {
		return nil, err
	}
	s = &Stamp{Response: bytes.Clone(response), Time: ts.Time.UTC(), Accuracy: ts.Accuracy, Policy: ts.Policy.String(), Subject: signer.Subject.String()}
	if ts.SerialNumber != nil {
		s.Serial = ts.SerialNumber.Text(16)
	}
	s.Chain, err = chainOf(signer, append(p7.Certificates, opt.Chain...), opt.Roots, s.Time)
	return s, err
}

// granted takes the token out of a TimeStampResp (RFC 3161 section 2.4.2). Unlike the
// library it takes status 1 too: granted, with changes that the token itself shows.
func granted(response []byte) (token []byte, err error) {
	var r struct {
		Status struct {
			Status int
			Text   []string       `asn1:"optional,utf8"`
			Fail   asn1.BitString `asn1:"optional"`
		}
		Token asn1.RawValue `asn1:"optional"`
	}
	rest, err := asn1.Unmarshal(response, &r)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: it is no answer of an authority", ErrToken)
	}
	if r.Status.Status < 0 || r.Status.Status > 1 {
		return nil, fmt.Errorf("%w: status %d %s", ErrRefused, r.Status.Status, strings.Join(r.Status.Text, ", "))
	}
	if len(r.Token.FullBytes) == 0 {
		return nil, fmt.Errorf("%w: the answer brings none", ErrToken)
	}
	return r.Token.FullBytes, nil
}

var (
	oidTSTInfo   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidCertV1    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidCertV2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidExtKeyUse = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// signerOf checks the token's signature and that the token names the certificate
// it was made with (RFC 3161 section 2.4.1, RFC 5816).
func signerOf(p7 *pkcs7.PKCS7, more []*x509.Certificate) (*x509.Certificate, error) {
	have := len(p7.Certificates) > 0
	p7.Certificates = append(p7.Certificates, more...)
	if len(p7.Certificates) == 0 {
		return nil, fmt.Errorf("%w: it brings no certificate", ErrToken)
	}
	if !have { // then the parser did not check it
		if err := p7.Verify(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrToken, err)
		}
	}
	var kind asn1.ObjectIdentifier
	if err := p7.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &kind); err != nil || !kind.Equal(oidTSTInfo) {
		return nil, fmt.Errorf("%w: what is signed is no time stamp", ErrToken)
	}
	signer := p7.GetOnlySigner()
	if signer == nil {
		return nil, fmt.Errorf("%w: want one signature", ErrToken)
	}
	if !namesItself(p7, signer) {
		return nil, fmt.Errorf("%w: it does not name the certificate that signed it", ErrToken)
	}
	return signer, nil
}

func namesItself(p7 *pkcs7.PKCS7, signer *x509.Certificate) bool {
	var v2 struct {
		Certs []struct {
			Hash struct {
				Algorithm  asn1.ObjectIdentifier
				Parameters asn1.RawValue `asn1:"optional"`
			} `asn1:"optional"`
			Sum    []byte
			Serial asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	if err := p7.UnmarshalSignedAttribute(oidCertV2, &v2); err == nil && len(v2.Certs) > 0 {
		h := crypto.SHA256
		switch alg := v2.Certs[0].Hash.Algorithm; {
		case len(alg) == 0, alg.Equal(oidSHA256):
		case alg.Equal(oidSHA384):
			h = crypto.SHA384
		case alg.Equal(oidSHA512):
			h = crypto.SHA512
		default:
			return false
		}
		sum := h.New()
		sum.Write(signer.Raw)
		return bytes.Equal(sum.Sum(nil), v2.Certs[0].Sum)
	}
	var v1 struct {
		Certs []struct {
			Sum    []byte
			Serial asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	if err := p7.UnmarshalSignedAttribute(oidCertV1, &v1); err == nil && len(v1.Certs) > 0 {
		sum := sha1.Sum(signer.Raw)
		return bytes.Equal(sum[:], v1.Certs[0].Sum)
	}
	return false
}

// chainOf finds the way from signer to a trusted root as of at.
func chainOf(signer *x509.Certificate, others []*x509.Certificate, roots *x509.CertPool, at time.Time) ([]*x509.Certificate, error) {
	// RFC 3161 section 2.3: the one use, and critical.
	critical := false
	for _, e := range signer.Extensions {
		critical = critical || e.Id.Equal(oidExtKeyUse) && e.Critical
	}
	if !critical || len(signer.ExtKeyUsage) != 1 || signer.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(signer.UnknownExtKeyUsage) > 0 {
		return nil, fmt.Errorf("%w: it is not for time stamps alone", ErrChain)
	}
	between := x509.NewCertPool()
	for _, c := range others {
		between.AddCert(c)
	}
	chains, err := signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	best := chains[0]
	for _, c := range chains[1:] {
		if len(c) < len(best) {
			best = c
		}
	}
	return best, nil
}

// ParseChain reads certificates as PEM writes them.
func ParseChain(b []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		var p *pem.Block
		if p, b = pem.Decode(b); p == nil {
			break
		}
		if p.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(p.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading certificates: %w", err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("reading certificates: there is none")
	}
	return out, nil
}

// Read checks a kept token against the certificates that were kept with it. The
// root is the one that was trusted then: whoever verifies for somebody else gives
// Check a root that he got himself.
func Read(response, data, chain []byte) (*Stamp, error) {
	certs, err := ParseChain(chain)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certs[len(certs)-1])
	return Check(response, data, Options{Roots: roots, Chain: certs})
}

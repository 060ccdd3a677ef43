package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/search"
	"inwriting/search/trail"
)

// Client is a search.Searcher that asks a running daemon. It is safe for
// concurrent use.
type Client struct {
	// Codes are error kinds beside those of this package; see Codes.
	Codes []Code

	base string
	http *http.Client
}

var _ search.Searcher = (*Client)(nil)

// ErrNoDaemon means that nobody answers where a daemon was looked for.
var ErrNoDaemon = errors.New("no daemon answers")

// Unix returns a client for the socket at path. Nothing is dialled yet.
func Unix(path string) *Client {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		DisableCompression: true,
	}
	return &Client{base: "http://inwriting.socket", http: &http.Client{Transport: t}}
}

// HTTP returns a client for a daemon's address, as "http://127.0.0.1:8417".
// Actions are not offered there.
func HTTP(address string) *Client {
	return &Client{base: strings.TrimSuffix(address, "/"), http: &http.Client{Transport: &http.Transport{DisableCompression: true}}}
}

// Close drops idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Alive asks whether a daemon answers; the error is ErrNoDaemon when nobody does.
func (c *Client) Alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, "/healthz", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// Search implements search.Searcher.
func (c *Client) Search(ctx context.Context, q search.Query) (*search.Results, error) {
	return get[search.Results](ctx, c, "/api/v1/search?"+EncodeQuery(q).Encode())
}

// Message implements search.Searcher.
func (c *Client) Message(ctx context.Context, id string) (*search.MessageDoc, error) {
	return get[search.MessageDoc](ctx, c, "/api/v1/message/"+segment(id))
}

// Statement implements search.Searcher.
func (c *Client) Statement(ctx context.Context, id string) (*trail.Statement, error) {
	st, err := get[Statement](ctx, c, "/api/v1/statement/"+segment(id))
	if err != nil {
		return nil, err
	}
	return &st.Statement, nil
}

// Trail implements search.Searcher.
func (c *Client) Trail(ctx context.Context, q search.TrailQuery) (*trail.Trail, error) {
	return get[trail.Trail](ctx, c, "/api/v1/trail?"+EncodeTrailQuery(q).Encode())
}

// Coverage implements search.Searcher.
func (c *Client) Coverage(ctx context.Context) (*trail.Coverage, error) {
	st, err := get[Status](ctx, c, "/api/v1/status")
	if err != nil {
		return nil, err
	}
	return &st.Coverage, nil
}

// Raw implements search.Searcher. A connection that breaks gives the reader an
// error, never a short message.
func (c *Client) Raw(ctx context.Context, ref archive.Ref) (io.ReadCloser, int64, error) {
	resp, err := c.send(ctx, http.MethodGet, "/api/v1/message/"+ref.String()+"/raw", nil)
	if err != nil {
		return nil, 0, err
	}
	if resp.ContentLength < 0 {
		resp.Body.Close()
		return nil, 0, fmt.Errorf("fetching %s from the daemon: no length given", ref)
	}
	return resp.Body, resp.ContentLength, nil
}

// patience is how long an interrupted client waits to hear what was kept.
const patience = 15 * time.Second

// Do runs an action of the daemon. events, which may be nil, gets each event as
// it comes. When the result has a file, it goes to file; with a nil file that is
// an error. When ctx ends, the daemon is asked to stop and Do still returns its
// result, beside the error, as Actions.Do does.
func (c *Client) Do(ctx context.Context, verb string, args any, events func(json.RawMessage), file io.Writer) (json.RawMessage, error) {
	body, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("writing the arguments of %s: %w", verb, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// The request must outlive ctx, or the answer would be lost with it.
	reqCtx, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	resp, err := c.send(reqCtx, http.MethodPost, "/api/v1/do/"+segment(verb), body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	br := bufio.NewReaderSize(resp.Body, 64<<10)

	first, err := readLine(br)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", verb, err)
	}
	stop := context.AfterFunc(ctx, func() {
		cctx, cancel := context.WithTimeout(reqCtx, patience)
		defer cancel()
		if r, err := c.send(cctx, http.MethodPost, "/api/v1/cancel/"+segment(first.Started), nil); err == nil {
			r.Body.Close()
		}
		select {
		case <-time.After(patience):
			abort()
		case <-reqCtx.Done():
		}
	})
	defer stop()

	for {
		l, err := readLine(br)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%s: %w", verb, err)
		}
		if l.Event != nil && events != nil {
			events(l.Event)
		}
		if !l.Done {
			continue
		}
		if l.Problem != nil {
			return l.Result, l.Problem.restore(c.Codes)
		}
		if l.Download != nil {
			if file == nil {
				return l.Result, fmt.Errorf("%s: the daemon sends a file that nobody takes", verb)
			}
			if n, err := io.CopyN(file, br, *l.Download); err != nil {
				if err == io.EOF {
					err = errTruncated
				}
				return l.Result, fmt.Errorf("%s: receiving the file, %d of %d octets: %w", verb, n, *l.Download, err)
			}
		}
		return l.Result, nil
	}
}

func readLine(br *bufio.Reader) (line, error) {
	var l line
	b, err := br.ReadBytes('\n')
	if err != nil {
		if err == io.EOF {
			err = errTruncated
		}
		return l, err
	}
	if err := json.Unmarshal(bytes.TrimSpace(b), &l); err != nil {
		return l, fmt.Errorf("reading the daemon's answer: %w", err)
	}
	return l, nil
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	resp, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	v := new(T)
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return nil, fmt.Errorf("reading the daemon's answer: %w", err)
	}
	return v, nil
}

// send returns an answer of 2xx or the error that the daemon reported.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking the daemon: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return nil, fmt.Errorf("%w: %w", ErrNoDaemon, op)
		}
		return nil, fmt.Errorf("asking the daemon: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	p := &Problem{}
	if json.Unmarshal(b, p) != nil || p.Code == "" {
		return nil, fmt.Errorf("asking the daemon: %s", resp.Status)
	}
	return nil, p.restore(c.Codes)
}

// segment escapes an id for a path. "." and ".." would be taken for steps.
func segment(id string) string {
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}

package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Actions are what changes a vault or takes its time: sync, import, export,
// verify, rebuild. The verbs and their arguments are the caller's.
type Actions interface {
	// Do runs verb to its end. events takes values for the JSON lines of
	// progress and may be called from several goroutines until Do returns.
	// When ctx ends Do stops cleanly and returns what was kept beside the
	// error. An unknown verb is an error that is ErrBadRequest. A result that is
	// a *Download also carries octets.
	Do(ctx context.Context, verb string, args json.RawMessage, events func(any)) (result any, err error)
}

// Download is a result with a file. Body is closed by whoever serves it.
type Download struct {
	Result any
	Size   int64
	Body   io.ReadCloser
}

// line is one line of the answer to an action. The first has Started, then come
// events, and the last has Result, Problem or both. After a line with Download
// follow that many octets, the file.
type line struct {
	Started  string          `json:"started,omitempty"` // id for /api/v1/cancel/{id}
	Event    json.RawMessage `json:"event,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Problem  *Problem        `json:"problem,omitempty"`
	Download *int64          `json:"download,omitempty"`
	Done     bool            `json:"done,omitempty"`
}

// maxArgs bounds the arguments of an action.
const maxArgs = 1 << 20

func (a *API) do(w http.ResponseWriter, r *http.Request) {
	if a.o.Actions == nil {
		a.fail(w, r, ErrNoActions)
		return
	}
	args, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxArgs))
	if err != nil {
		a.fail(w, r, BadRequest("reading arguments: "+err.Error()))
		return
	}
	if len(args) == 0 {
		args = []byte("null")
	}
	if !json.Valid(args) {
		a.fail(w, r, BadRequest("the arguments are not JSON"))
		return
	}

	// The run ends when the client goes away, and on request: a client that was
	// interrupted asks, and stays to hear what was kept.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	id := rand.Text()
	a.runs.mu.Lock()
	a.runs.cancel[id] = cancel
	a.runs.mu.Unlock()
	defer func() {
		a.runs.mu.Lock()
		delete(a.runs.cancel, id)
		a.runs.mu.Unlock()
	}()

	w.Header().Set("Content-Type", "application/jsonl")
	flush := http.NewResponseController(w)
	var mu sync.Mutex
	over := false
	send := func(l line) error {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return nil
		}
		over = l.Done
		if err := Encode(w, l); err != nil {
			return err
		}
		return flush.Flush()
	}
	if send(line{Started: id}) != nil {
		return
	}
	result, err := a.o.Actions.Do(ctx, r.PathValue("verb"), args, func(v any) {
		if b, err := json.Marshal(v); err == nil {
			_ = send(line{Event: b}) // a client that went away is noticed through ctx
		}
	})

	last := line{Done: true}
	dl, _ := result.(*Download)
	if dl != nil {
		defer dl.Body.Close()
		result = dl.Result
		if err == nil {
			last.Download = &dl.Size
		}
	}
	if err != nil {
		last.Problem = ProblemOf(err, a.o.Codes)
	}
	if result != nil {
		b, merr := json.Marshal(result)
		if merr != nil && last.Problem == nil {
			last.Problem, last.Download = ProblemOf(fmt.Errorf("writing the result of %s: %w", r.PathValue("verb"), merr), nil), nil
		}
		last.Result = b
	}
	if send(last) != nil || last.Download == nil {
		return
	}
	n, err := io.Copy(w, dl.Body)
	if err == nil && n != dl.Size {
		err = fmt.Errorf("got %d octets, want %d", n, dl.Size)
	}
	if err != nil {
		a.o.Logger.Error("sending file", "verb", r.PathValue("verb"), "err", err)
		panic(http.ErrAbortHandler) // a broken connection, not a short file
	}
}

func (a *API) cancelRun(w http.ResponseWriter, r *http.Request) {
	if a.o.Actions == nil {
		a.fail(w, r, ErrNoActions)
		return
	}
	a.runs.mu.Lock()
	cancel := a.runs.cancel[r.PathValue("id")]
	a.runs.mu.Unlock()
	if cancel == nil {
		a.problem(w, r, &Problem{Code: "no-such-run", Status: http.StatusNotFound, Exit: 1, Title: "No such run", Detail: "it may have ended"})
		return
	}
	cancel()
	w.WriteHeader(http.StatusNoContent)
}

var errTruncated = errors.New("the daemon broke off before the end")

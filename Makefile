# inwriting: build, test, measure. Everything builds without cgo.
export CGO_ENABLED = 0
GO ?= go

.PHONY: build test tools vet fuzz faults eval bench bench-sync bench-index bench-big bench-memory bench-bundle

build:
	$(GO) build -trimpath -ldflags=-buildid= -o bin/inwriting ./cmd/inwriting

# Real peers, never mocked: a test that needs one fails where it is missing.
tools:
	@.ci/tools

# -race needs cgo; everything else is built without.
test: tools vet
	$(GO) build ./...
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 12m ./...

vet:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Each fuzz target for a short while.
fuzz:
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	  echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-10s} $$p || exit 1; done; done

# Random faults on the wire and storms in the mailbox, from a printed seed, over each
# server, into a store in memory and into a vault; a sync killed at random moments.
faults: tools
	INWRITING_KILLS=$${INWRITING_KILLS:-250} $(GO) test -timeout 30m -v -run KillSync ./cmd/inwriting
	INWRITING_FAULTS=$${INWRITING_FAULTS:-10000} $(GO) test -timeout 90m -v -p 1 -run Storm ./indexer/imapsync ./indexer

# Quality on the labelled disputes and the labelled real mail.
eval:
	$(GO) run ./cmd/eval

# Speed and memory, beside a peer in the same run.
bench: bench-sync bench-index bench-big bench-memory bench-bundle bench-web
bench-sync bench-index bench-big: export WITH = bench
bench-sync bench-index bench-big bench-memory bench-bundle bench-web: tools build
	$(GO) run ./cmd/bench $(@:bench-%=%)

# A million entries, and proofs of them.
.PHONY: bench-ledger
bench-ledger:
	$(GO) test -run '^$$' -bench Million -benchtime 2000x ./indexer/ledger

# The same mail read on amd64 and, under qemu, on arm64: octet for octet. "make test"
# does it with the demo's mail; this with a mailbox file or a folder of your own.
.PHONY: processors
processors: export CI = true
processors: tools
	INWRITING_PROCESSOR_MAIL=$$(realpath $${MAIL:-../shared/corpora/threads/usrp-users.mbox.zst}) $(GO) test -count=1 -timeout 60m -v -run SameBytesOnArm64 ./cmd/inwriting

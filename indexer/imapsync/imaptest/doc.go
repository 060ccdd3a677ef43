// Package imaptest gives tests and benchmarks IMAP servers: a real Dovecot run
// as an unprivileged process, a scripted server that says what a test tells it
// to, and a proxy that spoils the conversation between a client and a real
// server at a chosen message and reports every command that is not read-only.
// Store is an imapsync.Store in memory that holds the caller to its contract.
package imaptest

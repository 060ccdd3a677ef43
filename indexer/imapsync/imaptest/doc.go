// Package imaptest gives tests and benchmarks IMAP servers: Dovecot, Cyrus and
// Courier run as unprivileged processes on loopback, a scripted server that says
// what a test tells it to, and a proxy that spoils the conversation between a client
// and a real server at a chosen place, or at many, and reports every command that is
// not read-only. Storm is a mailbox in which another program is at work. Store is an
// imapsync.Store in memory that holds the caller to its contract.
package imaptest

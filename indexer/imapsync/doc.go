// Package imapsync collects one IMAP account: it finds out what each folder
// holds, fetches what the store lacks and hands it up as raw octets. It stores
// nothing itself; Store and Stager are given to it.
//
// Three layers, from the wire up:
//
//   - guard is the connection. Every octet out passes its list of allowed
//     commands, so nothing that could change a mailbox can be sent: EXAMINE and
//     never SELECT, BODY.PEEK[] and never BODY[]. Every octet in passes its
//     idle deadline and its limits on lines and literals; a connection that
//     ends inside a literal is an error and errors stick.
//   - session speaks IMAP on a guard: login, LIST, STATUS, EXAMINE and short
//     FETCHes by itself, where names must stay octets and one odd value must
//     not end the connection; UID SEARCH and the FETCH of bodies through
//     go-imap, which has the guard as its net.Conn. A message that go-imap
//     cannot read is asked for in fewer words, and then read without it.
//   - pass compares the server's complete list of UIDs with the rows of the
//     store and works off the difference. There is no highest-UID cursor.
//
// What makes a pass safe against a server or a line that loses messages:
//
//   - a UID has a row before its message is asked for;
//   - a message counts only when its literal came in full, its UID was asked
//     for, and the next response or the command's end followed it;
//   - the tagged OK of a FETCH is not believed: what was asked for and did not
//     come is asked for again, one by one, and in the end quarantined by name;
//   - after a lost connection the same function starts the folder again from
//     what the store knows.
//
// What a server says of its own accord saves work and proves nothing: MODSEQ,
// VANISHED, the names of RFC 8474 and of Gmail. A message is gone when two lists in
// two connections lack it, and known again when its header is that of a stored one,
// octet for octet.
//
// TestHazards and TestQuirks name, row by row, what go-imap and servers do.
package imapsync

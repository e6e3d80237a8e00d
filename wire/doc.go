// Package wire is HTTP/1.1 on a connection, read strictly and written once
// (RFC 9110, RFC 9112). A [Reader] reads what one side of a connection says:
// requests from clients or answers from machines, each with its [Body]. The
// Append functions and [ChunkWriter] write.
//
//	r := wire.NewReader(conn, wire.Limits{})
//	for {
//		req, err := r.ReadRequest() // io.EOF: the client is done
//		…
//		io.Copy(machine, r.Body())
//	}
//
// Two readers that disagree about where a message ends let a client hide one
// request inside another. So what could be read in two ways is not read at all:
// it is an [*Error] with the status for it, after which the Reader returns
// nothing more, whatever else was sent. What a head or a trailer is refused for
// is never quoted but for single bytes: errors end up in logs, and values may be
// secrets. Deadlines are the caller's, and a call that a deadline ended can be
// repeated: nothing of what came is lost.
//
// # Deliberate differences
//
// From the RFCs, stricter. Whatever is accepted, net/http reads the same way; a
// fuzzer holds that.
//
//   - No empty line before a request line (RFC 9112 §2.2 would have one ignored).
//   - A line ends with CRLF; a bare LF, which §2.2 allows a reader to accept, does not end one.
//   - No folded line, in answers neither (§5.2 would have it replaced by blanks).
//   - Content-Length is one number of at most 19 digits: no list, not even of equal values (RFC 9110 §8.6
//     allows either), and never beside Transfer-Encoding (RFC 9112 §6.3).
//   - Transfer-Encoding is "chunked", alone, once, and only in HTTP/1.1. Other codings are 501.
//   - The names of these two with a "_" for the "-" are refused: apps behind CGI-like interfaces cannot tell
//     them apart.
//   - The host is letters, digits, "-", ".", "_", "~", or an IPv6 address in brackets, and perhaps a port that
//     is not empty. No userinfo, no percent-encoding. It may be missing in HTTP/1.0 only, and never empty.
//   - An absolute target must agree with Host to the letter, but for case (RFC 9112 §3.2.2 has Host ignored),
//     and be of http or https.
//   - HTTP/1.0 connections end after one exchange, "keep-alive" or not.
//   - Of a chunk's line nothing but a well-formed extension may follow the size, without blanks, and all
//     extensions of a message have 2 KiB (§7.1.1 leaves the bound to the reader).
//   - A trailer may hold nothing that frames, routes or belongs to the hop (RFC 9110 §6.5.1 has it ignored).
//   - Content with CONNECT, chunked or a length above zero with a 204 or 1xx answer: refused.
//   - "Upgrade: h2c" counts as no upgrade asked for (RFC 9113 §3.1 has deprecated it): inside it requests
//     would pass the edge unread.
//
// And more lenient, as browsers and net/http are: a target may hold bytes that
// RFC 3986 would have encoded, such as "|", "{" or those of UTF-8, though neither
// blanks, control bytes nor "#"; and its query any "%". An answer's line may end
// after the status.
package wire

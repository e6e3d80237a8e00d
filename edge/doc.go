// Package edge is the proxy in front of an app's machines: it accepts a request,
// sends it to the nearest machine, and where that machine answers with a replay
// it delivers the whole request again to where the instruction says. What
// happened is one [journey.Record] per request.
//
// [Edge.Server] is the front. HTTP/1.1 is read by package wire, and what could be
// read in two ways is refused. HTTP/2, over TLS (see [Server.TLS]) or from the first
// byte, is read by net/http, and what machines behind HTTP/1.1 could read in two
// ways is refused by the same rules. An [Edge] is also an [http.Handler], for a
// server of net/http's. What is behind all of them works on an inbound request and a
// sink for the answer, and knows none.
//
// # HTTP/2
//
// A client may have 250 requests under way on a connection. A head of more than 64
// KiB or 200 fields is 431; one that does not end costs the connection after 40 s at
// the latest. What net/http refuses by itself leaves no record: it resets the stream,
// or answers 400 or 431. An answer that breaks off resets the stream with
// INTERNAL_ERROR, whatever a machine gave as its reason.
//
// Machines are spoken to in HTTP/2 where [fleet.Options] say so, without TLS and
// whatever the client speaks, so that gRPC works: it streams in both directions,
// its "TE: trailers" is passed on, and its calls can be replayed like any request.
// An upgrade (WebSocket) is then refused with 501: HTTP/2 has none.
//
// # What a machine is told
//
// Fly-Client-IP, Fly-Forwarded-Port, Fly-Region, Fly-Request-Id, X-Forwarded-For,
// -Proto, -Port and -SSL, Via and traceparent; and after a replay Fly-Replay-Src.
// What a client sends under the names that only an edge may use is removed.
//
// # Bodies
//
// A request's body is kept for a replay while it streams past, to a limit for each
// and a budget for all. One of known length that will not be kept is announced to
// the machine (Expect: 100-continue), and stays with the client until the machine
// asks for it, or begins an answer below 300 that is no replay: an app that decides
// before it reads can be replayed with a body of any size. Node and Puma ask before
// the app has run; for them the limit stays. What a client holds back itself is
// announced too, but not over HTTP/2, where net/http does not tell.
//
// # What an app's options change
//
// The options are those of the app that the client addressed, see [fleet.Options].
// Answers are marked with Fly-Request-Id, Via and Server, unless they are to be
// pristine; then headers are set and removed as the app wants it, on the answer of an
// upgrade too, and not on 1xx answers. An error of ours gets what the app sets and the
// error does not say itself. What comes without TLS is redirected where the app
// forces HTTPS: with 301, or 308 to keep another method than GET and HEAD.
//
// An exchange or a tunnel in which no byte has moved in either direction for the idle
// timeout ends: before an answer with 504 (PU02), or 408 where the client owed the next
// byte of its body; within one by cutting it. What waits for a connection or for its
// turn is not idle.
//
// # The replay cache
//
// Where an app's order or its settings say so, the edge remembers where a replay went
// and sends the requests that follow there at once; package recall is its memory. It
// is looked at once for a request, before the first hop: a hit is a replay that nobody
// asked for now, so it counts as one and overrides what the client wishes, but carries
// no Fly-Replay-Src. A machine is told by Fly-Replay-Cache-Status how a replay came
// about. A hit whose target is not there, or may not be entered any more, is forgotten,
// and the app is asked as if nothing had been cached.
//
// # Deliberate differences
//
// From Fly's proxy:
//
//   - Errors come with a body that names the code (see [Code]) and says what
//     happened, and with the header Homing-Error; Fly's are mostly empty.
//   - A client's own fly-replay-src and the like never reach a machine, nor does
//     fly_replay_src, which many apps cannot tell from it.
//   - A repeated fly-replay header is invalid.
//   - Only the machine that gets a request first can have its replay cached. What is
//     cached is for one port of the edge, and for paths of 32 segments or 1 KiB at most.
//   - Where a cached target cannot be reached the app is asked, without waiting until
//     the target is ready. One at its limit is waited for like any other.
//   - A replay that brings a request back to the app it is for, and empties the cache,
//     empties it of all that this request would find, for its path and its session.
//   - A session's key that is given twice caches nothing.
//   - Trailers of requests are not passed on; those of answers are.
package edge
